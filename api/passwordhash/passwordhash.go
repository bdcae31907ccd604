// Package passwordhash reads, checks and makes the hashes of people's passwords.
//
// It is one rule in three places: the controller says whether the hash of an
// OAuthUser is usable, the authorization server checks passwords with it, and
// `oauth-operator hash-password` makes it. Two forms are known: bcrypt in its
// modular crypt form, and argon2id (RFC 9106) as a PHC string.
//
// What a hash costs to check is written in the hash itself. Both ends are
// bounded here: a cheap hash would not protect the password, and a dear one would
// let a single login take the server's memory or seconds of its time.
package passwordhash

import (
	"errors"
	"strings"
)

// Kind says how a hash was made.
type Kind string

// The kinds.
const (
	Bcrypt   Kind = "bcrypt"
	Argon2id Kind = "argon2id"
)

// Hash is a parsed hash. It does not change and can be shared.
type Hash struct {
	kind   Kind
	bcrypt []byte
	argon2 argon2Hash
}

// ErrUnknownKind says that a value is neither a bcrypt nor an argon2id hash.
var ErrUnknownKind = errors.New(`neither a bcrypt hash ("$2b$...") nor an argon2id hash ("$argon2id$...")`)

// Parse reads a hash. White space at the end is passed over, because files end
// with a newline. Its errors are sentences for people and hold nothing of the
// value, which may be a password that was put there by mistake.
func Parse(encoded string) (Hash, error) {
	encoded = strings.TrimRight(encoded, " \t\r\n")
	switch {
	case strings.HasPrefix(encoded, argon2Prefix):
		parsed, err := parseArgon2(encoded)
		if err != nil {
			return Hash{}, err
		}
		return Hash{kind: Argon2id, argon2: parsed}, nil
	case bcryptForm.MatchString(encoded):
		if err := checkBcryptCost(encoded); err != nil {
			return Hash{}, err
		}
		return Hash{kind: Bcrypt, bcrypt: []byte(encoded)}, nil
	default:
		return Hash{}, ErrUnknownKind
	}
}

// Kind returns how the hash was made.
func (h Hash) Kind() Kind { return h.kind }

// Verify reports whether the hash was made from the password. It takes as long
// as the parameters of the hash say, whatever the answer is. The zero Hash
// matches nothing.
func (h Hash) Verify(password string) bool {
	switch h.kind {
	case Bcrypt:
		return verifyBcrypt(h.bcrypt, password)
	case Argon2id:
		return h.argon2.verify(password)
	default:
		return false
	}
}

// String keeps the hash out of logs and messages: it is no secret, but a gift to
// whoever guesses passwords.
func (h Hash) String() string { return "[" + string(h.kind) + " hash]" }

// GoString keeps the hash out of logs and messages.
func (h Hash) GoString() string { return h.String() }
