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
		return b.Submit(b.Login(b.visit(request(pairs...)), "alice", "correct horse"), "allow")
	}

	It("says everything that was asked and allowed (RFC 6749 §4.1.2)", func() {
		began := w.Now()
		a := b.visit(request("scope", "email openid email", "nonce", "n-0S6_ é", "state", "&=%+ é"))
		w.Advance(10 * time.Second)
		a = b.Login(a, "alice", "correct horse")
		w.Advance(20 * time.Second)
		a = b.Submit(a, "allow")

		Expect(a.Status).To(Equal(http.StatusSeeOther), "RFC 9700 §4.12: 303")
		Expect(a.Location).To(HavePrefix(callback + "?code="))
		Expect(a.Query["state"]).To(Equal([]string{"&=%+ é"}))
		Expect(a.Query["iss"]).To(Equal([]string{w.Settings.Issuer}), "RFC 9207 §2")
		Expect(a.Query).To(HaveLen(3))
		Expect(a.Body).To(BeEmpty())
		Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))

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
		Expect(second.Query.Get("code")).NotTo(BeEmpty())
		Expect(second.Query.Get("code")).NotTo(Equal(first.Query.Get("code")))
		Expect(w.code(second).GrantID).NotTo(Equal(w.code(first).GrantID))
		Expect(w.code(second).SessionID).To(Equal(w.code(first).SessionID))
	})

	It("goes to the native client's port, and to its private-use scheme (RFC 8252 §7)", func() {
		a := through("client_id", public, "redirect_uri", "http://127.0.0.1:50505/done")
		Expect(a.Location).To(HavePrefix("http://127.0.0.1:50505/done?code="))
		Expect(w.code(a).RedirectURI).To(Equal("http://127.0.0.1:50505/done"))

		a = b.Submit(b.visit(request("client_id", public, "redirect_uri", "com.example.shop:/done")), "allow")
		Expect(a.Location).To(HavePrefix("com.example.shop:/done?code="))
	})

	It("comes by POST as well (OpenID Connect Core §3.1.2.1)", func() {
		through()
		a := b.Do("POST", w.Settings.Issuer+"/authorize", request("nonce", "posted").Encode())
		Expect(w.code(a).Nonce).To(Equal("posted"))
		Expect(b.Do("POST", w.Settings.Issuer+"/authorize", "{}", "Content-Type", "application/json").ErrorCode()).To(Equal("invalid_request"))
	})

	It("finds the session behind a form that another site posts without our cookies", func() {
		through()
		// The browser withholds SameSite=Lax cookies from the POST ...
		a := w.browser().alone().Do("POST", w.Settings.Issuer+"/authorize", request().Encode())
		Expect(a.Status).To(Equal(http.StatusSeeOther))
		Expect(a.Location).To(HavePrefix(w.Settings.Issuer + "/authorize?"))
		// ... and sends them with the redirect.
		w.code(b.Do("GET", a.Location, ""))
	})

	It("is issued below an issuer with a path of its own", func() {
		w = newWorld("/tenants/one")
		b = w.browser()
		a := through()
		Expect(a.Query.Get("iss")).To(Equal(w.http.URL + "/tenants/one"))
		w.code(a)
		w.code(b.visit(request()))
	})

	It("is for the registration as it is when the person answers", func() {
		page := b.Login(b.visit(request()), "alice", "correct horse")

		w.Change(confidential, func(c *registration.Client) { c.GrantTypes = nil })
		Expect(b.Submit(page, "allow").Query.Get("error")).To(Equal("unauthorized_client"))

		w.Change(confidential, func(c *registration.Client) {
			c.GrantTypes = []string{oauth.GrantAuthorizationCode}
			c.RedirectURIs = []registration.RedirectURI{registration.CompileRedirectURI(callback+"2", false)}
		})
		Expect(b.Submit(page, "allow").ErrorCode()).To(Equal("invalid_redirect_uri"))

		w.Clients[confidential] = nil
		Expect(b.Submit(page, "allow").ErrorCode()).To(Equal("refused_client"))
	})

	It("is not issued for another client of the same name, or another scope, than was asked about", func() {
		page := b.Login(b.visit(request("scope", "")), "alice", "correct horse")

		w.Change(confidential, func(c *registration.Client) { c.DefaultScope = oauth.Scope{"openid", "email"} })
		again := b.Submit(page, "allow")
		Expect(again.Location).To(BeEmpty())
		Expect(again.Text("scopes")).To(ContainSubstring("See your e-mail address"))

		w.Change(confidential, func(c *registration.Client) { c.UID = "made anew" })
		final := b.Submit(again, "allow")
		Expect(final.ByID("consent")).NotTo(BeNil())
		Expect(w.code(b.Submit(final, "allow")).ClientUID).To(Equal("made anew"))
	})
})
