package grant_test

import (
	"encoding/base64"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
)

var _ = Describe("a code that is bound to resources", func() {
	resources := []string{"https://api.example.com", "urn:example:files"}

	It("RFC 8707 §2.1: says which", func() {
		set, c := newSet(), fullCode()
		c.Resources = resources
		Expect(grant.OpenCode(set, sealCode(set, c), afterCode)).To(Equal(c))
	})

	It("is nothing to a server that does not know of resources, and nothing else is taken for one", func() {
		set, c := newSet(), fullCode()
		c.Resources = resources
		sealed, err := base64.RawURLEncoding.DecodeString(sealCode(set, c))
		Expect(err).NotTo(HaveOccurred())
		Expect(set.Open(keyring.UseCode, "authorization code", sealed, &grant.Code{}, afterCode)).NotTo(Succeed())

		for purpose, resources := range map[string][]string{
			"authorization code": resources, "authorization code for resources": nil,
		} {
			c.Resources = resources
			sealed, err := set.Seal(keyring.UseCode, purpose, c, start)
			Expect(err).NotTo(HaveOccurred())
			_, err = grant.OpenCode(set, base64.RawURLEncoding.EncodeToString(sealed), afterCode)
			Expect(err).To(MatchError(grant.ErrCode), purpose)
		}
	})
})

var _ = Describe("The use of a refresh token", func() {
	It("is told by generation and grace (RFC 9700 §4.14.2)", func() {
		now := time.Date(2026, 11, 12, 13, 14, 15, 0, time.UTC)
		g := grant.Grant{Generation: 3, RefreshedAt: now}
		use := func(generation int64, after time.Duration) grant.Use {
			return grant.RefreshToken{Generation: generation}.Use(g, 30*time.Second, now.Add(after))
		}
		Expect(use(4, 0)).To(Equal(grant.Unknown))
		Expect(use(3, time.Hour)).To(Equal(grant.Current))
		Expect(use(2, 29*time.Second)).To(Equal(grant.Retried))
		Expect(use(2, 30*time.Second)).To(Equal(grant.Reused))
		Expect(use(1, 0)).To(Equal(grant.Reused))
	})
})
