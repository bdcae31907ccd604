package token_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
)

const (
	readAPI  = "https://read.example.com/api" // it understands read alone
	writeAPI = "https://write.example.com/api"
)

var _ = Describe("Resource indicators", func() {
	var w *world
	BeforeEach(func() {
		w = newWorld()
		w.Settings.Resources = []issuer.Resource{{Identifier: readAPI, Scope: oauth.Scope{"read"}}, {Identifier: writeAPI}}
		for _, c := range w.Clients {
			c.Resources = []string{readAPI, writeAPI}
		}
	})
	claims := func(a answer) accesstoken.Claims {
		GinkgoHelper()
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		c, err := accesstoken.Read(w.Settings, w.Keys.Load(), a.Text("access_token"), w.Now())
		Expect(err).NotTo(HaveOccurred())
		return c
	}
	codeFor := func(resources ...string) string {
		return w.code("team.web", func(c *grant.Code) { c.Resources = resources })
	}
	redeemFor := func(code string, resources ...string) answer {
		form := pairs("grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier)
		form["resource"] = resources
		return w.post("team.web", form)
	}
	own := func(resources ...string) answer {
		return w.post("team.job", url.Values{"grant_type": {"client_credentials"}, "scope": {"read write"}, "resource": resources})
	}

	It("RFC 8707 §2.2: the token is for what was asked for at authorization; aud is a string of one, an array of several", func() {
		a := redeemFor(codeFor(writeAPI))
		Expect(claims(a).Audience).To(BeEquivalentTo([]string{writeAPI}))
		Expect(w.grantOf(claims(a)).Resources).To(Equal([]string{writeAPI}))
		Expect(payloadOf(a)).To(ContainSubstring(`"aud":"` + writeAPI + `"`))
		a = redeemFor(codeFor(readAPI, writeAPI))
		Expect(payloadOf(a)).To(ContainSubstring(`"aud":["` + readAPI + `","` + writeAPI + `"]`))
	})

	It("RFC 9068 §3: without any it is for the issuer", func() {
		Expect(claims(redeemFor(codeFor())).Audience).To(BeEquivalentTo([]string{w.Settings.Issuer}))
		Expect(claims(own()).Audience).To(BeEquivalentTo([]string{w.Settings.Issuer}))
		Expect(claims(redeemFor(codeFor(), w.Settings.Issuer)).Audience).To(BeEquivalentTo([]string{w.Settings.Issuer}))
	})

	It("RFC 9068 §4: a token for another resource is not accepted by the issuer", func() {
		_, err := accesstoken.Verify(w.Settings, w.Keys.Load(), redeemFor(codeFor(writeAPI)).Text("access_token"), w.Now())
		Expect(err).To(MatchError(accesstoken.ErrInvalid))
		a := redeemFor(codeFor(writeAPI, w.Settings.Issuer))
		Expect(w.access(a).Audience.Has(w.Settings.Issuer)).To(BeTrue())
	})

	It("RFC 8707 §2.2: a token request narrows, and the next may ask for another again", func() {
		a := redeemFor(codeFor(readAPI, writeAPI), readAPI)
		Expect(claims(a).Audience).To(BeEquivalentTo([]string{readAPI}))
		a = w.refresh("team.web", a.Text("refresh_token"), "resource", writeAPI)
		Expect(claims(a).Audience).To(BeEquivalentTo([]string{writeAPI}))
		a = w.refresh("team.web", a.Text("refresh_token"))
		Expect(claims(a).Audience).To(BeEquivalentTo([]string{readAPI, writeAPI}))
	})

	DescribeTable("RFC 8707 §2.2: invalid_target for more than was asked for at authorization, and the code stays good",
		func(resource string) {
			code := codeFor(readAPI)
			expectError(redeemFor(code, resource), 400, "invalid_target")
			a := redeemFor(code)
			expectError(w.refresh("team.web", a.Text("refresh_token"), "resource", resource), 400, "invalid_target")
			Expect(w.refresh("team.web", a.Text("refresh_token")).Status).To(Equal(http.StatusOK))
		},
		Entry("another resource", writeAPI), Entry("one that does not exist", "https://nowhere.example.com"),
		Entry("one with a fragment", readAPI+"#"), Entry("one that is not absolute", "read"), Entry("one only nearly the same", readAPI+"/"),
		Entry("the issuer", "https://auth.example.com/main"),
	)

	It("RFC 8707 §2.2: invalid_target where authorization has named none", func() {
		expectError(redeemFor(codeFor(), readAPI), 400, "invalid_target")
	})

	It("RFC 8707 §2: the scope is what the resource understands, and the refresh token keeps the whole", func() {
		code := w.code("team.web", func(c *grant.Code) {
			c.Scope, c.Resources = oauth.Scope{"openid", "read", "write"}, []string{readAPI, writeAPI}
		})
		a := redeemFor(code, readAPI)
		Expect(claims(a).Scope).To(Equal("read"))
		Expect(a.Text("scope")).To(Equal("read"), "RFC 6749 §5.1: the client is told")
		Expect(a.Text("id_token")).NotTo(BeEmpty(), "the ID token is for the client, whatever the resource")
		a = w.refresh("team.web", a.Text("refresh_token"))
		Expect(claims(a).Scope).To(Equal("openid read write"))
		expectError(w.refresh("team.web", a.Text("refresh_token"), "resource", readAPI, "scope", "write"), 400, "invalid_scope")
	})

	It("what the client is no longer registered for is gone with the next token", func() {
		a := redeemFor(codeFor(readAPI, writeAPI))
		w.Clients["team.web"].Resources = []string{readAPI}
		a = w.refresh("team.web", a.Text("refresh_token"))
		Expect(claims(a).Audience).To(BeEquivalentTo([]string{readAPI}))
		w.Clients["team.web"].Resources = nil
		expectError(w.refresh("team.web", a.Text("refresh_token")), 400, "invalid_target")
	})

	It("RFC 8707 §2.2: client credentials are for what the client is registered for, and nothing else", func() {
		Expect(claims(own(writeAPI)).Audience).To(BeEquivalentTo([]string{writeAPI}))
		Expect(claims(own(readAPI)).Scope).To(Equal("read"))
		Expect(claims(own(readAPI, writeAPI)).Scope).To(Equal("read write"))
		w.Clients["team.job"].Resources = []string{readAPI}
		expectError(own(writeAPI), 400, "invalid_target")
		expectError(own(readAPI, writeAPI), 400, "invalid_target")
	})

	It("a grant whose resources were tampered with is worth nothing", func() {
		a := redeemFor(codeFor(readAPI))
		g := w.grantOf(claims(a))
		token, err := grant.OpenRefreshToken(w.Keys.Load(), a.Text("refresh_token"), w.Now())
		Expect(err).NotTo(HaveOccurred())
		Expect(token.Describes(g)).To(BeTrue())
		for _, resources := range [][]string{nil, {writeAPI}, {readAPI, writeAPI}} {
			g.Resources = resources
			Expect(token.Describes(g)).To(BeFalse())
		}
	})
})

// payloadOf returns the JSON of the access token.
func payloadOf(a answer) string {
	GinkgoHelper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(a.Text("access_token"), ".")[1])
	Expect(err).NotTo(HaveOccurred())
	return string(payload)
}
