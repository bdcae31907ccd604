package keyring

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"
	"time"
)

// symmetricBytes is the size of a key that is no signing key: 256 bits.
const symmetricBytes = 32

// rsaBits is the size of an RSA key: the least that RFC 7518 §3.3 allows, and
// what every client accepts.
const rsaBits = 2048

// Schedule says how the keys of one use come and go.
type Schedule struct {
	Use Use

	// Every is how long a key makes new things. Zero: for ever.
	Every time.Duration

	// Ahead is how long before its use a successor is published.
	Ahead time.Duration

	// Keep is how long what a key has made stays good: the key is kept for that
	// long after its successor took over.
	Keep time.Duration
}

// Rotate returns the ring as it should be now, and the time at which to look
// again (zero: never by itself). Changed says whether anything is different.
// A ring that is as it should be comes back as it is.
func Rotate(ring Ring, schedules []Schedule, now time.Time) (next Ring, changed bool, again time.Time, err error) {
	next = Ring{Keys: make([]Key, 0, len(ring.Keys)+1)}
	for _, k := range ring.Keys {
		if k.expired(now) {
			changed = true
			continue
		}
		next.Keys = append(next.Keys, k)
	}
	for _, s := range schedules {
		added, err := next.succeed(s, now)
		if err != nil {
			return Ring{}, false, time.Time{}, err
		}
		extended := next.extend(s)
		changed = changed || added || extended
		again = earliest(again, next.look(s, now))
	}
	return next, changed, again, nil
}

// succeed adds a key of the schedule's use where one is due.
func (r *Ring) succeed(s Schedule, now time.Time) (added bool, err error) {
	newest := -1
	for i, k := range r.Keys {
		if k.Use == s.Use && (newest < 0 || !k.NotBefore.Before(r.Keys[newest].NotBefore)) {
			newest = i
		}
	}
	notBefore := now
	if newest >= 0 {
		current := r.Keys[newest]
		if s.Every <= 0 || now.Before(current.NotBefore.Add(s.Every-s.Ahead)) {
			return false, nil
		}
		notBefore = latest(now.Add(s.Ahead), current.NotBefore.Add(s.Every))
	}
	key, err := newKey(s.Use, notBefore)
	if err != nil {
		return false, err
	}
	if newest >= 0 {
		r.Keys[newest].NotAfter = key.NotBefore.Add(s.Keep)
	}
	r.Keys = append(r.Keys, key)
	return true, nil
}

// extend keeps the keys that have a successor for as long as the schedule asks for
// now: what they make until then may have come to be good for longer since the
// successor was made. No key is kept for less, because of what it made before.
func (r *Ring) extend(s Schedule) (extended bool) {
	previous := -1
	for i, k := range r.Keys {
		if k.Use != s.Use {
			continue
		}
		if previous >= 0 {
			old := &r.Keys[previous]
			if end := k.NotBefore.Add(s.Keep); !old.NotAfter.IsZero() && old.NotAfter.Before(end) {
				old.NotAfter, extended = end, true
			}
		}
		previous = i
	}
	return extended
}

// look returns when the keys of the schedule's use next need attention.
func (r *Ring) look(s Schedule, now time.Time) time.Time {
	var at time.Time
	for _, k := range r.Keys {
		switch {
		case k.Use != s.Use:
		case !k.NotAfter.IsZero():
			at = earliest(at, k.NotAfter)
		case s.Every > 0:
			at = earliest(at, latest(now, k.NotBefore.Add(s.Every-s.Ahead)))
		}
	}
	return at
}

func newKey(use Use, notBefore time.Time) (Key, error) {
	material, err := newMaterial(use)
	if err != nil {
		return Key{}, fmt.Errorf("keyring: making a key for %s: %w", use, err)
	}
	return Key{
		ID:        strings.ToLower(rand.Text()[:12]),
		Use:       use,
		NotBefore: notBefore.UTC().Truncate(time.Second),
		Material:  material,
	}, nil
}

func newMaterial(use Use) (Material, error) {
	switch use {
	case UseSignES256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(key)
	case UseSignRS256:
		key, err := rsa.GenerateKey(rand.Reader, rsaBits)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(key)
	default:
		b := make([]byte, symmetricBytes)
		_, err := rand.Read(b)
		return b, err
	}
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
