package keyring

// DataKey is the key of the Secret's data under which the ring is kept.
const DataKey = "keyring.json"

// VerifierSecret is the name of the Secret of the operator's namespace that
// holds the keys of UseVerifier, for all issuers.
const VerifierSecret = "oauth-operator-verifier" // #nosec G101 -- a name

// SecretName returns the name of the Secret of the operator's namespace that
// holds the other keys of an AuthorizationServer.
func SecretName(authorizationServer string) string {
	return "oauth-operator-keys-" + authorizationServer
}
