package postgres_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/postgres"
)

// FuzzRow reads anything as the row of a grant. It is either refused as a whole, or it
// is the grant that the row says: no more is allowed, it stands no longer, and it is
// the same when it was stored again.
func FuzzRow(f *testing.F) {
	const good = `{"v":1,"issuer":"people","clientUID":"uid","subject":"s","username":"ada","scope":["openid","profile"],"claims":["userinfo:email"],` +
		`"resources":["https://api.example"],"sessionID":"sid","authTime":1767323045,"createdAt":1767323045,"endsAt":1772420645}`
	f.Add(good, int64(3), int64(1767323045000006), int64(1770001445), "")
	f.Add(good, int64(-1), int64(0), int64(1770001445), "LoggedOut")
	f.Add(`{"v":2,"scope":["openid"],"endsAt":1772420645}`, int64(0), int64(0), int64(1770001445), "")
	f.Add(`{"v":1,"endsAt":-9223372036854775808}`, int64(0), int64(0), int64(1770001445), "")
	f.Add(`{"v":1,"endsAt":9223372036854775807,"authTime":-1}`, int64(0), int64(0), int64(1)<<52, "\x00")
	f.Add(`{"V":1,"scope":["a"],"scope":["b","\ud800"],"endsAt":1772420645}`, int64(0), int64(0), int64(1770001445), "")
	f.Add(`{"v":1,"scope":[null,7],"endsAt":1e99}`, int64(0), int64(0), int64(1770001445), "\xff")
	f.Add(`null`, int64(0), int64(0), int64(0), "")
	key, now := grant.Key{ClientID: "team.web", ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa"}, time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	if g, err := postgres.ReadRow(key, good, 3, nil, now.Add(time.Hour), ""); err != nil || !g.Active(now) || g.Generation != 3 {
		f.Fatalf("nothing is found of a good grant: %+v, %v", g, err)
	}
	f.Fuzz(func(t *testing.T, allowed string, generation, refreshedAt, expiresAt int64, revoked string) {
		var refreshed *time.Time
		if refreshedAt != 0 {
			at := time.UnixMicro(refreshedAt)
			refreshed = &at
		}
		expires := time.Unix(expiresAt, 0)
		g, err := postgres.ReadRow(key, allowed, generation, refreshed, expires, revoked)
		if err != nil {
			if !reflect.DeepEqual(g, grant.Grant{}) || errors.Is(err, grant.ErrNotFound) {
				t.Errorf("%s: %+v with %v", allowed, g, err)
			}
			return
		}
		var says struct {
			V      int
			EndsAt int64
			Scope  []string
		}
		if err := json.Unmarshal([]byte(allowed), &says); err != nil || says.V != 1 {
			t.Errorf("%s: is of another version, and read as %+v", allowed, g)
		}
		if g.Key() != key || g.Generation != generation || !slices.Equal(g.Scope, says.Scope) || string(g.Revoked) != revoked {
			t.Errorf("%s: read as %+v", allowed, g)
		}
		if g.Active(now) && (revoked != "" || says.EndsAt <= now.Unix() || !now.Before(expires)) {
			t.Errorf("%s, %s, %q: does not say that it stands, and does", allowed, expires, revoked)
		}
		again, err := postgres.Restored(g)
		if err != nil {
			return // text that would not come back as it is, is not stored
		}
		if again.Revoked = g.Revoked; !reflect.DeepEqual(g, again) {
			t.Errorf("%s: read as %+v, stored, and read as %+v", allowed, g, again)
		}
	})
}
