package authorization_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/internal/worldtest"
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
		Expect(worldtest.Text(a.Doc)).To(ContainSubstring("Example Platform"))
		Expect(worldtest.Text(a.Doc)).To(ContainSubstring("Allow The Shop to use your account?"))
		Expect(a.Text("client-id")).To(Equal(confidential))
		Expect(a.Text("account")).To(Equal("alice"))
		Expect(a.Text("scopes")).To(And(ContainSubstring("Know who you are"), ContainSubstring("Read your orders")))
		Expect(a.Text("destination")).To(Equal("shop.example"))
	})

	It("says how long what is allowed lasts, with refresh tokens and without (RFC 6749 §10.2)", func() {
		says := func() string {
			GinkgoHelper()
			a := b.visit(request())
			Expect(a.ByID("lifetime")).NotTo(BeNil())
			return a.Text("lifetime")
		}
		w.Change(confidential, func(c *registration.Client) {
			c.Lifetimes = issuer.Lifetimes{AccessToken: 10 * time.Minute, Refresh: 720 * time.Hour}
		})
		Expect(says()).To(Equal("Access lasts for 10 minutes at most."))
		w.Change(confidential, func(c *registration.Client) {
			c.GrantTypes = append(slices.Clone(c.GrantTypes), oauth.GrantRefreshToken)
		})
		Expect(says()).To(Equal("Access lasts for 30 days at most."))
	})

	It("names programs and apps on the device as such", func() {
		a := b.visit(request("client_id", public, "redirect_uri", "http://127.0.0.1:8000/done"))
		Expect(a.Text("destination")).To(Equal("a program on this device (127.0.0.1:8000)"))
		a = b.visit(request("client_id", public, "redirect_uri", "com.example.shop:/done"))
		Expect(a.Text("destination")).To(Equal("the app com.example.shop on this device"))
	})

	It("tells the client when the person refuses (RFC 6749 §4.1.2.1), and asks again next time", func() {
		a := b.Submit(b.visit(request()), "deny")
		Expect(a.Status).To(Equal(http.StatusSeeOther))
		Expect(a.Location).To(HavePrefix(callback + "?error=access_denied&"))
		Expect(a.Query["state"]).To(Equal([]string{"xyz"}))
		Expect(a.Query["iss"]).To(Equal([]string{w.Settings.Issuer}))
		Expect(b.visit(request()).ByID("consent")).NotTo(BeNil())
	})

	It("is remembered in the session for what it covers, and no more", func() {
		w.code(b.Submit(b.visit(request("scope", "openid email")), "allow"))
		Expect(w.code(b.visit(request("scope", "email"))).Scope).To(Equal(oauth.Scope{"email"}))
		Expect(b.visit(request("scope", "openid orders:read")).ByID("consent")).NotTo(BeNil())
		Expect(b.visit(request("client_id", several)).ByID("consent")).NotTo(BeNil(), "another client")
		Expect(b.visit(request("prompt", "consent")).ByID("consent")).NotTo(BeNil())

		w.code(b.Submit(b.visit(request("scope", "orders:read")), "allow"))
		w.code(b.visit(request("scope", "openid email orders:read")))
	})

	It("is not remembered for a client of the same name that was made anew", func() {
		w.code(b.Submit(b.visit(request()), "allow"))
		delete(w.Clients, confidential)
		w.Clients[confidential] = newClient(confidential, oauth.AuthMethodBasic, callback)
		w.Clients[confidential].UID = "made anew"
		Expect(b.visit(request()).ByID("consent")).NotTo(BeNil())
	})

	It("is not remembered in another session", func() {
		w.code(b.Submit(b.visit(request()), "allow"))
		a := b.Login(b.visit(request("prompt", "login")), "alice", "correct horse")
		Expect(a.ByID("consent")).NotTo(BeNil())
	})

	It("is never silent for a public client (RFC 6749 §10.2)", func() {
		ask := request("client_id", public, "redirect_uri", "http://127.0.0.1:8000/done")
		for range 2 {
			w.code(b.Submit(b.visit(ask), "allow"))
		}
		Expect(b.visit(ask).ByID("consent")).NotTo(BeNil())
		w.Change(public, func(c *registration.Client) { c.AuthMethod = oauth.AuthMethodBasic })
		ask.Set("redirect_uri", "http://127.0.0.1/done")
		Expect(b.visit(ask).ByID("consent")).NotTo(BeNil(), "nor what it was allowed while it was one")
	})

	It("is not silent any more for a client that has become a public one", func() {
		w.code(b.Submit(b.visit(request()), "allow"))
		w.Change(confidential, func(c *registration.Client) { c.AuthMethod = oauth.AuthMethodNone })
		Expect(b.visit(request()).ByID("consent")).NotTo(BeNil())
	})

	It("keeps the cookie small however many clients there are", func() {
		for i := range 40 {
			id := fmt.Sprintf("shop.client-%d", i)
			w.Clients[id] = newClient(id, oauth.AuthMethodBasic, callback)
			w.Clients[id].UID = fmt.Sprintf("7d444840-9dc0-11d1-b245-5ffdce74fa%02d", i)
			w.code(b.Submit(b.visit(request("client_id", id, "scope", "openid email orders:read")), "allow"))
			Expect(len(b.Cookie("oauth-session"))).To(BeNumerically("<", 3900))
		}
		w.code(b.visit(request("client_id", "shop.client-39")))
		Expect(b.visit(request("client_id", "shop.client-0")).ByID("consent")).NotTo(BeNil())
	})

	It("leaves out what would not fit into the cookie", func() {
		var huge oauth.Scope
		for i := range 60 {
			huge = append(huge, fmt.Sprintf("scope-%060d", i))
		}
		w.Clients[confidential].Scope = huge
		a := b.Submit(b.visit(request("scope", huge.String())), "allow")
		w.code(a)
		Expect(len(b.Cookie("oauth-session"))).To(BeNumerically("<", 3900))
		Expect(b.visit(request("scope", huge.String())).ByID("consent")).NotTo(BeNil())
	})

	// RFC 6749 §10.12: nothing is granted without the token.
	It("refuses a form that was not made for this browser, or is too old", func() {
		page := b.visit(request())
		_, own := page.Form("allow")
		_, login := b.visit(request("prompt", "login")).Form("submit")
		other := w.browser().signIn()
		_, foreign := other.visit(request()).Form("allow")
		post := func(v url.Values, headers ...string) answer {
			GinkgoHelper()
			return b.Do("POST", w.Settings.Issuer+"/consent", v.Encode(), headers...)
		}
		for name, v := range map[string]url.Values{
			"none":               {"decision": {"allow"}},
			"of another browser": foreign,
			"of another page":    {"decision": {"allow"}, "state": login["state"]},
		} {
			a := post(v)
			Expect(a.Status).To(Equal(http.StatusForbidden), name)
			Expect(a.ErrorCode()).To(Equal("csrf"), name)
			Expect(a.Location).To(BeEmpty(), name)
		}
		Expect(post(own, "Sec-Fetch-Site", "cross-site").ErrorCode()).To(Equal("csrf"))
		Expect(b.visit(request()).ByID("consent")).NotTo(BeNil(), "nothing was allowed")

		Expect(post(url.Values{"state": own["state"]}).ErrorCode()).To(Equal("invalid_request"), "no decision")
		w.Advance(time.Hour)
		Expect(post(own).ErrorCode()).To(Equal("expired"))
	})

	It("is asked anew for a client that was made anew between the question and the answer", func() {
		page := b.visit(request())
		w.Change(confidential, func(c *registration.Client) { c.UID = "made anew" })
		a := b.Submit(page, "allow")
		Expect(a.Location).To(BeEmpty())
		Expect(w.code(b.Submit(a, "allow")).ClientUID).To(Equal("made anew"))
	})

	It("is asked of whoever is logged in by then", func() {
		page := b.visit(request())
		b.Login(b.visit(request("prompt", "login")), "bob", "battery staple")
		a := b.Submit(page, "allow")
		Expect(a.Location).To(BeEmpty())
		Expect(a.Text("account")).To(Equal("bob"))
		Expect(w.code(b.Submit(a, "allow")).Subject).To(Equal(bob))
	})

	It("lets the person use another account", func() {
		w.code(b.Submit(b.visit(request()), "allow"))
		page := b.visit(request("prompt", "consent", "nonce", "same-request"))
		a := b.Submit(page, "another")
		Expect(a.ByID("login")).NotTo(BeNil())
		Expect(b.Cookie("oauth-session")).To(BeEmpty())
		a = b.Login(a, "bob", "battery staple")
		Expect(a.Text("account")).To(Equal("bob"))
		c := w.code(b.Submit(a, "allow"))
		Expect(c.Subject).To(Equal(bob))
		Expect(c.Nonce).To(Equal("same-request"))
	})
})
