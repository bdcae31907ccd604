package token

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/resourceowner"
)

// issuance is what a response is made from beside the grant.
type issuance struct {
	scope     oauth.Scope
	resources []string // of the access token; none for the issuer itself
	person    *resourceowner.Person
	nonce     string
}

// issue makes the response that rests on a grant, but for the refresh token. It
// is made before the store is written to, so that nothing can go wrong after.
func (e *endpoint) issue(req *request, g grant.Grant, is issuance) (response, error) {
	claims, err := e.forResources(accesstoken.ForGrant(e.Settings, req.Client, g, is.scope, req.now), is.resources)
	if err != nil {
		return response{}, err
	}
	claims.Subject, err = accesstoken.Subject(req.set, req.Client, g.Subject)
	if err != nil {
		return response{}, oauth.ServerError(err)
	}
	answer, err := e.bearer(req, claims)
	if err != nil {
		return response{}, err
	}
	// OpenID Connect Core §3.1.3.3 and §12.2. The ID token is for the client,
	// whatever resource the access token is for.
	if is.scope.Has(oauth.ScopeOpenID) {
		answer.IDToken, err = accesstoken.IDToken{
			Client: req.Client, Grant: g, Person: is.person, Scope: is.scope, Nonce: is.nonce, AccessToken: answer.AccessToken,
		}.Sign(e.Settings, req.set, req.now)
		if err != nil {
			return response{}, oauth.ServerError(err)
		}
	}
	return answer, nil
}

// bearer makes the response with an access token alone.
func (e *endpoint) bearer(req *request, claims accesstoken.Claims) (response, error) {
	token, err := claims.Sign(req.set, req.now)
	if err != nil {
		return response{}, oauth.ServerError(err)
	}
	return response{
		AccessToken: token,
		TokenType:   oauth.TokenTypeBearer,
		ExpiresIn:   claims.Lifetime(),
		Scope:       claims.Scope,
	}, nil
}

// revokeTimeout bounds a revocation that outlives its request.
const revokeTimeout = 10 * time.Second

// revoke ends a grant that was misused. Whoever misused it cannot keep that from
// happening by hanging up.
func (e *endpoint) revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	logr.FromContextOrDiscard(ctx).Info("A grant is revoked because it was misused.",
		"client", key.ClientID, "grant", key.ID, "reason", reason)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	if err := e.Grants.Revoke(ctx, key, reason); err != nil && !errors.Is(err, grant.ErrNotFound) {
		return oauth.Unavailable(err)
	}
	return nil
}
