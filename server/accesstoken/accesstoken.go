// Package accesstoken makes and checks what the token endpoint gives out: access
// tokens in the form of RFC 9068, and OpenID Connect ID tokens. The two cannot
// be taken for each other: they differ in typ, in aud, and as a rule in the key.
package accesstoken

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// Claims are the claims of an access token (RFC 9068 §2.2). Times are in
// seconds since 1970.
type Claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  Audience `json:"aud"`
	ExpiresAt int64    `json:"exp"`
	IssuedAt  int64    `json:"iat"`
	ID        string   `json:"jti"`
	ClientID  string   `json:"client_id"`
	Scope     string   `json:"scope,omitempty"`

	// Of a token with a person behind it.
	AuthTime  int64  `json:"auth_time,omitempty"`
	SessionID string `json:"sid,omitempty"`

	// GrantID is the grant that the token rests on: a private claim, with which
	// our own endpoints see that the grant was revoked.
	GrantID string `json:"gid,omitempty"`

	// Of a token that another was exchanged for (RFC 8693): who acts, and the client
	// that the first of the tokens was issued to, which the grant is of. The latter
	// is a private claim too.
	Act      *Actor `json:"act,omitempty"`
	OriginID string `json:"ocid,omitempty"`
}

// ErrInvalid says that something is not an access token of this issuer, or has
// expired.
var ErrInvalid = errors.New("accesstoken: not a valid access token")

// ForGrant returns the claims of an access token that rests on a grant, for the
// client that the grant is of and the scope, which may be narrower than that of
// the grant. The token does not outlive the grant.
func ForGrant(settings *issuer.Settings, client *registration.Client, g grant.Grant, scope oauth.Scope, now time.Time) Claims {
	c := newClaims(settings, client, scope, now)
	c.ExpiresAt = min(c.ExpiresAt, g.EndsAt.Unix())
	c.Subject = g.Subject
	c.AuthTime = g.AuthTime.Unix()
	c.SessionID = g.SessionID
	c.GrantID = g.ID
	return c
}

// ForClient returns the claims of an access token that a client has for itself.
// Its subject is the client_id (RFC 9068 §2.2). Nobody can take that for a
// person's: a client_id has a dot in it, and the UID of an OAuthUser has none
// (RFC 9700 §4.15).
func ForClient(settings *issuer.Settings, client *registration.Client, scope oauth.Scope, now time.Time) Claims {
	c := newClaims(settings, client, scope, now)
	c.Subject = client.ID
	return c
}

// For returns the claims of a token for these resources (RFC 8707 §2), of which
// the scope has what they understand. Without any it is for the issuer, as it was.
func (c Claims) For(settings *issuer.Settings, resources []string) Claims {
	if len(resources) > 0 {
		c.Audience = resources
	}
	c.Scope = settings.Understood(strings.Fields(c.Scope), c.Audience).String()
	return c
}

func newClaims(settings *issuer.Settings, client *registration.Client, scope oauth.Scope, now time.Time) Claims {
	return Claims{
		Issuer: settings.Issuer,
		// RFC 9068 §3: a default resource indicator where the client names none.
		Audience:  Audience{settings.Issuer},
		ExpiresAt: now.Add(client.Lifetimes.AccessToken).Unix(),
		IssuedAt:  now.Unix(),
		ID:        rand.Text(), // 130 random bits
		ClientID:  client.ID,
		Scope:     scope.String(),
	}
}

// Sign returns the access token.
func (c Claims) Sign(set *keys.Set, now time.Time) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("accesstoken: encoding the claims: %w", err)
	}
	return set.Sign(keyring.UseSignES256, keys.TypeAccessToken, payload, now)
}

// Lifetime returns for how many seconds the token is good.
func (c Claims) Lifetime() int64 { return c.ExpiresAt - c.IssuedAt }

// Verify reads an access token as the resource server that the issuer itself is
// (RFC 9068 §4). It returns ErrInvalid for whatever is not one of this issuer, and
// for it, that is still good. Whether its grant still stands is for the caller to
// check.
func Verify(settings *issuer.Settings, set *keys.Set, token string, now time.Time) (Claims, error) {
	c, err := Read(settings, set, token, now)
	if err != nil || !c.Audience.Has(settings.Issuer) {
		return Claims{}, ErrInvalid
	}
	return c, nil
}

// Read reads an access token of this issuer whatever resource it is for, as those
// have to who manage tokens and do not obey them. It returns ErrInvalid like
// Verify.
func Read(settings *issuer.Settings, set *keys.Set, token string, now time.Time) (Claims, error) {
	payload, err := set.Verify(keyring.UseSignES256, keys.TypeAccessToken, token, now)
	if err != nil {
		return Claims{}, ErrInvalid
	}
	var c Claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Claims{}, ErrInvalid
	}
	if c.Issuer != settings.Issuer || len(c.Audience) == 0 || now.Unix() >= c.ExpiresAt {
		return Claims{}, ErrInvalid
	}
	if c.Subject == "" || c.ClientID == "" {
		return Claims{}, ErrInvalid
	}
	return c, nil
}
