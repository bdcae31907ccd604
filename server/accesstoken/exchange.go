package accesstoken

import (
	"slices"
	"time"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// MaxActors bounds how often a token can be exchanged: each time the one that
// acts is put before those who did.
const MaxActors = 4

// Actor is the claim act (RFC 8693 §4.1): the client that acts, and inside of it
// the one that acted before.
type Actor struct {
	Subject string `json:"sub"` // the client_id
	Act     *Actor `json:"act,omitempty"`
}

// Depth returns how many have acted.
func (a *Actor) Depth() int {
	n := 0
	for ; a != nil; a = a.Act {
		n++
	}
	return n
}

// Origin returns the client_id that the token was issued to, or where it was
// exchanged, the first of the tokens. The grant is of that client.
func (c Claims) Origin() string {
	if c.OriginID != "" {
		return c.OriginID
	}
	return c.ClientID
}

// Exchanged returns the claims of a token for the target that the client gets for
// this one (RFC 8693 §2.2), about the same subject in the words of that client. It
// rests on what this one rests on and does not outlive it.
func (c Claims) Exchanged(
	settings *issuer.Settings, client *registration.Client, subject, target string, scope oauth.Scope, now time.Time,
) Claims {
	n := newClaims(settings, client, slices.Clone(scope), now)
	n.Audience = Audience{target}
	n.ExpiresAt = min(n.ExpiresAt, c.ExpiresAt)
	n.Subject = subject
	n.AuthTime, n.SessionID, n.GrantID = c.AuthTime, c.SessionID, c.GrantID
	n.Act = &Actor{Subject: client.ID, Act: c.Act}
	n.OriginID = c.Origin()
	return n
}
