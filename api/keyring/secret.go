package keyring

// VerifierSecret is the name of the Secret of the operator's namespace that
// holds the keys of UseVerifier, for all issuers.
const VerifierSecret = "oauth-operator-verifier" // #nosec G101 -- a name

// SecretName returns the name of the Secret of the operator's namespace that
// holds the other keys of an AuthorizationServer.
func SecretName(authorizationServer string) string {
	return "oauth-operator-keys-" + authorizationServer
}
