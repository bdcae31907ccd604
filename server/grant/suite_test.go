package grant_test

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

func TestGrant(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "server/grant")
}

// start is when everything here begins.
var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// schedules are of keys that are replaced every day and are good for another.
var schedules = []keyring.Schedule{
	{Use: keyring.UseCode, Every: 24 * time.Hour, Ahead: time.Hour, Keep: 24 * time.Hour},
	{Use: keyring.UseRefresh, Every: 24 * time.Hour, Ahead: time.Hour, Keep: 24 * time.Hour},
	{Use: keyring.UseBrowser},
}

// rotate returns the ring as it is at that time.
func rotate(ring keyring.Ring, now time.Time) keyring.Ring {
	next, _, _, err := keyring.Rotate(ring, schedules, now)
	if err != nil {
		panic(err) // nothing here can be tested without keys
	}
	return next
}

// compile returns the keys of a ring.
func compile(ring keyring.Ring) *keys.Set {
	set, err := keys.Compile(ring)
	if err != nil {
		panic(err)
	}
	return set
}

// newSet returns keys of one's own.
func newSet() *keys.Set { return compile(rotate(keyring.Ring{}, start)) }

// allowed returns a grant in which every field says something.
func allowed() grant.Grant {
	return grant.Grant{
		ID: grant.NewID(), Issuer: "people", ClientID: "shop.web", ClientUID: "uid", Subject: "sub", Username: "alice",
		Scope: oauth.Scope{"openid", "profile"}, SessionID: "sid",
		AuthTime: start.Add(-time.Minute), CreatedAt: start, EndsAt: start.Add(720 * time.Hour), ExpiresAt: start.Add(time.Hour),
	}
}
