// Package grant is what the server has to remember: which resource owner has
// allowed which client what, and what is good only once. Here are the Store contract, the self-contained
// authorization code that becomes a grant when it is redeemed, and the refresh
// token that names one. The backends are in the packages below.
package grant

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"time"

	"oauth-operator.dev/server/oauth"
)

// Key finds a grant.
type Key struct {
	ClientID string
	ID       string
}

// Grant is what a resource owner has allowed a client. All times are in UTC and
// of whole seconds, but for RefreshedAt, which is of microseconds.
type Grant struct {
	// ID is 128 random bits in lower-case base32, and made before the grant is:
	// the authorization code carries it.
	ID string

	// What was allowed. None of it ever changes.
	Issuer    string // the name of the AuthorizationServer
	ClientID  string
	ClientUID string
	Subject   string
	Username  string
	Scope     oauth.Scope
	Claims    oauth.Claims // asked for by name
	Resources []string     // RFC 8707; none for the issuer itself
	SessionID string
	AuthTime  time.Time
	CreatedAt time.Time
	EndsAt    time.Time // however often it is refreshed

	// How far it has been used.
	Generation  int64     // counts the refreshes
	RefreshedAt time.Time // when Generation last moved; zero before the first refresh
	ExpiresAt   time.Time // unless it is refreshed before
	Revoked     Reason    // "" while the grant stands
}

// Key returns the key of the grant.
func (g Grant) Key() Key { return Key{ClientID: g.ClientID, ID: g.ID} }

// Active reports whether the grant still stands at that time.
func (g Grant) Active(now time.Time) bool {
	return g.Revoked == "" && now.Before(g.ExpiresAt) && now.Before(g.EndsAt)
}

// Normal returns the grant with its times in UTC and cut to what a Store keeps,
// so that a grant is the same before and after it was stored.
func (g Grant) Normal() Grant {
	for _, t := range []*time.Time{&g.AuthTime, &g.CreatedAt, &g.EndsAt, &g.ExpiresAt} {
		*t = t.UTC().Truncate(time.Second)
	}
	g.RefreshedAt = g.RefreshedAt.UTC().Truncate(time.Microsecond)
	if len(g.Scope) == 0 {
		g.Scope = nil
	}
	if len(g.Resources) == 0 {
		g.Resources = nil
	}
	if len(g.Claims) == 0 {
		g.Claims = nil
	}
	return g
}

// Reason says why a grant was revoked.
type Reason string

// Reasons.
const (
	CodeReplayed       Reason = "CodeReplayed"       // RFC 6749 §4.1.2
	RefreshTokenReused Reason = "RefreshTokenReused" // RFC 9700 §4.14.2
	LoggedOut          Reason = "LoggedOut"          // Back-Channel Logout §2.7
	RevokedByClient    Reason = "RevokedByClient"    // RFC 7009 §2.1

	RevokedByAdministrator Reason = "RevokedByAdministrator" // with oauth-operator grants revoke
	Moved                  Reason = "Moved"                  // to another store, which has the last word
)

// CodeLimit is how long a grant is remembered at least: only the grant can tell that
// its code was redeemed before. An authorization code is good for 10 minutes at most
// (RFC 6749 §4.1.2), a device code for 30, and clocks differ. A refresh may bring
// ExpiresAt closer than that.
const CodeLimit = 30*time.Minute + 5*time.Minute

// Store keeps grants. Each method is one atomic step, also between replicas
// that share a backend, and is durable when it returns nil. Methods are safe for
// concurrent use and give up when the context ends; an error that is none of
// those named here means that nobody knows whether the step was taken. What is
// stored, and what comes back, is Normal.
type Store interface {
	// Create keeps a new grant, or returns ErrExists and changes nothing if a
	// grant with its key has ever been created and not yet been cleared away,
	// whether it still stands or not. Of any number of calls with one key, at
	// most one returns nil. A grant is never cleared away before its ExpiresAt, nor
	// before CodeLimit after its CreatedAt.
	Create(ctx context.Context, g Grant) error

	// Get returns the grant as every step that has returned left it, also when
	// it is revoked or has expired; or ErrNotFound.
	Get(ctx context.Context, key Key) (Grant, error)

	// Advance moves the grant from one generation to the next and sets
	// RefreshedAt and ExpiresAt, if its generation is from and it is not
	// revoked; it returns the grant as it then is. Otherwise it changes nothing
	// and returns the grant as it is with ErrMoved. Of any number of calls with
	// one key and one from, at most one returns nil. ErrNotFound if there is no
	// grant.
	Advance(ctx context.Context, key Key, from int64, refreshedAt, expiresAt time.Time) (Grant, error)

	// Revoke ends the grant for good. The first reason stays. Revoking what is
	// revoked changes nothing and returns nil. ErrNotFound if there is no grant.
	Revoke(ctx context.Context, key Key, reason Reason) error

	// Spend notes that the id is used up, or returns ErrSpent and changes
	// nothing if it was already. Of any number of calls with one id, at most one
	// returns nil until the clock has passed until; after that the id may be
	// forgotten. An id is any text, and two texts are the same only byte by
	// byte. After an error other than ErrSpent the id may be used up or not.
	Spend(ctx context.Context, id string, until time.Time) error

	// Note keeps the value under the id until the clock has passed until, or returns
	// ErrNoted and changes nothing if the id has a value already. Of any number of
	// calls with one id, at most one returns nil until the clock has passed until;
	// after that the id may be forgotten. The value never changes. It has at most
	// MaxNote bytes, and may be empty. Ids are compared as those of Spend, and are
	// none of them: the same text may be an id of both. After an error other than
	// ErrNoted the value may be kept or not.
	Note(ctx context.Context, id string, value []byte, until time.Time) error

	// Noted returns the value that the id has, also of a call that has just
	// returned in another replica. It returns ErrNotFound where there is none, and
	// once the clock has passed until, whether it is forgotten or not.
	Noted(ctx context.Context, id string) ([]byte, error)
}

// MaxNote is the size of the largest value that a Store has to keep by Note, in
// bytes.
const MaxNote = 16 << 10

// Errors of a Store.
var (
	ErrExists   = errors.New("grant: exists")
	ErrNotFound = errors.New("grant: not found")
	ErrMoved    = errors.New("grant: not at the expected generation")
	ErrSpent    = errors.New("grant: used before")
	ErrNoted    = errors.New("grant: noted before")
)

// idEncoding gives names that Kubernetes accepts.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// idBytes is the size of a grant's id.
const idBytes = 16

// NewID returns the id for a grant to be.
func NewID() string {
	b := make([]byte, idBytes)
	_, _ = rand.Read(b) // never fails: crypto/rand aborts the program instead
	return idEncoding.EncodeToString(b)
}

// ValidID reports whether s has the form of an id. Every id has one form only:
// the encoding would read more than one text as the same bytes.
func ValidID(s string) bool {
	b, err := idEncoding.DecodeString(s)
	return err == nil && len(b) == idBytes && idEncoding.EncodeToString(b) == s
}
