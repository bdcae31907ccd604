package grant_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

func sealRefresh(set *keys.Set, g grant.Grant) string {
	token, err := grant.SealRefreshToken(set, g, start)
	if err != nil {
		panic(err)
	}
	return token
}

var _ = Describe("a refresh token", func() {
	var (
		set *keys.Set
		g   grant.Grant
	)
	BeforeEach(func() { set, g = newSet(), allowed() })

	It("names its grant and generation, and describes the grant", func() {
		g.Generation = 1<<40 + 7
		token, err := grant.OpenRefreshToken(set, sealRefresh(set, g), start)
		Expect(err).NotTo(HaveOccurred())
		Expect(token.GrantID).To(Equal(g.ID))
		Expect(token.Generation).To(Equal(g.Generation))
		Expect(token.Describes(g)).To(BeTrue())
	})

	It("is of characters that a token can have, and shows nothing of what was allowed", func() {
		Expect(sealRefresh(set, g)).To(MatchRegexp(`^[A-Za-z0-9_-]+$`)) // RFC 6749 Appendix A.17
	})

	It("is the same for the same grant and generation, and different for every other", func() {
		token := sealRefresh(set, g)
		Expect(sealRefresh(set, g)).To(Equal(token))
		next := g
		next.Generation++
		Expect(sealRefresh(set, next)).NotTo(Equal(token))
		next = g
		next.ID = grant.NewID()
		Expect(sealRefresh(set, next)).NotTo(Equal(token))
	})

	It("opens with no bit changed", func() {
		for _, changed := range changedBits(sealRefresh(set, g)) {
			Expect(grant.OpenRefreshToken(set, changed, start)).Error().To(MatchError(grant.ErrRefreshToken))
		}
	})

	DescribeTable("does not open in another form:", func(spoil func(string) string) {
		Expect(grant.OpenRefreshToken(set, spoil(sealRefresh(set, g)), start)).Error().To(MatchError(grant.ErrRefreshToken))
	},
		Entry("nothing", func(string) string { return "" }),
		Entry("with padding", func(s string) string { return s + "=" }),
		Entry("with a line feed", func(s string) string { return s[:20] + "\n" + s[20:] }),
		Entry("with a line feed at the end", func(s string) string { return s + "\n" }),
		Entry("cut short", func(s string) string { return s[:len(s)-4] }),
		Entry("with something after it", func(s string) string { return s + "AAAA" }),
		Entry("of great length", func(s string) string { return s + strings.Repeat("A", 1<<20) }),
	)

	It("opens with the keys of its issuer alone", func() {
		Expect(grant.OpenRefreshToken(newSet(), sealRefresh(set, g), start)).Error().To(MatchError(grant.ErrRefreshToken))
		Expect(grant.OpenRefreshToken((&keys.Current{}).Load(), sealRefresh(set, g), start)).Error().To(MatchError(grant.ErrRefreshToken))
	})

	It("still describes the grant when that was used, and revoked", func() {
		token, err := grant.OpenRefreshToken(set, sealRefresh(set, g), start)
		Expect(err).NotTo(HaveOccurred())
		g.Generation, g.RefreshedAt, g.ExpiresAt, g.Revoked = 9, start, start.Add(time.Hour), grant.CodeReplayed
		Expect(token.Describes(g)).To(BeTrue())
	})

	It("still describes a grant that comes back from a store", func() {
		token, err := grant.OpenRefreshToken(set, sealRefresh(set, g), start)
		Expect(err).NotTo(HaveOccurred())
		for _, t := range []*time.Time{&g.AuthTime, &g.CreatedAt, &g.EndsAt} {
			*t = t.In(time.FixedZone("elsewhere", 3600)).Add(999 * time.Millisecond)
		}
		Expect(token.Describes(g.Normal())).To(BeTrue())
	})

	DescribeTable("does not describe a grant of which something else was allowed:", func(change func(*grant.Grant)) {
		token, err := grant.OpenRefreshToken(set, sealRefresh(set, g), start)
		Expect(err).NotTo(HaveOccurred())
		change(&g)
		Expect(token.Describes(g)).To(BeFalse())
	},
		Entry("id", func(g *grant.Grant) { g.ID = grant.NewID() }),
		Entry("issuer", func(g *grant.Grant) { g.Issuer += "x" }),
		Entry("client_id", func(g *grant.Grant) { g.ClientID += "x" }),
		Entry("client UID", func(g *grant.Grant) { g.ClientUID += "x" }),
		Entry("subject", func(g *grant.Grant) { g.Subject += "x" }),
		Entry("username", func(g *grant.Grant) { g.Username += "x" }),
		Entry("scope", func(g *grant.Grant) { g.Scope = oauth.Scope{"openid", "profile", "admin"} }),
		Entry("scope, in another order", func(g *grant.Grant) { g.Scope = oauth.Scope{"profile", "openid"} }),
		Entry("session", func(g *grant.Grant) { g.SessionID += "x" }),
		Entry("a border between two fields", func(g *grant.Grant) { g.ClientUID, g.Subject = "uids", "ub" }),
		Entry("auth_time", func(g *grant.Grant) { g.AuthTime = g.AuthTime.Add(time.Second) }),
		Entry("begin", func(g *grant.Grant) { g.CreatedAt = g.CreatedAt.Add(time.Second) }),
		Entry("end", func(g *grant.Grant) { g.EndsAt = g.EndsAt.Add(time.Second) }),
	)

	It("survives that the key is replaced, until that is dropped", func() {
		ring := rotate(keyring.Ring{}, start)
		sealed := sealRefresh(compile(ring), g)
		later := start.Add(24 * time.Hour)
		ring = rotate(ring, later.Add(-time.Minute)) // publishes the successor
		next := compile(ring)
		Expect(grant.OpenRefreshToken(next, sealed, later)).Error().NotTo(HaveOccurred())

		renewed, err := grant.SealRefreshToken(next, g, later.Add(time.Hour))
		Expect(err).NotTo(HaveOccurred())
		Expect(renewed).NotTo(Equal(sealed), "it is made with the successor")
		Expect(grant.OpenRefreshToken(next, renewed, later.Add(time.Hour))).Error().NotTo(HaveOccurred())

		dropped := later.Add(48 * time.Hour)
		Expect(grant.OpenRefreshToken(next, sealed, dropped)).Error().To(MatchError(grant.ErrRefreshToken))
	})

	It("cannot be made without a key, or for what is no grant", func() {
		Expect(grant.SealRefreshToken((&keys.Current{}).Load(), g, start)).Error().To(MatchError(keys.ErrNoKey))
		g.ID = "no id"
		Expect(grant.SealRefreshToken(set, g, start)).Error().To(MatchError(grant.ErrRefreshToken))
	})
})

var _ = Describe("a grant", func() {
	It("stands until it expires, ends or is revoked", func() {
		g := allowed()
		Expect(g.Active(g.ExpiresAt.Add(-time.Nanosecond))).To(BeTrue())
		Expect(g.Active(g.ExpiresAt)).To(BeFalse())
		g.ExpiresAt = g.EndsAt.Add(time.Hour)
		Expect(g.Active(g.EndsAt)).To(BeFalse())
		g.Revoked = grant.CodeReplayed
		Expect(g.Active(start)).To(BeFalse())
	})
})

// FuzzOpenRefreshToken opens whatever there is: only what was sealed opens.
func FuzzOpenRefreshToken(f *testing.F) {
	set, g := newSet(), allowed()
	sealed := sealRefresh(set, g)
	f.Add(sealed)
	f.Add("")
	f.Add("AQ")
	f.Add(sealed[:len(sealed)-1])
	f.Add(sealed + "\n")
	f.Add(changedBits(sealed)[14*8])
	f.Fuzz(func(t *testing.T, token string) {
		rt, err := grant.OpenRefreshToken(set, token, start)
		if (err == nil) != (token == sealed) {
			t.Errorf("%q opened to %+v, %v", token, rt, err)
		}
	})
}
