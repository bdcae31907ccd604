// Package keyring is the form in which the operator's own keys are kept in a
// Secret of its namespace: written by the controller, read by the server.
//
// A Ring holds the keys of one purpose or several. Each key is published before
// it is used and kept until the last thing that was made with it has expired, so
// a rotation needs no restart and no agreement between replicas: everybody reads
// the clock and the same ring.
package keyring

import "time"

// Use says what a key is for. A key is never used for two things.
type Use string

// The uses.
const (
	// UseVerifier keys make and check the verifiers of client secrets.
	UseVerifier Use = "verifier"

	// UseSignES256 keys sign access tokens, and ID tokens where ES256 is asked for.
	UseSignES256 Use = "sign-es256"

	// UseSignRS256 keys sign ID tokens.
	UseSignRS256 Use = "sign-rs256"

	// UseCode keys seal authorization codes.
	UseCode Use = "code"

	// UseRefresh keys authenticate refresh tokens.
	UseRefresh Use = "refresh"

	// UseBrowser keys seal what a browser carries: sessions and the state of a
	// login that is under way.
	UseBrowser Use = "browser"

	// UsePairwise keys make pairwise subjects (OpenID Connect Core §8.1). They
	// have no successor: with another, clients would not know their people again.
	UsePairwise Use = "pairwise"
)

// Key is one key of a ring.
type Key struct {
	// ID tells keys apart: 12 lower-case base32 characters. It is the kid of
	// a signing key (RFC 7517 §4.5).
	ID string

	// Use says what the key is for.
	Use Use

	// NotBefore is from when the key makes new things. Until then it is
	// published, so that all replicas and resource servers know it in time.
	NotBefore time.Time

	// NotAfter is from when nothing that was made with the key is good any
	// more: the key is dropped then. Zero while the key has no successor.
	NotAfter time.Time

	// Material is the key itself: PKCS #8 in DER for the signing uses, 32
	// random bytes for the others.
	Material Material
}

// Ring is a set of keys, oldest first.
type Ring struct {
	Keys []Key
}

// Active returns the key of that use that makes new things at the moment: the
// newest whose time has come. Where there is none whose time has come, because
// the clock here is behind that of whoever made the first key, it is the first.
func (r Ring) Active(use Use, now time.Time) (Key, bool) {
	var active Key
	found := false
	for _, k := range r.Keys {
		switch {
		case k.Use != use || k.expired(now):
		case !found, begun(active, k, now):
			active, found = k, true
		}
	}
	return active, found
}

// begun reports whether next has taken over from current: it is the later of
// the two, and its time has come; or the time of neither has, and it is the earlier.
func begun(current, next Key, now time.Time) bool {
	if next.NotBefore.After(now) {
		return next.NotBefore.Before(current.NotBefore)
	}
	return current.NotBefore.After(now) || !next.NotBefore.Before(current.NotBefore)
}

// Find returns the key of that use and id, if what it made can still be good.
func (r Ring) Find(use Use, id string, now time.Time) (Key, bool) {
	for _, k := range r.Keys {
		if k.Use == use && k.ID == id && !k.expired(now) {
			return k, true
		}
	}
	return Key{}, false
}

// Published returns the keys of that use that others have to know: those that
// are in use, those that will be, and those whose work can still be good.
func (r Ring) Published(use Use, now time.Time) []Key {
	var keys []Key
	for _, k := range r.Keys {
		if k.Use == use && !k.expired(now) {
			keys = append(keys, k)
		}
	}
	return keys
}

func (k Key) expired(now time.Time) bool {
	return !k.NotAfter.IsZero() && !now.Before(k.NotAfter)
}
