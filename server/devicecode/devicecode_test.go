package devicecode

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

var epoch = time.Date(2026, 11, 12, 13, 14, 15, 678_901_234, time.UTC)

var set = sync.OnceValue(func() *keys.Set {
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseCode}, {Use: keyring.UsePairwise}}, epoch.Add(-time.Hour))
	if err != nil {
		panic(err)
	}
	compiled, err := keys.Compile(ring)
	if err != nil {
		panic(err)
	}
	return compiled
})

func newCode() Code {
	return Code{
		GrantID: grant.NewID(), IssuedAt: epoch.Unix(), ExpiresAt: epoch.Add(10 * time.Minute).Unix(),
		ClientID: "team.tv", ClientUID: "uid-of-team.tv", UserCode: NewUserCode(),
		Scope: oauth.Scope{"openid", "read"}, Resources: []string{"urn:example:files"},
	}
}

func sealed(c Code) string {
	code, err := Seal(set(), c, epoch)
	Expect(err).NotTo(HaveOccurred())
	return code
}

var _ = Describe("A device code", func() {
	It("says what was sealed into it, and nobody can read it", func() {
		c := newCode()
		text := sealed(c)
		Expect(Open(set(), text, epoch)).To(Equal(c))
		Expect(text).To(MatchRegexp(`^[A-Za-z0-9_-]+$`))
		raw, err := base64.RawURLEncoding.DecodeString(text)
		Expect(err).NotTo(HaveOccurred())
		Expect(raw[0]).To(BeEquivalentTo(1), "its version")
		for _, secret := range []string{c.GrantID, string(c.UserCode), c.ClientID} {
			Expect(string(raw)).NotTo(ContainSubstring(secret))
		}
	})

	It("is opened after its time too, so that its client can be told", func() {
		c := newCode()
		late := epoch.Add(10 * time.Minute)
		opened, err := Open(set(), sealed(c), late)
		Expect(err).NotTo(HaveOccurred())
		Expect(opened.Expired(late)).To(BeTrue())
		Expect(opened.Expired(late.Add(-time.Second))).To(BeFalse())
	})

	It("is nothing else that the same key seals", func() {
		c := newCode()
		for _, purpose := range []string{purposeRequest, purposeDecision, "authorization code", ""} {
			raw, err := set().Seal(keyring.UseCode, purpose, c, epoch)
			Expect(err).NotTo(HaveOccurred())
			_, err = Open(set(), base64.RawURLEncoding.EncodeToString(raw), epoch)
			Expect(err).To(MatchError(ErrCode), purpose)
		}
		_, err := grant.OpenCode(set(), sealed(c), epoch)
		Expect(err).To(MatchError(grant.ErrCode), "and no authorization code")
	})

	It("has one form only, and nothing that was changed is one", func() {
		text := sealed(newCode())
		for _, bad := range []string{"", "x", text + "A", text[:len(text)-1], text + "=", text + "\n", " " + text, strings.ToUpper(text), strings.Repeat("A", maxCode+1)} {
			_, err := Open(set(), bad, epoch)
			Expect(err).To(MatchError(ErrCode))
		}
		for i := range text {
			other := byte('A')
			if text[i] == other {
				other = 'B'
			}
			_, err := Open(set(), text[:i]+string(other)+text[i+1:], epoch)
			Expect(err).To(MatchError(ErrCode), "character %d", i)
		}
	})

	It("carries no more than a replica is ready to remember", func() {
		c := newCode()
		for range 100 {
			c.Scope = append(c.Scope, strings.Repeat("x", 60))
		}
		_, err := Seal(set(), c, epoch)
		Expect(err).To(MatchError(ErrTooLong))
	})
})

func FuzzOpen(f *testing.F) {
	RegisterTestingT(f)
	good := newCode()
	f.Add(sealed(good))
	f.Add("")
	f.Add("AQ")
	f.Add(strings.Repeat("A", 100))
	f.Add(sealed(good) + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Open(set(), text, epoch)
		if err != nil {
			return
		}
		if c.GrantID != good.GrantID { // the only one that was ever sealed here
			t.Fatalf("%q opens as another code", text)
		}
	})
}
