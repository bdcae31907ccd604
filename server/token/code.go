package token

import (
	"context"
	"errors"
	"time"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
)

// badCode is what the caller is told of a code that is no good, whatever is
// wrong with it.
const badCode = "The authorization code is invalid, has expired, was used before, or was issued to another client."

// clockSkew is how far the clocks of two replicas may be apart.
const clockSkew = time.Minute

// code answers an access token request with an authorization code (RFC 6749
// §4.1.3). Its one write creates the grant under the id that the code carries.
// Whoever comes second finds it there: the code was used before. A request that
// fails earlier leaves the code as good as it was.
func (e *endpoint) code(ctx context.Context, req *request) (response, error) {
	code := req.params.Get(oauth.ParamCode)
	if code == "" {
		return response{}, missing(oauth.ParamCode)
	}
	c, err := grant.OpenCode(req.set, code, req.now)
	if err != nil {
		return response{}, invalidGrant(badCode, "not a code of this issuer, or expired")
	}
	if err := e.checkBindings(req, c); err != nil {
		return response{}, err
	}
	return e.settle(ctx, req, c, badCode)
}

// settle gives tokens for a code that is good, and creates its grant. What it says
// of a code that was used before is bad.
func (e *endpoint) settle(ctx context.Context, req *request, c grant.Code, bad string) (response, error) {
	scope, err := allowed(c.Scope, req.Client)
	if err != nil {
		return response{}, err
	}
	g := e.newGrant(req, c)
	resources, err := e.targets(req, g)
	if err != nil {
		return response{}, err
	}
	person, err := e.person(ctx, c.Subject)
	if err != nil {
		return response{}, err
	}
	answer, err := e.issue(req, g, issuance{scope: scope, resources: resources, person: person, nonce: c.Nonce})
	if err != nil {
		return response{}, err
	}
	if req.Client.MayUse(oauth.GrantRefreshToken) {
		if answer.RefreshToken, err = grant.SealRefreshToken(req.set, g, req.now); err != nil {
			return response{}, oauth.ServerError(err)
		}
	}
	if err := e.redeem(ctx, g, bad); err != nil {
		return response{}, err
	}
	return answer, nil
}

// checkBindings checks that the code was issued to this client, for this
// redirect URI, and to whoever knows the code_verifier.
func (e *endpoint) checkBindings(req *request, c grant.Code) error {
	// RFC 6749 §4.1.3: "ensure that the authorization code was issued to the
	// authenticated confidential client, or ... to "client_id" in the request".
	if c.ClientID != req.Client.ID || c.ClientUID != req.Client.UID {
		return invalidGrant(badCode, "another client's code")
	}
	// RFC 6749 §4.1.3: "if the "redirect_uri" parameter was included in the
	// initial authorization request ... ensure that their values are identical".
	redirectURI := req.params.Get(oauth.ParamRedirectURI)
	if (c.RedirectURISent || redirectURI != "") && redirectURI != c.RedirectURI {
		return invalidGrant("The redirect_uri is not that of the authorization request.", "another redirect_uri")
	}
	return checkVerifier(c.Challenge, req.params.Get(oauth.ParamCodeVerifier), req.Client.Public())
}

// redeem creates the grant. That is what makes a code good for one time: of any
// number of requests, at most one creates it.
func (e *endpoint) redeem(ctx context.Context, g grant.Grant, bad string) error {
	err := e.Grants.Create(ctx, g)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, grant.ErrExists):
		// RFC 6749 §4.1.2: "If an authorization code is used more than once, the
		// authorization server MUST deny the request and SHOULD revoke (when
		// possible) all tokens previously issued based on that code."
		if err := e.revoke(ctx, g.Key(), grant.CodeReplayed); err != nil {
			return err
		}
		return invalidGrant(bad, "code used before")
	default:
		// Nobody knows whether the grant is there, so nobody gets a token for it.
		return oauth.Unavailable(err)
	}
}

// newGrant returns the grant that the code becomes. It is remembered for at least
// as long as the code could be sent again and the access token could be used,
// whether or not it can be refreshed.
func (e *endpoint) newGrant(req *request, c grant.Code) grant.Grant {
	lifetimes := req.Client.Lifetimes
	created := req.now.UTC().Truncate(time.Second)
	endsAt := latest(created.Add(lifetimes.AccessToken), time.Unix(c.ExpiresAt, 0).UTC().Add(clockSkew))
	expiresAt := endsAt
	if req.Client.MayUse(oauth.GrantRefreshToken) {
		endsAt = latest(endsAt, created.Add(lifetimes.Refresh))
		expiresAt = earliest(endsAt, latest(expiresAt, created.Add(lifetimes.RefreshIdle)))
	}
	return grant.Grant{
		ID:        c.GrantID,
		Issuer:    e.Settings.Name,
		ClientID:  c.ClientID,
		ClientUID: c.ClientUID,
		Subject:   c.Subject,
		Username:  c.Username,
		Scope:     c.Scope,
		Claims:    c.Claims,
		Resources: c.Resources,
		SessionID: c.SessionID,
		AuthTime:  time.Unix(c.AuthTime, 0).UTC(),
		CreatedAt: created,
		EndsAt:    endsAt,
		ExpiresAt: expiresAt,
	}
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
