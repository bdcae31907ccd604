package metadata

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"oauth-operator.dev/server/keys"
)

// rendering is the JWK Set of a set of keys, as it was at some moment.
type rendering struct {
	set   *keys.Set
	until time.Time
	body  []byte
}

// renderFor is for how long a rendering is used. Keys that have had their time
// drop out of the JWK Set without the set of keys being replaced.
const renderFor = time.Minute

// KeySet returns what answers at jwks_uri: the public keys with which the
// issuer's tokens are signed now, will be soon, or were. A nil now is the real
// clock.
func KeySet(current *keys.Current, now func() time.Time) http.Handler {
	if now == nil {
		now = time.Now
	}
	var last atomic.Pointer[rendering]
	return serve(func() ([]byte, bool) {
		set, at := current.Load(), now()
		if r := last.Load(); r != nil && r.set == set && at.Before(r.until) {
			return r.body, true
		}
		public := set.Public(at)
		if len(public.Keys) == 0 {
			// A set without keys would make every token look forged.
			return nil, false
		}
		body, err := json.Marshal(public)
		if err != nil {
			return nil, false
		}
		last.Store(&rendering{set: set, until: at.Add(renderFor), body: body})
		return body, true
	})
}
