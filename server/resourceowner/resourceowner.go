// Package resourceowner answers who the person in the browser is (RFC 6749
// §3.1: "the authorization server MUST first verify the identity of the resource
// owner"): the directory of people, the login, and the browser's session.
package resourceowner

import (
	"context"
	"errors"
)

// Person is a resource owner. It is not changed after it was made and can be
// shared.
type Person struct {
	// Subject is the claim sub: at most 255 ASCII characters, never given to
	// anybody else (OpenID Connect Core §2).
	Subject string

	Username string
	Name     string
	Email    string
	Groups   []string

	// LoginTag changes when the person's password does, which ends the
	// sessions that were begun with the old one.
	LoginTag string
}

// Directory knows the people.
type Directory interface {
	// Authenticate returns the person with that username if the password is
	// theirs. It returns ErrNoSuchLogin, and takes the same time, whether the
	// username, the password or the permission to log in is lacking.
	Authenticate(ctx context.Context, username, password string) (*Person, error)

	// Person returns the person with that subject if they may log in at
	// present, or ErrUnknown. It answers from memory.
	Person(ctx context.Context, subject string) (*Person, error)
}

// Errors of a Directory.
var (
	// ErrNoSuchLogin says that username and password do not let anybody in.
	ErrNoSuchLogin = errors.New("resourceowner: no such login")

	// ErrBusy says that too many passwords are being checked at the moment.
	ErrBusy = errors.New("resourceowner: too many logins at once")

	// ErrUnknown says that nobody of that subject may log in.
	ErrUnknown = errors.New("resourceowner: unknown person")
)
