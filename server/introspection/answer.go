package introspection

import (
	"context"
	"errors"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// answer is the introspection response of RFC 7662 §2.2. The zero answer is that
// of a token that is not active, or not the caller's business: it says nothing
// else. There is no username: whoever may know the person's name has the scope
// profile for that.
type answer struct {
	Active    bool                 `json:"active"`
	Scope     string               `json:"scope,omitempty"`
	ClientID  string               `json:"client_id,omitempty"`
	TokenType string               `json:"token_type,omitempty"` // of access tokens alone (RFC 6749 §5.1)
	ExpiresAt int64                `json:"exp,omitempty"`
	IssuedAt  int64                `json:"iat,omitempty"`
	Subject   string               `json:"sub,omitempty"`
	Audience  accesstoken.Audience `json:"aud,omitempty"`
	Issuer    string               `json:"iss,omitempty"`
	ID        string               `json:"jti,omitempty"`
}

// introspect says of a token what the caller may know. Of what kind it is shows
// the token itself, so token_type_hint is not needed (RFC 7662 §2.1: "An
// authorization server MAY ignore this parameter").
func (e *endpoint) introspect(ctx context.Context, q question) (answer, error) {
	if len(q.token) > oauth.MaxToken {
		return answer{}, nil
	}
	if claims, err := accesstoken.Read(e.Settings, q.set, q.token, q.now); err == nil {
		return e.accessToken(ctx, q, claims)
	}
	if token, err := grant.OpenRefreshToken(q.set, q.token, q.now); err == nil {
		return e.refreshToken(ctx, q, token)
	}
	return answer{}, nil
}

// accessToken answers for an access token: to the client that it was issued to,
// and to those who serve a resource that it is for.
func (e *endpoint) accessToken(ctx context.Context, q question, claims accesstoken.Claims) (answer, error) {
	scope, err := oauth.ParseScope(claims.Scope)
	if err != nil {
		return answer{}, nil //nolint:nilerr // nothing that we have signed
	}
	if claims.ClientID != q.caller.ID {
		served := e.Settings.Served(q.caller.ID, claims.Audience)
		if len(served) == 0 {
			return answer{}, nil
		}
		// RFC 7662 §2.2: "the authorization server MAY provide different responses
		// to different protected resources [...] to limit which scopes [...] are
		// returned".
		scope = e.Settings.Understood(scope, served)
	}
	stands, err := e.stands(ctx, q, claims)
	if err != nil || !stands {
		return answer{}, err
	}
	return answer{
		Active:    true,
		Scope:     scope.String(),
		ClientID:  claims.ClientID,
		TokenType: oauth.TokenTypeBearer,
		ExpiresAt: claims.ExpiresAt,
		IssuedAt:  claims.IssuedAt,
		Subject:   claims.Subject,
		Audience:  claims.Audience,
		Issuer:    claims.Issuer,
		ID:        claims.ID,
	}, nil
}

// stands reports whether all that an access token rests on still does: its client,
// and, where there is one, the grant and the person behind it.
func (e *endpoint) stands(ctx context.Context, q question, claims accesstoken.Claims) (bool, error) {
	client, err := e.client(ctx, q, claims.ClientID)
	if err != nil || client == nil {
		return false, err
	}
	if claims.GrantID == "" {
		return claims.Subject == client.ID, nil // RFC 6749 §4.4
	}
	g, err := e.grant(ctx, q, client, claims.GrantID)
	if err != nil || g == nil {
		return false, err
	}
	subject, err := accesstoken.Subject(q.set, client, g.Subject)
	if err != nil {
		return false, oauth.Unavailable(err)
	}
	return subject == claims.Subject, nil
}

// refreshToken answers for a refresh token: to its own client alone. One that was
// replaced is not active, and asking about it does no harm to its grant.
func (e *endpoint) refreshToken(ctx context.Context, q question, token grant.RefreshToken) (answer, error) {
	g, err := e.grant(ctx, q, q.caller, token.GrantID)
	if err != nil || g == nil || !token.Describes(*g) {
		return answer{}, err
	}
	use := token.Use(*g, q.caller.Lifetimes.RefreshGrace, q.now)
	if use != grant.Current && use != grant.Retried {
		return answer{}, nil
	}
	subject, err := accesstoken.Subject(q.set, q.caller, g.Subject)
	if err != nil {
		return answer{}, oauth.Unavailable(err)
	}
	a := answer{
		Active:    true,
		Scope:     g.Scope.String(),
		ClientID:  g.ClientID,
		ExpiresAt: min(g.ExpiresAt.Unix(), g.EndsAt.Unix()),
		IssuedAt:  g.CreatedAt.Unix(),
		Subject:   subject,
		Issuer:    e.Settings.Issuer,
	}
	if !g.RefreshedAt.IsZero() {
		a.IssuedAt = g.RefreshedAt.Unix()
	}
	return a, nil
}

// client returns the client that a token was issued to, or nil if that is gone: it
// takes its tokens with it.
func (e *endpoint) client(ctx context.Context, q question, id string) (*registration.Client, error) {
	if id == q.caller.ID {
		return q.caller, nil
	}
	client, err := e.Registry.Lookup(ctx, id)
	switch {
	case errors.Is(err, registration.ErrUnknown), errors.Is(err, registration.ErrRefused):
		return nil, nil //nolint:nilnil // nothing is wrong, and there is none
	case err != nil:
		return nil, oauth.Unavailable(err)
	}
	return client, nil
}

// grant returns a grant of the client that stands, of a person who may still log
// in; or nil. It is asked for each time, so that a revocation is seen at once.
func (e *endpoint) grant(ctx context.Context, q question, client *registration.Client, id string) (*grant.Grant, error) {
	g, err := e.Grants.Get(ctx, grant.Key{ClientID: client.ID, ID: id})
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return nil, nil //nolint:nilnil // nothing is wrong, and there is none
	case err != nil:
		return nil, oauth.Unavailable(err)
	case !g.Active(q.now) || g.Issuer != e.Settings.Name || g.ClientUID != client.UID:
		return nil, nil //nolint:nilnil // it does not stand
	}
	_, err = e.People.Person(ctx, g.Subject)
	switch {
	case errors.Is(err, resourceowner.ErrUnknown):
		return nil, nil //nolint:nilnil // it is of nobody
	case err != nil:
		return nil, oauth.Unavailable(err)
	}
	return &g, nil
}
