package authorization_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("The consent", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser().signIn()
	})

	It("says who asks, for what, whose account it is and where it leads (RFC 6749 §10.2)", func() {
		a := b.visit(request("scope", "openid orders:read"))
		Expect(text(a.doc)).To(ContainSubstring("Example Platform"))
		Expect(text(a.doc)).To(ContainSubstring("Allow The Shop to use your account?"))
		Expect(text(a.byID("client-id"))).To(Equal(confidential))
		Expect(text(a.byID("account"))).To(Equal("alice"))
		Expect(text(a.byID("scopes"))).To(And(ContainSubstring("Know who you are"), ContainSubstring("Read your orders")))
		Expect(text(a.byID("destination"))).To(Equal("shop.example"))
	})

	It("says how long what is allowed lasts, with refresh tokens and without (RFC 6749 §10.2)", func() {
		says := func() string {
			GinkgoHelper()
			a := b.visit(request())
			Expect(a.byID("lifetime")).NotTo(BeNil())
			return text(a.byID("lifetime"))
		}
		w.change(confidential, func(c *registration.Client) {
			c.Lifetimes = issuer.Lifetimes{AccessToken: 10 * time.Minute, Refresh: 720 * time.Hour}
		})
		Expect(says()).To(Equal("Access lasts for 10 minutes at most."))
		w.change(confidential, func(c *registration.Client) {
			c.GrantTypes = append(slices.Clone(c.GrantTypes), oauth.GrantRefreshToken)
		})
		Expect(says()).To(Equal("Access lasts for 30 days at most."))
	})

	It("names programs and apps on the device as such", func() {
		a := b.visit(request("client_id", public, "redirect_uri", "http://127.0.0.1:8000/done"))
		Expect(text(a.byID("destination"))).To(Equal("a program on this device (127.0.0.1:8000)"))
		a = b.visit(request("client_id", public, "redirect_uri", "com.example.shop:/done"))
		Expect(text(a.byID("destination"))).To(Equal("the app com.example.shop on this device"))
	})

	It("tells the client when the person refuses (RFC 6749 §4.1.2.1), and asks again next time", func() {
		a := b.submit(b.visit(request()), "deny")
		Expect(a.status).To(Equal(http.StatusSeeOther))
		Expect(a.location).To(HavePrefix(callback + "?error=access_denied&"))
		Expect(a.query["state"]).To(Equal([]string{"xyz"}))
		Expect(a.query["iss"]).To(Equal([]string{w.settings.Issuer}))
		Expect(b.visit(request()).byID("consent")).NotTo(BeNil())
	})

	It("is remembered in the session for what it covers, and no more", func() {
		w.code(b.submit(b.visit(request("scope", "openid email")), "allow"))
		Expect(w.code(b.visit(request("scope", "email"))).Scope).To(Equal(oauth.Scope{"email"}))
		Expect(b.visit(request("scope", "openid orders:read")).byID("consent")).NotTo(BeNil())
		Expect(b.visit(request("client_id", several)).byID("consent")).NotTo(BeNil(), "another client")
		Expect(b.visit(request("prompt", "consent")).byID("consent")).NotTo(BeNil())

		w.code(b.submit(b.visit(request("scope", "orders:read")), "allow"))
		w.code(b.visit(request("scope", "openid email orders:read")))
	})

	It("is not remembered for a client of the same name that was made anew", func() {
		w.code(b.submit(b.visit(request()), "allow"))
		delete(w.clients.known, confidential)
		w.clients.known[confidential] = newClient(confidential, oauth.AuthMethodBasic, callback)
		w.clients.known[confidential].UID = "made anew"
		Expect(b.visit(request()).byID("consent")).NotTo(BeNil())
	})

	It("is not remembered in another session", func() {
		w.code(b.submit(b.visit(request()), "allow"))
		a := b.login(b.visit(request("prompt", "login")), "alice", "correct horse")
		Expect(a.byID("consent")).NotTo(BeNil())
	})

	It("is never silent for a public client (RFC 6749 §10.2)", func() {
		ask := request("client_id", public, "redirect_uri", "http://127.0.0.1:8000/done")
		for range 2 {
			w.code(b.submit(b.visit(ask), "allow"))
		}
		Expect(b.visit(ask).byID("consent")).NotTo(BeNil())
		w.change(public, func(c *registration.Client) { c.AuthMethod = oauth.AuthMethodBasic })
		ask.Set("redirect_uri", "http://127.0.0.1/done")
		Expect(b.visit(ask).byID("consent")).NotTo(BeNil(), "nor what it was allowed while it was one")
	})

	It("is not silent any more for a client that has become a public one", func() {
		w.code(b.submit(b.visit(request()), "allow"))
		w.change(confidential, func(c *registration.Client) { c.AuthMethod = oauth.AuthMethodNone })
		Expect(b.visit(request()).byID("consent")).NotTo(BeNil())
	})

	It("keeps the cookie small however many clients there are", func() {
		for i := range 40 {
			id := fmt.Sprintf("shop.client-%d", i)
			w.clients.known[id] = newClient(id, oauth.AuthMethodBasic, callback)
			w.clients.known[id].UID = fmt.Sprintf("7d444840-9dc0-11d1-b245-5ffdce74fa%02d", i)
			w.code(b.submit(b.visit(request("client_id", id, "scope", "openid email orders:read")), "allow"))
			Expect(len(b.cookie("oauth-session"))).To(BeNumerically("<", 3900))
		}
		w.code(b.visit(request("client_id", "shop.client-39")))
		Expect(b.visit(request("client_id", "shop.client-0")).byID("consent")).NotTo(BeNil())
	})

	It("leaves out what would not fit into the cookie", func() {
		var huge oauth.Scope
		for i := range 60 {
			huge = append(huge, fmt.Sprintf("scope-%060d", i))
		}
		w.clients.known[confidential].Scope = huge
		a := b.submit(b.visit(request("scope", huge.String())), "allow")
		w.code(a)
		Expect(len(b.cookie("oauth-session"))).To(BeNumerically("<", 3900))
		Expect(b.visit(request("scope", huge.String())).byID("consent")).NotTo(BeNil())
	})

	// RFC 6749 §10.12: nothing is granted without the token.
	It("refuses a form that was not made for this browser, or is too old", func() {
		page := b.visit(request())
		_, own := formOf(page, "allow")
		_, login := formOf(b.visit(request("prompt", "login")), "submit")
		other := w.browser().signIn()
		_, foreign := formOf(other.visit(request()), "allow")
		post := func(v url.Values, headers ...string) answer {
			GinkgoHelper()
			return b.do("POST", w.settings.Issuer+"/consent", v.Encode(), headers...)
		}
		for name, v := range map[string]url.Values{
			"none":               {"decision": {"allow"}},
			"of another browser": foreign,
			"of another page":    {"decision": {"allow"}, "state": login["state"]},
		} {
			a := post(v)
			Expect(a.status).To(Equal(http.StatusForbidden), name)
			Expect(a.errorCode()).To(Equal("csrf"), name)
			Expect(a.location).To(BeEmpty(), name)
		}
		Expect(post(own, "Sec-Fetch-Site", "cross-site").errorCode()).To(Equal("csrf"))
		Expect(b.visit(request()).byID("consent")).NotTo(BeNil(), "nothing was allowed")

		Expect(post(url.Values{"state": own["state"]}).errorCode()).To(Equal("invalid_request"), "no decision")
		w.clock.advance(time.Hour)
		Expect(post(own).errorCode()).To(Equal("expired"))
	})

	It("is asked anew for a client that was made anew between the question and the answer", func() {
		page := b.visit(request())
		w.change(confidential, func(c *registration.Client) { c.UID = "made anew" })
		a := b.submit(page, "allow")
		Expect(a.location).To(BeEmpty())
		Expect(w.code(b.submit(a, "allow")).ClientUID).To(Equal("made anew"))
	})

	It("is asked of whoever is logged in by then", func() {
		page := b.visit(request())
		b.login(b.visit(request("prompt", "login")), "bob", "battery staple")
		a := b.submit(page, "allow")
		Expect(a.location).To(BeEmpty())
		Expect(text(a.byID("account"))).To(Equal("bob"))
		Expect(w.code(b.submit(a, "allow")).Subject).To(Equal(bob))
	})

	It("lets the person use another account", func() {
		w.code(b.submit(b.visit(request()), "allow"))
		page := b.visit(request("prompt", "consent", "nonce", "same-request"))
		a := b.submit(page, "another")
		Expect(a.byID("login")).NotTo(BeNil())
		Expect(b.cookie("oauth-session")).To(BeEmpty())
		a = b.login(a, "bob", "battery staple")
		Expect(text(a.byID("account"))).To(Equal("bob"))
		c := w.code(b.submit(a, "allow"))
		Expect(c.Subject).To(Equal(bob))
		Expect(c.Nonce).To(Equal("same-request"))
	})
})
