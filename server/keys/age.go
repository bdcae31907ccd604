package keys

import (
	"time"

	"oauth-operator.dev/api/keyring"
)

// SigningSince returns since when the oldest of the keys signs that sign now: zero
// where there is none.
func (s *Set) SigningSince(now time.Time) time.Time {
	var oldest time.Time
	for _, use := range []keyring.Use{keyring.UseSignES256, keyring.UseSignRS256} {
		key, ok := s.ring.Active(use, now)
		if ok && (oldest.IsZero() || key.NotBefore.Before(oldest)) {
			oldest = key.NotBefore
		}
	}
	return oldest
}

// SigningSince returns since when the oldest of the keys of all issuers signs that
// sign now: zero where there is none.
func (w *Watcher) SigningSince(now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	var oldest time.Time
	for _, current := range w.issuers {
		set := current.set.Load()
		if set == nil {
			continue
		}
		if since := set.SigningSince(now); !since.IsZero() && (oldest.IsZero() || since.Before(oldest)) {
			oldest = since
		}
	}
	return oldest
}
