// Package clientauth is RFC 6749 §2.3 with the methods of RFC 7591 §2:
// client_secret_basic, client_secret_post and none, and private_key_jwt (RFC
// 7523). Each request uses exactly one, and it is the one that the client is
// registered with.
package clientauth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/throttle"
)

// Methods are the methods that there are, for the metadata.
func Methods() []string {
	return []string{oauth.AuthMethodBasic, oauth.AuthMethodPost, oauth.AuthMethodPrivateKeyJWT, oauth.AuthMethodNone}
}

// VerifierKeys are the keys that client secrets are checked with;
// keys.Verifiers is one.
type VerifierKeys interface {
	// VerifierKey returns the key of that id, if its verifiers are still good.
	VerifierKey(id string, now time.Time) (key []byte, ok bool)
}

// Uses is told of the client secrets that authenticate a client;
// registration.Recorder is one.
type Uses interface {
	// Used notes that the credential of that id has just authenticated the
	// client. It returns at once.
	Used(client *registration.Client, credentialID string)
}

// unnoted is the Uses that nobody reads.
type unnoted struct{}

func (unnoted) Used(*registration.Client, string) {}

// Options of an Authenticator.
type Options struct {
	// Registry finds the clients.
	Registry registration.Registry

	// Verifiers are the keys that secrets are checked with.
	Verifiers VerifierKeys

	// Issuer is the issuer identifier, which assertions have to be for.
	Issuer string

	// Spent remembers which assertions were used.
	Spent Spender

	// ServiceAccounts vouches for those that clients authenticate as. Nil where
	// there is no cluster.
	ServiceAccounts ServiceAccounts

	// KeySets has the keys of clients with a JWKSURI. Nil where nothing is fetched.
	KeySets KeySets

	// Realm is the protection space of the challenge (RFC 9110 §11.5): the
	// issuer identifier.
	Realm string

	// Uses is told which client secrets are in use. Nil if nobody needs to know.
	Uses Uses

	// Failures bounds how often a wrong secret for one client_id is answered
	// as such. Nil for a bound of ten at once and one more every six seconds.
	Failures *throttle.Limiter

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Authenticator authenticates the clients of one issuer.
type Authenticator struct {
	options Options
	dummy   registration.Client

	// matches is credential.Matches.
	matches func(verifier string, key []byte, subject credential.Subject, secret string) bool
}

// New returns an Authenticator.
func New(options Options) *Authenticator {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Uses == nil {
		options.Uses = unnoted{}
	}
	if options.Failures == nil {
		options.Failures = throttle.New(throttle.Options{Every: 6 * time.Second, Burst: 10, Keys: 4096, Now: options.Now})
	}
	// The client that stands in for those that do not exist. Nobody has its key.
	subject := credential.Subject{ClientUID: "none", CredentialID: "none"}
	verifier := credential.Verifier("none", make([]byte, credential.KeyBytes), subject, credential.NewSecret())
	return &Authenticator{options: options, matches: credential.Matches, dummy: registration.Client{
		UID:         subject.ClientUID,
		Credentials: []registration.Credential{{ID: subject.CredentialID, Verifier: verifier}},
	}}
}

// Result says who sent a request.
type Result struct {
	// Client is the client that the request is from, or says it is from.
	Client *registration.Client

	// Method is the token_endpoint_auth_method that was used.
	Method string

	// Authenticated is false for a public client: it has only said who it is,
	// and RFC 6749 §2.3 forbids to rely on that.
	Authenticated bool
}

// Authenticate finds out which client a request is from. The params are those
// of the body, which holds no parameter twice. It returns an *oauth.Error:
// invalid_client for whatever is wrong with the client or its credentials, with
// the same words whatever it is; invalid_request for a request that uses two
// methods or names two clients; temporarily_unavailable if the registry could
// not tell.
func (a *Authenticator) Authenticate(r *http.Request, params oauth.Params) (Result, error) {
	attempt, err := readAttempt(r, params)
	if err != nil {
		return Result{}, err
	}
	client, cause := a.lookup(r.Context(), attempt.clientID)
	if cause != nil && client == nil {
		return Result{}, oauth.Unavailable(cause)
	}
	if attempt.method == oauth.AuthMethodNone {
		// RFC 6749 §2.2: the client_id alone authenticates no confidential client.
		if cause == nil && client.AuthMethod != oauth.AuthMethodNone {
			cause = errMethod
		}
		if cause != nil {
			return Result{}, invalidClient(cause)
		}
		return Result{Client: client, Method: attempt.method}, nil
	}
	if attempt.assertion != nil {
		return a.assert(r.Context(), client, cause, attempt)
	}

	client, used, right := a.check(r.Context(), client, attempt.secret)
	switch {
	case cause != nil || !right:
		// RFC 6749 §2.3.1: "MUST protect any endpoint utilizing it against brute
		// force attacks." A right secret never comes here, so strangers cannot
		// lock a client out by guessing.
		if !a.options.Failures.Allow(attempt.clientID) {
			return Result{}, invalidClient(ErrThrottled)
		}
		if cause == nil {
			cause = errSecret
		}
		return Result{}, invalidClient(cause)
	case client.AuthMethod != attempt.method:
		return Result{}, invalidClient(errMethod)
	}
	a.options.Uses.Used(client, used)
	return Result{Client: client, Method: attempt.method, Authenticated: true}, nil
}

// lookup finds the client. For one that does not exist or may not be served it
// returns the stand-in and why; without any client, nobody could tell.
func (a *Authenticator) lookup(ctx context.Context, clientID string) (*registration.Client, error) {
	// RFC 6749 Appendix A.1: VSCHAR. Nothing else is worth a look.
	if !printable(clientID) {
		return &a.dummy, errMalformed
	}
	client, err := a.options.Registry.Lookup(ctx, clientID)
	switch {
	case err == nil:
		return client, nil
	case errors.Is(err, registration.ErrUnknown), errors.Is(err, registration.ErrRefused):
		return &a.dummy, err
	default:
		return nil, err
	}
}

// maxRenewals is how often one request may have its client looked at anew: the
// first answer may be one that another request got a moment ago.
const maxRenewals = 2

// check verifies the secret, and where it is none of the client's that is known,
// against newer states of the client, if there are any: a workload may know of a
// rotation before this replica does. It returns the client that it ended with,
// and which credential matched.
func (a *Authenticator) check(ctx context.Context, client *registration.Client, secret string) (*registration.Client, string, bool) {
	used, right := a.verify(client, secret)
	for range maxRenewals {
		if right || client == &a.dummy {
			break
		}
		newer := a.options.Registry.Renew(ctx, client)
		if newer == nil {
			break
		}
		client = newer
		used, right = a.verify(client, secret)
	}
	return client, used, right
}

// verify checks a secret against all credentials of the client, and returns the
// id of the one that it is. It does the same work whichever of them matches,
// whether or not they have expired, for a client that has none, and for one whose
// secret is being rotated.
func (a *Authenticator) verify(client *registration.Client, secret string) (used string, right bool) {
	now := a.options.Now()
	used, right = a.compare(client.UID, client.Credentials, secret, now)
	for range usualCredentials - len(client.Credentials) {
		a.compare(a.dummy.UID, a.dummy.Credentials, secret, now) // which nothing matches
	}
	return used, right
}

// usualCredentials is how many a client has while its secret is rotated. So many
// are compared for every client.
const usualCredentials = 2

// compare checks a secret against each of the credentials.
func (a *Authenticator) compare(clientUID string, credentials []registration.Credential, secret string, now time.Time) (used string, right bool) {
	for _, c := range credentials {
		key, known := noKey, false
		if id, err := credential.KeyID(c.Verifier); err == nil {
			if k, ok := a.options.Verifiers.VerifierKey(id, now); ok {
				key, known = k, true
			}
		}
		matches := a.matches(c.Verifier, key, credential.Subject{ClientUID: clientUID, CredentialID: c.ID}, secret)
		if good := c.Good(now); matches && known && good {
			used, right = c.ID, true
		}
	}
	return used, right
}

// noKey is what a verifier is checked with whose key is gone, so that it takes
// the same time.
var noKey = make([]byte, credential.KeyBytes)

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return true
}
