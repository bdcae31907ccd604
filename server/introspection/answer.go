package introspection

import (
	"context"
	"strings"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
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
	Act       *accesstoken.Actor   `json:"act,omitempty"` // RFC 8693 §4.1
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
	scope := oauth.Scope(strings.Fields(claims.Scope))
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
	_, stands, err := e.ground().Standing(ctx, q.set, claims, q.now)
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
		Act:       claims.Act,
	}, nil
}

// refreshToken answers for a refresh token: to its own client alone. One that was
// replaced is not active, and asking about it does no harm to its grant.
func (e *endpoint) refreshToken(ctx context.Context, q question, token grant.RefreshToken) (answer, error) {
	g, stands, err := e.ground().Grant(ctx, q.caller, token.GrantID, q.now)
	if err != nil || !stands || !token.Describes(g) {
		return answer{}, err
	}
	use := token.Use(g, q.caller.Lifetimes.RefreshGrace, q.now)
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

// ground is where the endpoint looks what tokens rest on.
func (e *endpoint) ground() accesstoken.Ground {
	return accesstoken.Ground{Settings: e.Settings, Registry: e.Registry, Grants: e.Grants, People: e.People}
}
