// Package keyring is the form in which the operator's own keys are kept in a
// Secret of its namespace: written by the controller, read by the server.
//
// A Ring holds the keys of one purpose or several. Each key is published before
// it is used and kept until the last thing that was made with it has expired, so
// a rotation needs no restart and no agreement between replicas: everybody reads
// the clock and the same ring.
package keyring

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// DataKey is the key of the Secret's data under which the ring is kept.
const DataKey = "keyring.json"

// version of the encoded form.
const version = 1

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
)

// Key is one key of a ring.
type Key struct {
	// ID tells keys apart: 12 lower-case base32 characters. It is the kid of
	// a signing key (RFC 7517 §4.5).
	ID string `json:"id"`

	// Use says what the key is for.
	Use Use `json:"use"`

	// NotBefore is from when the key makes new things. Until then it is
	// published, so that all replicas and resource servers know it in time.
	NotBefore time.Time `json:"notBefore"`

	// NotAfter is from when nothing that was made with the key is good any
	// more: the key is dropped then. Zero while the key has no successor.
	NotAfter time.Time `json:"notAfter,omitzero"`

	// Material is the key itself: PKCS #8 in DER for the signing uses, 32
	// random bytes for the others.
	Material Material `json:"material"`
}

// Material is the secret part of a key. It does not print.
type Material []byte

// String keeps the material out of logs and messages.
func (Material) String() string { return "[redacted]" }

// GoString keeps the material out of logs and messages.
func (Material) GoString() string { return "[redacted]" }

// MarshalJSON encodes the material for the Secret.
func (m Material) MarshalJSON() ([]byte, error) {
	return json.Marshal(base64.StdEncoding.EncodeToString(m))
}

// UnmarshalJSON decodes the material from the Secret.
func (m *Material) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("material is no string")
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return errors.New("material is no base64")
	}
	*m = raw
	return nil
}

// Ring is a set of keys, oldest first.
type Ring struct {
	Keys []Key `json:"keys"`
}

type document struct {
	Version int `json:"version"`
	Ring
}

// Encode returns the form in which the ring is kept under DataKey.
func (r Ring) Encode() ([]byte, error) {
	return json.Marshal(document{Version: version, Ring: r})
}

// Decode reads what Encode wrote. Its errors hold nothing of the input.
func Decode(data []byte) (Ring, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return Ring{}, errors.New("keyring: not a JSON document of the expected form")
	}
	if d.Version != version {
		return Ring{}, fmt.Errorf("keyring: version %d is not known here", d.Version)
	}
	for i, k := range d.Keys {
		if k.ID == "" || k.Use == "" || len(k.Material) == 0 {
			return Ring{}, fmt.Errorf("keyring: key %d is incomplete", i)
		}
	}
	return d.Ring, nil
}

// Active returns the key of that use that makes new things at the moment: the
// newest whose time has come.
func (r Ring) Active(use Use, now time.Time) (Key, bool) {
	var active Key
	found := false
	for _, k := range r.Keys {
		if k.Use == use && !k.NotBefore.After(now) && !k.expired(now) &&
			(!found || !k.NotBefore.Before(active.NotBefore)) {
			active, found = k, true
		}
	}
	return active, found
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
