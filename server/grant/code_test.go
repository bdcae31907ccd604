package grant_test

import (
	"bytes"
	"encoding/base64"
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

// fullCode returns a code in which every field says something.
func fullCode() grant.Code {
	return grant.Code{
		GrantID: grant.NewID(), IssuedAt: start.Unix(), ExpiresAt: start.Add(time.Minute).Unix(),
		ClientID: "shop.web", ClientUID: "uid",
		RedirectURI: "https://shop.example.com/callback?a=b&c", RedirectURISent: true,
		Subject: "sub", Username: "Zoë", Scope: oauth.Scope{"openid", "profile"}, SessionID: "sid",
		AuthTime: start.Add(-time.Hour).Unix(), Challenge: "challenge", Nonce: "n&once<>\u2028",
	}
}

// afterCode is a moment at which a fullCode is still good.
var afterCode = start.Add(59 * time.Second)

func sealCode(set *keys.Set, c grant.Code) string {
	sealed, err := grant.SealCode(set, c, start)
	if err != nil {
		panic(err)
	}
	return sealed
}

// changedBits returns every form of a base64url text of which one bit is changed.
func changedBits(text string) (changed []string) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	for i := range len(raw) * 8 {
		raw[i/8] ^= 1 << (i % 8)
		changed = append(changed, base64.RawURLEncoding.EncodeToString(raw))
		raw[i/8] ^= 1 << (i % 8)
	}
	return changed
}

var _ = Describe("an authorization code", func() {
	var set *keys.Set
	BeforeEach(func() { set = newSet() })

	It("is not made longer than it may be to be opened", func() {
		c := fullCode()
		c.Nonce = strings.Repeat("n", 5000)
		Expect(grant.OpenCode(set, sealCode(set, c), afterCode)).To(Equal(c))
		c.Nonce = strings.Repeat("n", 6000)
		_, err := grant.SealCode(set, c, start)
		Expect(err).To(MatchError(grant.ErrCodeTooLong))
	})

	It("says what it was made to say", func() {
		c := fullCode()
		Expect(grant.OpenCode(set, sealCode(set, c), afterCode)).To(Equal(c))
	})

	It("is of characters that a code can have, and shows nothing of what it says", func() {
		code := sealCode(set, fullCode())
		Expect(code).To(MatchRegexp(`^[A-Za-z0-9_-]+$`)) // RFC 6749 Appendix A.11
		raw, err := base64.RawURLEncoding.DecodeString(code)
		Expect(err).NotTo(HaveOccurred())
		Expect(bytes.Contains(raw, []byte("shop"))).To(BeFalse())
		Expect(raw[0]).To(Equal(byte(1)), "the version")
	})

	It("is never the same twice", func() {
		c := fullCode()
		Expect(sealCode(set, c)).NotTo(Equal(sealCode(set, c)))
	})

	It("is good until it expires, and no longer", func() {
		code := sealCode(set, fullCode())
		Expect(grant.OpenCode(set, code, start.Add(time.Minute-time.Nanosecond))).Error().NotTo(HaveOccurred())
		Expect(grant.OpenCode(set, code, start.Add(time.Minute))).Error().To(MatchError(grant.ErrCode))
	})

	It("opens with no bit changed", func() {
		for _, changed := range changedBits(sealCode(set, fullCode())) {
			Expect(grant.OpenCode(set, changed, afterCode)).Error().To(MatchError(grant.ErrCode))
		}
	})

	DescribeTable("does not open in another form:", func(spoil func(string) string) {
		Expect(grant.OpenCode(set, spoil(sealCode(set, fullCode())), afterCode)).Error().To(MatchError(grant.ErrCode))
	},
		Entry("nothing", func(string) string { return "" }),
		Entry("with padding", func(s string) string { return s + "=" }),
		Entry("with a line feed", func(s string) string { return s[:20] + "\n" + s[20:] }),
		Entry("with a space", func(s string) string { return s + " " }),
		Entry("cut short", func(s string) string { return s[:len(s)-4] }),
		Entry("with something after it", func(s string) string { return s + "AAAA" }),
		Entry("of great length", func(s string) string { return s + strings.Repeat("A", 1<<20) }),
		Entry("no base64", func(string) string { return "%%%%" }),
	)

	It("opens with the keys of its issuer alone", func() {
		Expect(grant.OpenCode(newSet(), sealCode(set, fullCode()), afterCode)).Error().To(MatchError(grant.ErrCode))
		Expect(grant.OpenCode((&keys.Current{}).Load(), sealCode(set, fullCode()), afterCode)).Error().To(MatchError(grant.ErrCode))
	})

	It("is nothing else that was sealed with the same keys", func() {
		for use, purpose := range map[keyring.Use]string{
			keyring.UseCode:    "browser session",
			keyring.UseBrowser: "authorization code",
		} {
			sealed, err := set.Seal(use, purpose, fullCode(), start)
			Expect(err).NotTo(HaveOccurred())
			Expect(grant.OpenCode(set, base64.RawURLEncoding.EncodeToString(sealed), afterCode)).Error().To(MatchError(grant.ErrCode))
		}
	})

	It("names a grant that can be", func() {
		c := fullCode()
		c.GrantID = "../" + c.GrantID[3:]
		Expect(grant.OpenCode(set, sealCode(set, c), afterCode)).Error().To(MatchError(grant.ErrCode))
	})

	It("survives that the key is replaced", func() {
		ring := rotate(keyring.Ring{}, start)
		sealed := sealCode(compile(ring), fullCode())
		later := start.Add(24*time.Hour - time.Second) // the successor is published
		next := compile(rotate(ring, later))
		Expect(grant.OpenCode(next, sealed, afterCode)).Error().NotTo(HaveOccurred())
	})

	It("cannot be made without a key", func() {
		Expect(grant.SealCode((&keys.Current{}).Load(), fullCode(), start)).Error().To(MatchError(keys.ErrNoKey))
	})
})

var _ = Describe("the id of a grant", func() {
	It("is valid, and never the same twice", func() {
		seen := map[string]bool{}
		for range 1000 {
			id := grant.NewID()
			Expect(grant.ValidID(id)).To(BeTrue())
			Expect(id).To(MatchRegexp(`^[a-z2-7]{26}$`), "as Kubernetes takes it for a name")
			Expect(seen[id]).To(BeFalse())
			seen[id] = true
		}
	})

	It("has one form", func() {
		id := grant.NewID()
		for _, other := range []string{"", strings.ToUpper(id), id + "a", id[1:], id + "\n", "\n" + id, id[:13] + "\r\n" + id[13:], id + "=", "a/b"} {
			Expect(grant.ValidID(other)).To(BeFalse(), "%q", other)
		}
		// 26 characters hold 130 bits: the last two must be none.
		Expect(grant.ValidID(id[:25] + "7")).To(BeFalse())
	})
})

// FuzzOpenCode opens whatever there is: only what was sealed opens.
func FuzzOpenCode(f *testing.F) {
	set := newSet()
	sealed := sealCode(set, fullCode())
	f.Add(sealed)
	f.Add("")
	f.Add("AQ")
	f.Add(sealed[:len(sealed)-1])
	f.Add(sealed + "A")
	f.Add(changedBits(sealed)[7*8])
	other, err := set.Seal(keyring.UseBrowser, "authorization code", fullCode(), start)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(base64.RawURLEncoding.EncodeToString(other))
	f.Fuzz(func(t *testing.T, code string) {
		c, err := grant.OpenCode(set, code, afterCode)
		if (err == nil) != (code == sealed) {
			t.Errorf("%q opened to %+v, %v", code, c, err)
		}
	})
}
