package authorization_test

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("The code", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser()
	})

	// through walks login and consent.
	through := func(pairs ...string) answer {
		GinkgoHelper()
		return b.submit(b.login(b.visit(request(pairs...)), "alice", "correct horse"), "allow")
	}

	It("says everything that was asked and allowed (RFC 6749 §4.1.2)", func() {
		began := w.clock.now()
		a := b.visit(request("scope", "email openid email", "nonce", "n-0S6_ é", "state", "&=%+ é"))
		w.clock.advance(10 * time.Second)
		a = b.login(a, "alice", "correct horse")
		w.clock.advance(20 * time.Second)
		a = b.submit(a, "allow")

		Expect(a.status).To(Equal(http.StatusSeeOther), "RFC 9700 §4.12: 303")
		Expect(a.location).To(HavePrefix(callback + "?code="))
		Expect(a.query["state"]).To(Equal([]string{"&=%+ é"}))
		Expect(a.query["iss"]).To(Equal([]string{w.settings.Issuer}), "RFC 9207 §2")
		Expect(a.query).To(HaveLen(3))
		Expect(a.body).To(BeEmpty())
		Expect(a.header.Get("Cache-Control")).To(Equal("no-store"))

		c := w.code(a)
		Expect(grant.ValidID(c.GrantID)).To(BeTrue())
		Expect(c.SessionID).NotTo(BeEmpty())
		c.GrantID, c.SessionID = "", ""
		Expect(c).To(Equal(grant.Code{
			IssuedAt:  began.Add(30 * time.Second).Unix(),
			ExpiresAt: began.Add(90 * time.Second).Unix(),
			ClientID:  confidential, ClientUID: "uid of " + confidential,
			RedirectURI: callback, RedirectURISent: true,
			Subject: alice, Username: "alice",
			Scope:     oauth.Scope{"email", "openid"},
			AuthTime:  began.Add(10 * time.Second).Unix(),
			Challenge: verifierS256, Nonce: "n-0S6_ é",
		}))
	})

	It("notes that the redirect URI was left out (RFC 6749 §4.1.3)", func() {
		c := w.code(through("redirect_uri", "", "scope", "email"))
		Expect(c.RedirectURISent).To(BeFalse())
		Expect(c.RedirectURI).To(Equal(callback))
	})

	It("has the default scope where none was asked for (RFC 6749 §3.3)", func() {
		Expect(w.code(through("scope", "")).Scope).To(Equal(oauth.Scope{"openid"}))
	})

	It("is another one every time, for a grant of its own (RFC 6749 §10.5)", func() {
		first := through()
		second := b.visit(request())
		Expect(second.query.Get("code")).NotTo(BeEmpty())
		Expect(second.query.Get("code")).NotTo(Equal(first.query.Get("code")))
		Expect(w.code(second).GrantID).NotTo(Equal(w.code(first).GrantID))
		Expect(w.code(second).SessionID).To(Equal(w.code(first).SessionID))
	})

	It("goes to the native client's port, and to its private-use scheme (RFC 8252 §7)", func() {
		a := through("client_id", public, "redirect_uri", "http://127.0.0.1:50505/done")
		Expect(a.location).To(HavePrefix("http://127.0.0.1:50505/done?code="))
		Expect(w.code(a).RedirectURI).To(Equal("http://127.0.0.1:50505/done"))

		a = b.submit(b.visit(request("client_id", public, "redirect_uri", "com.example.shop:/done")), "allow")
		Expect(a.location).To(HavePrefix("com.example.shop:/done?code="))
	})

	It("comes by POST as well (OpenID Connect Core §3.1.2.1)", func() {
		through()
		a := b.do("POST", w.settings.Issuer+"/authorize", request("nonce", "posted").Encode())
		Expect(w.code(a).Nonce).To(Equal("posted"))
		Expect(b.do("POST", w.settings.Issuer+"/authorize", "{}", "Content-Type", "application/json").errorCode()).To(Equal("invalid_request"))
	})

	It("finds the session behind a form that another site posts without our cookies", func() {
		through()
		// The browser withholds SameSite=Lax cookies from the POST ...
		a := w.browser().alone().do("POST", w.settings.Issuer+"/authorize", request().Encode())
		Expect(a.status).To(Equal(http.StatusSeeOther))
		Expect(a.location).To(HavePrefix(w.settings.Issuer + "/authorize?"))
		// ... and sends them with the redirect.
		w.code(b.do("GET", a.location, ""))
	})

	It("is issued below an issuer with a path of its own", func() {
		w = newWorld("/tenants/one")
		b = w.browser()
		a := through()
		Expect(a.query.Get("iss")).To(Equal(w.http.URL + "/tenants/one"))
		w.code(a)
		w.code(b.visit(request()))
	})

	It("is for the registration as it is when the person answers", func() {
		page := b.login(b.visit(request()), "alice", "correct horse")

		w.change(confidential, func(c *registration.Client) { c.GrantTypes = nil })
		Expect(b.submit(page, "allow").query.Get("error")).To(Equal("unauthorized_client"))

		w.change(confidential, func(c *registration.Client) {
			c.GrantTypes = []string{oauth.GrantAuthorizationCode}
			c.RedirectURIs = []registration.RedirectURI{registration.CompileRedirectURI(callback+"2", false)}
		})
		Expect(b.submit(page, "allow").errorCode()).To(Equal("invalid_redirect_uri"))

		w.clients.refused[confidential] = true
		Expect(b.submit(page, "allow").errorCode()).To(Equal("refused_client"))
	})

	It("is not issued for another client of the same name, or another scope, than was asked about", func() {
		page := b.login(b.visit(request("scope", "")), "alice", "correct horse")

		w.change(confidential, func(c *registration.Client) { c.DefaultScope = oauth.Scope{"openid", "email"} })
		again := b.submit(page, "allow")
		Expect(again.location).To(BeEmpty())
		Expect(text(again.byID("scopes"))).To(ContainSubstring("See your e-mail address"))

		w.change(confidential, func(c *registration.Client) { c.UID = "made anew" })
		final := b.submit(again, "allow")
		Expect(final.byID("consent")).NotTo(BeNil())
		Expect(w.code(b.submit(final, "allow")).ClientUID).To(Equal("made anew"))
	})
})
