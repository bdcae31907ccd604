package clientauth

import (
	"context"
	"errors"
	"strings"
	"time"

	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// Algorithms are those that assertions may be signed with, for the metadata.
func Algorithms() []string { return assertion.Algorithms() }

// Spender remembers what is good only once; a grant.Store is one.
type Spender interface {
	// Spend is that of grant.Store.
	Spend(ctx context.Context, id string, until time.Time) error
}

// ServiceAccounts knows who vouches for the cluster's service accounts;
// keys.ServiceAccounts is one.
type ServiceAccounts interface {
	// Issuer returns the issuer identifier of the cluster and the keys that it
	// signs with. With anew it looks whether there are others by now, if that was
	// not done a moment ago.
	Issuer(ctx context.Context, anew bool) (issuer string, keys []assertion.Key, err error)
}

// KeySets knows the keys that clients publish; clientdocument.Fetcher is one.
type KeySets interface {
	// Keys returns the keys that are published at the address. With anew it looks
	// whether there are others by now, if that was not done a moment ago.
	Keys(ctx context.Context, address string, anew bool) ([]assertion.Key, error)
}

// fromAssertion reads the parameters of RFC 7521 §4.2. Nothing is verified here,
// and nothing is looked up before the assertion has a form that can be verified.
func fromAssertion(params oauth.Params) (attempt, error) {
	if params.Get(oauth.ParamClientAssertionType) != assertion.TypeJWTBearer {
		return attempt{}, explained(errMethodUnknown, "The client_assertion_type has to be "+assertion.TypeJWTBearer+".")
	}
	jwt, err := assertion.Parse(params.Get(oauth.ParamClientAssertion))
	if err != nil {
		return attempt{}, explained(err, "The client_assertion is not a signed JWT of a form that is accepted here.")
	}
	a := attempt{method: oauth.AuthMethodPrivateKeyJWT, clientID: params.Get(oauth.ParamClientID), assertion: jwt}
	if a.clientID == "" {
		// RFC 7521 §4.2: the client_id need not be sent beside it.
		a.clientID = jwt.Subject()
		if strings.HasPrefix(a.clientID, serviceAccountPrefix) {
			return attempt{}, explained(errNothing, "The token of a ServiceAccount names no client: send the client_id with it.")
		}
	}
	if a.clientID == "" {
		return attempt{}, invalidClient(errNothing)
	}
	return a, nil
}

// serviceAccountPrefix is what the sub of a ServiceAccount's token begins with.
const serviceAccountPrefix = "system:serviceaccount:"

// assert authenticates a client by an assertion (RFC 7523 §3). Nothing is written
// before the signature is known to be good, and what an assertion says beside it
// is not looked at either. Whoever has signed it is told what is wrong. The cause
// says why there is no such client, if there is none.
func (a *Authenticator) assert(ctx context.Context, client *registration.Client, cause error, attempt attempt) (Result, error) {
	jwt, clusterIssuer, err := attempt.assertion, "", cause
	if err == nil {
		client, clusterIssuer, err = a.verifyAssertion(ctx, client, jwt)
	}
	switch {
	case errors.Is(err, errNobodyKnows):
		return Result{}, oauth.Unavailable(err)
	case errors.Is(err, errNotPublished):
		return Result{}, explained(err, "The keys at the jwks_uri of the client cannot be had. The log of the authorization server says why; it asks for them again after a minute.")
	case err != nil:
		if !a.options.Failures.Allow(attempt.clientID) {
			err = ErrThrottled
		}
		return Result{}, invalidClient(err)
	}
	now := a.options.Now()
	expected := assertion.Expected{Issuer: client.ID, Subject: client.ID, Audience: a.options.Issuer, Once: true}
	if client.ServiceAccount != "" {
		expected = assertion.Expected{
			Issuer: clusterIssuer, Subject: client.ServiceAccount, Audience: a.options.Issuer, ArrayAudience: true,
		}
	}
	var refusal assertion.RefusalError
	if err := jwt.Check(expected, now); errors.As(err, &refusal) {
		return Result{}, explained(err, string(refusal))
	}
	result := Result{Client: client, Method: oauth.AuthMethodPrivateKeyJWT, Authenticated: true}
	if !expected.Once {
		return result, nil
	}
	// RFC 7523 §3, item 7. The ids of one client are apart from those of any other.
	id := strings.Join([]string{"client_assertion", a.options.Issuer, client.UID, jwt.ID()}, "\x00")
	switch err := a.options.Spent.Spend(ctx, id, jwt.ExpiresAt()); {
	case err == nil:
		return result, nil
	case errors.Is(err, grant.ErrSpent):
		return Result{}, explained(err, "The client assertion was used before: make a new one, with a jti of its own, for each request.")
	default:
		return Result{}, oauth.Unavailable(err)
	}
}

// errNobodyKnows says that the keys could not be read.
var errNobodyKnows = errors.New("clientauth: the keys of the cluster could not be read")

// errNotPublished says that the keys of a client are not where it publishes them.
var errNotPublished = errors.New("clientauth: the keys of the client could not be fetched")

// verifyAssertion checks the signature with the keys of the client, and where
// none of them is right, with those that it may have by now. It returns the client
// that it ended with, and who has issued the token of a ServiceAccount.
func (a *Authenticator) verifyAssertion(
	ctx context.Context, client *registration.Client, jwt *assertion.JWT,
) (_ *registration.Client, clusterIssuer string, err error) {
	for range maxRenewals + 1 {
		clusterIssuer, err = a.verifyOnce(ctx, client, jwt)
		if err == nil || errors.Is(err, errNobodyKnows) {
			return client, clusterIssuer, err
		}
		newer := a.options.Registry.Renew(ctx, client)
		if newer == nil {
			break
		}
		client = newer
	}
	return client, "", err
}

func (a *Authenticator) verifyOnce(ctx context.Context, client *registration.Client, jwt *assertion.JWT) (clusterIssuer string, err error) {
	switch {
	case client.AuthMethod != oauth.AuthMethodPrivateKeyJWT:
		return "", errMethod
	case client.JWKSURI != "":
		return "", a.verifyPublished(ctx, client, jwt)
	case client.ServiceAccount == "":
		return "", jwt.Verify(client.Keys)
	case a.options.ServiceAccounts == nil:
		return "", errMethodUnknown
	}
	for _, anew := range []bool{false, true} {
		issuer, keys, failed := a.options.ServiceAccounts.Issuer(ctx, anew)
		if failed != nil {
			return "", errors.Join(errNobodyKnows, failed)
		}
		if err = jwt.Verify(keys); err == nil {
			return issuer, nil
		}
	}
	return "", err
}

// verifyPublished checks the signature with the keys that the client publishes:
// those that are known, and where none of them is right, those that there are by
// now. That is how a client changes its keys, and how often strangers can have them
// fetched is bounded by who fetches them.
func (a *Authenticator) verifyPublished(ctx context.Context, client *registration.Client, jwt *assertion.JWT) (err error) {
	if a.options.KeySets == nil {
		return errMethodUnknown
	}
	for _, anew := range []bool{false, true} {
		keys, failed := a.options.KeySets.Keys(ctx, client.JWKSURI, anew)
		if failed != nil {
			return errors.Join(errNotPublished, failed)
		}
		if err = jwt.Verify(forAlgorithm(keys, client.AssertionAlg)); err == nil {
			return nil
		}
	}
	return err
}

// forAlgorithm returns the keys as those of that algorithm alone, if there is one.
func forAlgorithm(keys []assertion.Key, alg string) []assertion.Key {
	if alg == "" {
		return keys
	}
	var fitting []assertion.Key
	for _, k := range keys {
		if k.Alg == "" || k.Alg == alg {
			k.Alg = alg
			fitting = append(fitting, k)
		}
	}
	return fitting
}
