package authorization_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// OpenID Connect Core §3.1.2.1, §3.1.2.3 and §3.1.2.6.
var _ = Describe("prompt and max_age", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser()
	})
	allowed := func() {
		GinkgoHelper()
		w.code(b.Submit(b.signIn().visit(request("scope", "openid email")), "allow"))
	}

	It("prompt=none never shows a page", func() {
		a := b.visit(request("prompt", "none"))
		Expect(a.Status).To(Equal(303))
		Expect(a.Query.Get("error")).To(Equal("login_required"))
		Expect(a.Query.Get("state")).To(Equal("xyz"))
		Expect(a.Query.Get("iss")).To(Equal(w.Settings.Issuer))
		Expect(b.Cookie("oauth-browser")).To(BeEmpty(), "and leaves nothing behind")

		Expect(b.visit(request("prompt", "none", "scope", "nope")).Query.Get("error")).To(Equal("invalid_scope"))
		Expect(b.visit(request("prompt", "none", "redirect_uri", "https://evil.example")).ErrorCode()).To(Equal("invalid_redirect_uri"))

		b.signIn()
		Expect(b.visit(request("prompt", "none")).Query.Get("error")).To(Equal("consent_required"))
		w.code(b.Submit(b.visit(request()), "allow"))
		w.code(b.visit(request("prompt", "none")))

		w.Advance(11 * time.Second)
		Expect(b.visit(request("prompt", "none", "max_age", "10")).Query.Get("error")).To(Equal("login_required"))
	})

	It("prompt=none with anything else is invalid, and still shows no page", func() {
		for _, prompt := range []string{"none login", "consent none", "none none"} {
			Expect(b.visit(request("prompt", prompt)).Query.Get("error")).To(Equal("invalid_request"))
		}
	})

	It("prompt=none never approves a public client", func() {
		b.signIn()
		ask := request("client_id", public, "redirect_uri", "http://127.0.0.1:1/done")
		w.code(b.Submit(b.visit(ask), "allow"))
		ask.Set("prompt", "none")
		Expect(b.visit(ask).Query.Get("error")).To(Equal("consent_required"))
	})

	It("prompt=login asks for the password again, every time", func() {
		allowed()
		for range 2 {
			page := b.visit(request("prompt", "login"))
			Expect(page.ByID("login")).NotTo(BeNil())
			w.Advance(time.Minute)
			c := w.code(b.Submit(b.Login(page, "alice", "correct horse"), "allow"))
			Expect(c.AuthTime).To(Equal(w.Now().Unix()))
		}
	})

	It("prompt=login is not satisfied by a login for another request", func() {
		page := b.visit(request("prompt", "login"))
		w.code(b.Submit(b.Login(page, "alice", "correct horse"), "allow"))
		Expect(b.visit(request("prompt", "login")).ByID("login")).NotTo(BeNil(), "in the same second")
	})

	It("max_age asks for the password when the login is too old, and 0 always", func() {
		allowed()
		w.Advance(10 * time.Second)
		w.code(b.visit(request("max_age", "10")))
		w.Advance(time.Second)
		for _, age := range []string{"10", "0"} {
			page := b.visit(request("max_age", age))
			Expect(page.ByID("login")).NotTo(BeNil(), age)
			w.code(b.Submit(b.Login(page, "alice", "correct horse"), "allow"))
		}
		Expect(b.visit(request("max_age", "0")).ByID("login")).NotTo(BeNil(), "in the same second")
		w.code(b.visit(request("max_age", "2147483647")))
	})

	It("max_age does not run while the person reads the consent page", func() {
		b.signIn()
		page := b.visit(request("max_age", "10"))
		w.Advance(time.Minute)
		w.code(b.Submit(page, "allow"))
	})

	It("prompt=select_account shows the account and offers another", func() {
		allowed()
		a := b.visit(request("prompt", "select_account"))
		Expect(a.Text("account")).To(Equal("alice"))
		Expect(a.ByID("another")).NotTo(BeNil())
	})

	It("prompt=login consent asks for both", func() {
		allowed()
		a := b.visit(request("prompt", "login consent"))
		a = b.Login(a, "alice", "correct horse")
		w.code(b.Submit(a, "allow"))
	})

	It("offline_access is ignored unless prompt has consent (OpenID Connect Core §11)", func() {
		w.Change(confidential, func(c *registration.Client) { c.Scope = append(c.Scope[:len(c.Scope):len(c.Scope)], "offline_access") })
		b.signIn()
		Expect(w.code(b.Submit(b.visit(request("scope", "openid offline_access")), "allow")).Scope).To(Equal(oauth.Scope{"openid"}))
		Expect(w.code(b.Submit(b.visit(request("scope", "openid offline_access", "prompt", "consent")), "allow")).Scope).To(Equal(oauth.Scope{"openid", "offline_access"}))
		Expect(w.code(b.visit(request("scope", "openid offline_access"))).Scope).To(Equal(oauth.Scope{"openid"}), "also after that")
	})

	It("prompt values that are not known are ignored, and each that is known counts", func() {
		allowed()
		w.code(b.visit(request("prompt", "create")))
		Expect(b.visit(request("prompt", "create login")).ByID("login")).NotTo(BeNil())
		page := b.visit(request("prompt", "login select_account consent"))
		w.code(b.Submit(b.Login(page, "alice", "correct horse"), "allow"))
	})

	It("prompt=login is not satisfied by the session that there was, nor by a login in another tab", func() {
		allowed()
		page := b.visit(request("prompt", "login", "state", "one"))
		b.Login(b.visit(request("prompt", "login", "state", "two")), "alice", "correct horse")
		Expect(b.visit(request("prompt", "login", "state", "one")).ByID("login")).NotTo(BeNil(), "the other tab's login was for another request")
		w.code(b.Submit(b.Login(page, "alice", "correct horse"), "allow"))
	})

	It("a fresh login that gets lost on the way is asked for again", func() {
		page := b.Login(b.visit(request("prompt", "login")), "alice", "correct horse")
		b.Login(b.visit(request("prompt", "login")), "alice", "correct horse")
		Expect(b.Submit(page, "allow").ByID("login")).NotTo(BeNil())
	})
})
