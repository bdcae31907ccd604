package keys

import (
	"sync/atomic"
	"time"

	"oauth-operator.dev/api/keyring"
)

// Verifiers are the keys that client secrets are checked with
// (package api/credential). All issuers share them, and they may be replaced at
// any time. The zero value holds none.
type Verifiers struct {
	ring atomic.Pointer[keyring.Ring]
}

// Store replaces the keys by those of the ring.
func (v *Verifiers) Store(ring keyring.Ring) { v.ring.Store(&ring) }

// VerifierKey returns the verifier key of that id, if there is one whose
// verifiers can still be good.
func (v *Verifiers) VerifierKey(id string, now time.Time) ([]byte, bool) {
	ring := v.ring.Load()
	if ring == nil {
		return nil, false
	}
	k, ok := ring.Find(keyring.UseVerifier, id, now)
	return k.Material, ok
}
