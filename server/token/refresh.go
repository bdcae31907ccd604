package token

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
)

// badRefreshToken is what the caller is told of a refresh token that is no good,
// whatever is wrong with it.
const badRefreshToken = "The refresh token is invalid, has expired, was revoked, or was issued to another client."

// refresh answers a request to refresh an access token (RFC 6749 §6). It costs
// one look at the store and one step of its grant to the next generation; a
// retry costs the look alone.
func (e *endpoint) refresh(ctx context.Context, req *request) (response, error) {
	token, g, err := e.find(ctx, req)
	if err != nil {
		return response{}, err
	}
	use := token.Use(g, req.Client.Lifetimes.RefreshGrace, req.now)
	if use == grant.Reused || use == grant.Unknown {
		return response{}, e.denied(ctx, g, use)
	}
	scope, err := e.narrow(req, g)
	if err != nil {
		return response{}, err
	}
	resources, err := e.targets(req, g)
	if err != nil {
		return response{}, err
	}
	person, err := e.person(ctx, g.Subject)
	if err != nil {
		return response{}, err
	}
	answer, err := e.issue(req, g, issuance{scope: scope, resources: resources, person: person})
	if err != nil {
		return response{}, err
	}
	if use == grant.Current {
		if g, err = e.advance(ctx, req, token, g); err != nil {
			return response{}, err
		}
	}
	// RFC 6749 §6: the scope of a new refresh token "MUST be identical to that of
	// the refresh token included by the client", however narrow this request is.
	// It has the scope of the grant.
	if answer.RefreshToken, err = grant.SealRefreshToken(req.set, g, req.now); err != nil {
		return response{}, oauth.ServerError(err)
	}
	return answer, nil
}

// find returns the refresh token and the grant it is for, which has to stand and
// to be this client's.
func (e *endpoint) find(ctx context.Context, req *request) (grant.RefreshToken, grant.Grant, error) {
	value := req.params.Get(oauth.ParamRefreshToken)
	if value == "" {
		return grant.RefreshToken{}, grant.Grant{}, missing(oauth.ParamRefreshToken)
	}
	token, err := grant.OpenRefreshToken(req.set, value, req.now)
	if err != nil {
		return token, grant.Grant{}, invalidGrant(badRefreshToken, "not a refresh token of this issuer")
	}
	// RFC 6749 §6: the refresh token is bound to the client, so it is looked for
	// among the grants of this one.
	g, err := e.Grants.Get(ctx, grant.Key{ClientID: req.Client.ID, ID: token.GrantID})
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return token, g, invalidGrant(badRefreshToken, "no such grant of this client")
	case err != nil:
		return token, g, oauth.Unavailable(err)
	case !token.Describes(g):
		return token, g, invalidGrant(badRefreshToken, "the grant is not what it was when the refresh token was made")
	case g.ClientUID != req.Client.UID || g.Issuer != e.Settings.Name:
		return token, g, invalidGrant(badRefreshToken, "the grant of an earlier client of that name, or of another issuer")
	case !g.Active(req.now):
		return token, g, invalidGrant(badRefreshToken, "the grant was revoked or has expired")
	}
	return token, g, nil
}

// denied answers a refresh token that must not be used, and ends the grant of one
// that somebody has a copy of.
func (e *endpoint) denied(ctx context.Context, g grant.Grant, use grant.Use) error {
	if use == grant.Reused {
		if err := e.revoke(ctx, g.Key(), grant.RefreshTokenReused); err != nil {
			return err
		}
		return invalidGrant(badRefreshToken, "refresh token used before")
	}
	// A store that was restored from an old copy does this.
	logr.FromContextOrDiscard(ctx).Info("A refresh token is ahead of its grant: the store has lost a step.",
		"client", g.ClientID, "grant", g.ID)
	return invalidGrant(badRefreshToken, "refresh token ahead of its grant")
}

// narrow returns the scope of the access token: what is asked for, which must be
// within what was granted (RFC 6749 §6), or all of it.
func (e *endpoint) narrow(req *request, g grant.Grant) (oauth.Scope, error) {
	scope, err := allowed(g.Scope, req.Client)
	if err != nil || !req.params.Has(oauth.ParamScope) {
		return scope, err
	}
	asked, err := oauth.ParseScope(req.params.Get(oauth.ParamScope))
	if err != nil {
		return nil, err
	}
	if !asked.In(scope) {
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The scope is not within what the resource owner has granted.")
	}
	if len(asked) == 0 { // nothing but spaces
		return scope, nil
	}
	return asked, nil
}

// advance moves the grant to the next generation. If a request with the same
// token was faster, this one is a retry of it.
func (e *endpoint) advance(ctx context.Context, req *request, token grant.RefreshToken, g grant.Grant) (grant.Grant, error) {
	lifetimes := req.Client.Lifetimes
	refreshedAt := req.now.UTC().Truncate(time.Microsecond)
	// The grant is there for at least as long as the access token is good.
	expiresAt := earliest(g.EndsAt, refreshedAt.Truncate(time.Second).Add(max(lifetimes.RefreshIdle, lifetimes.AccessToken)))

	moved, err := e.Grants.Advance(ctx, g.Key(), g.Generation, refreshedAt, expiresAt)
	switch {
	case err == nil:
		return moved, nil
	case errors.Is(err, grant.ErrNotFound):
		return g, invalidGrant(badRefreshToken, "the grant is gone")
	case !errors.Is(err, grant.ErrMoved):
		// Nobody knows which generation the grant is at. If it did move, the same
		// token is a retry.
		return g, oauth.Unavailable(err)
	case !moved.Active(req.now):
		return g, invalidGrant(badRefreshToken, "the grant was revoked in the meantime")
	}
	if use := token.Use(moved, lifetimes.RefreshGrace, req.now); use != grant.Retried {
		return g, e.denied(ctx, moved, use)
	}
	return moved, nil
}
