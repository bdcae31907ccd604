package device_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

func isMeta(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == "meta" && attr(n, "http-equiv") == name }
}

var _ = Describe("The page for a device", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser()
	})

	It("RFC 8628 §3.3: asks for a login, then for the code, then for the consent, and sends back to the device", func() {
		a := w.begin(0, tv, "scope", "openid films")
		page := b.open("/device")
		Expect(text(page.doc)).To(ContainSubstring("to connect a device"))
		page = b.login(page, "alice", "correct horse")
		page = b.submit(page, "next", "user_code", strings.ToLower(a.text("user_code")))
		Expect(text(page.byID("user-code"))).To(Equal(a.text("user_code")))
		Expect(text(page.doc)).To(ContainSubstring("Allow The Cinema on your device to use your account?"))
		Expect(text(page.byID("warning"))).To(ContainSubstring("only if you started it yourself"))
		Expect(text(page.byID("client-id"))).To(Equal(tv))
		Expect(page.byID("lifetime")).NotTo(BeNil(), "RFC 6749 §10.2")
		Expect(text(page.byID("lifetime"))).To(Equal("Access lasts for 30 days at most."))
		Expect(text(page.byID("account"))).To(Equal("alice"))
		Expect(text(page.byID("scopes"))).To(And(ContainSubstring("Know who you are"), ContainSubstring("films that you have bought")))
		page = b.submit(page, "allow")
		Expect(page.status).To(Equal(http.StatusOK))
		Expect(text(page.byID("done"))).To(Equal("Your device is connected"))
		Expect(text(page.doc)).To(ContainSubstring("Go back to your device: The Cinema"))
	})

	It("RFC 8628 §3.3.1: the complete address fills the field, over the login too, and the person has to send it", func() {
		a := w.begin(0, tv)
		u, err := url.Parse(a.text("verification_uri_complete"))
		Expect(err).NotTo(HaveOccurred())
		page := b.login(b.open(u.RequestURI()), "alice", "correct horse")
		Expect(attr(page.byID("user_code"), "value")).To(Equal(a.text("user_code")))
		Expect(text(page.doc)).To(ContainSubstring("Is this the code that your device shows?"))
		Expect(page.byID("consent")).To(BeNil())
		page = b.submit(page, "next")
		Expect(page.byID("consent")).NotTo(BeNil())
	})

	It("always asks, also for a confidential client that was allowed the same before", func() {
		b.signIn("alice")
		for range 2 {
			a := w.begin(0, printer)
			page := b.enter(a.text("user_code"))
			Expect(page.byID("consent")).NotTo(BeNil())
			b.submit(page, "allow")
		}
	})

	It("lets the person use another account", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		page := b.submit(b.enter(a.text("user_code")), "another")
		Expect(b.cookie("oauth-session")).To(BeEmpty())
		page = b.submit(b.login(page, "bob", "battery staple"), "next")
		Expect(text(page.byID("account"))).To(Equal("bob"))
		b.submit(page, "allow")
		tokens := w.poll(0, tv, a.text("device_code"))
		Expect(tokens.status).To(Equal(http.StatusOK))
	})

	It("says that a text is no code, that no device waits, and when it is tired of waiting", func() {
		b.signIn("alice")
		page := b.enter("1234")
		Expect(page.status).To(Equal(http.StatusBadRequest))
		Expect(text(page.byID("message"))).To(ContainSubstring("eight letters"))
		Expect(attr(page.byID("user_code"), "value")).To(Equal("1234"))

		page = b.enter("BCDF-GHJK")
		Expect(page.byID("waiting")).NotTo(BeNil())
		again := attr(page.byID("again"), "href")
		w.wait(29 * time.Second)
		Expect(b.do(http.MethodGet, again, "").byID("waiting")).NotTo(BeNil())
		w.wait(time.Second)
		page = b.do(http.MethodGet, again, "")
		Expect(page.status).To(Equal(http.StatusNotFound))
		Expect(text(page.byID("message"))).To(ContainSubstring("No device is waiting with that code"))
		Expect(find(page.doc, isMeta("refresh"))).To(BeNil())
	})

	It("guessing user codes: a person is held back, whatever they guess, and no other; then has some more tries", func() {
		b.signIn("alice")
		other := w.browser()
		other.signIn("bob")
		a := w.begin(0, tv)
		tries := 0
		var page answer
		for page = b.enter("BCDF-GHJK"); page.status != http.StatusTooManyRequests; page = b.enter(fmt.Sprintf("BCDF-GH%c%c", "BCDFGHJKLM"[tries/10], "BCDFGHJKLM"[tries%10])) {
			tries++
			Expect(tries).To(BeNumerically("<", 50))
		}
		Expect(tries).To(Equal(10))
		Expect(page.header.Get("Retry-After")).To(Equal("60"))
		Expect(text(page.byID("message"))).To(ContainSubstring("too many tries"))
		writes := w.store.writes.Load()
		page = b.enter(a.text("user_code"))
		Expect(page.status).To(Equal(http.StatusTooManyRequests), "the right one is not told from the others")
		Expect(w.store.writes.Load()).To(Equal(writes))
		Expect(other.enter(a.text("user_code")).byID("consent")).NotTo(BeNil())
		w.wait(30 * time.Second)
		Expect(b.enter(a.text("user_code")).byID("consent")).NotTo(BeNil())
	})

	It("guessing user codes: an address is held back, whatever accounts it has", func() {
		refused := false
		for i := range 12 {
			name := fmt.Sprint("mallory-", i)
			w.people[name] = resourceowner.Person{Subject: name, Username: name, LoginTag: "m"}
			w.passwords[name] = "secret"
			m := w.browser()
			m.login(m.open("/device"), name, "secret")
			for range 9 {
				refused = m.enter("BCDF-GHJK").status == http.StatusTooManyRequests
			}
		}
		Expect(refused).To(BeTrue())
	})

	It("CSRF on every form: one that was made for another browser, another page, or nobody, does nothing", func() {
		victim, attacker := b, w.browser()
		victim.signIn("alice")
		attacker.signIn("bob")
		theirs := w.begin(0, tv)
		_, code := formOf(attacker.open("/device"), "next")
		code.Set("user_code", theirs.text("user_code"))
		_, consent := formOf(attacker.enter(theirs.text("user_code")), "allow")
		_, own := formOf(victim.open("/device"), "next")
		writes := w.store.writes.Load()
		for name, request := range map[string]struct {
			path    string
			fields  url.Values
			headers []string
		}{
			"the code, without state":             {"/device", url.Values{"user_code": {theirs.text("user_code")}}, nil},
			"the code, of another browser":        {"/device", code, nil},
			"the code, from another site":         {"/device", own, []string{"Sec-Fetch-Site", "cross-site"}},
			"the consent, without state":          {"/device/confirm", url.Values{"decision": {"allow"}}, nil},
			"the consent, of another browser":     {"/device/confirm", consent, nil},
			"the consent, with state for a code":  {"/device/confirm", url.Values{"decision": {"allow"}, "state": own["state"]}, nil},
			"the consent, in another media type":  {"/device/confirm", consent, []string{"Content-Type", "text/plain"}},
			"the code, with state of the consent": {"/device", url.Values{"user_code": {theirs.text("user_code")}, "state": consent["state"]}, nil},
		} {
			page := victim.do(http.MethodPost, w.settings.Issuer+request.path, request.fields.Encode(), request.headers...)
			Expect(page.status).To(Equal(http.StatusForbidden), name)
			Expect(page.errorCode()).To(Equal("csrf"), name)
		}
		Expect(w.store.writes.Load()).To(Equal(writes))
		told(w.poll(0, tv, theirs.text("device_code")), "authorization_pending")
	})

	It("CSRF by a link: no address of the page does anything by itself, and another browser's leads nowhere", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		attacker := w.browser()
		attacker.signIn("bob")
		w.at.Store(1)
		waiting := attr(attacker.enter(a.text("user_code")).byID("again"), "href")
		page := b.do(http.MethodGet, waiting, "")
		Expect(page.errorCode()).To(Equal("csrf"))
		writes := w.store.writes.Load()
		b.open("/device?user_code=" + a.text("user_code"))
		b.open("/device/confirm")
		b.open("/device/done")
		Expect(w.store.writes.Load()).To(Equal(writes))
	})

	It("open redirect: a login leads to a page of the issuer, whatever the request says", func() {
		for _, query := range []string{"", "?user_code=//evil.example", "?user_code=BCDF-GHJK&next=https://evil.example&state=", "?path=https://evil.example"} {
			fresh := w.browser()
			page := fresh.login(fresh.open("/device"+query), "alice", "correct horse")
			Expect(page.byID("user_code")).NotTo(BeNil(), query)
		}
	})

	It("XSS through user_code and client name: none is more than text", func() {
		const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
		inert := func(a answer) {
			GinkgoHelper()
			Expect(all(a.doc, func(n *html.Node) bool { return n.Data == "script" || n.Data == "img" })).To(BeEmpty(), a.body)
			Expect(a.header.Get("Content-Security-Policy")).To(And(HavePrefix("default-src 'none'; "), ContainSubstring("form-action 'self'"),
				ContainSubstring("frame-ancestors 'none'"), Not(ContainSubstring("unsafe")), Not(ContainSubstring("script-src"))))
			Expect(a.header.Get("X-Frame-Options")).To(Equal("DENY"))
			Expect(a.header.Get("Cache-Control")).To(Equal("no-store"))
			Expect(a.header.Get("Referrer-Policy")).To(Equal("no-referrer"))
		}
		inert(b.open("/device?user_code=" + url.QueryEscape(evil)))
		b.signIn("alice")
		inert(b.open("/device?user_code=" + url.QueryEscape(evil)))
		inert(b.enter(evil))
		w.change(tv, func(c *registration.Client) {
			c.Name = evil
			c.OpenID = registration.OpenID{ClientURI: "https://cinema.example/" + evil, PolicyURI: "javascript:alert(1)"}
		})
		a := w.begin(0, tv)
		page := b.enter(a.text("user_code"))
		inert(page)
		Expect(all(page.doc, func(n *html.Node) bool { return n.Data == "a" })).To(HaveLen(1))
		inert(b.submit(page, "allow"))
		inert(b.enter("BCDF-GHJK"))
	})

	It("expired at each step: while it is entered, while it is read, and while it is answered", func() {
		b.signIn("alice")
		entered, read := w.begin(0, tv), w.begin(0, tv)
		page := b.enter(read.text("user_code"))
		w.wait(10 * time.Minute)
		Expect(b.enter(entered.text("user_code")).byID("waiting")).NotTo(BeNil(), "as one that never was")
		Expect(b.do(http.MethodGet, page.address, "").errorCode()).To(Equal("device_code_expired"), "looked at once more")
		late := b.submit(page, "allow")
		Expect(late.status).To(Equal(http.StatusGone))
		Expect(late.errorCode()).To(Equal("device_code_expired"))
		told(w.poll(0, tv, read.text("device_code")), "expired_token")

		a := w.begin(0, tv)
		asked := b.enter(a.text("user_code"))
		w.wait(time.Hour)
		Expect(b.submit(asked, "deny").errorCode()).To(Equal("expired"))
	})

	It("takes the first answer, and says so to who comes second", func() {
		b.signIn("alice")
		other := w.browser()
		other.signIn("bob")
		a := w.begin(0, tv)
		first, second := b.enter(a.text("user_code")), other.enter(a.text("user_code"))
		b.submit(first, "deny")
		late := other.submit(second, "allow")
		Expect(late.status).To(Equal(http.StatusConflict))
		Expect(late.errorCode()).To(Equal("device_code_used"))
		Expect(b.submit(first, "allow").errorCode()).To(Equal("device_code_used"))
		told(w.poll(0, tv, a.text("device_code")), "access_denied")

		a = w.begin(0, tv)
		first, second = b.enter(a.text("user_code")), other.enter(a.text("user_code"))
		b.submit(first, "allow")
		other.submit(second, "allow")
		tokens := w.poll(0, tv, a.text("device_code"))
		other.submit(other.open("/logout"), "leave")
		again := w.send(0, "/token", tv, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text("refresh_token")}})
		Expect(again.status).To(Equal(http.StatusOK), "who came second ends nothing by a logout")
	})

	It("asks whoever is logged in by then", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		asked, form := b.enter(a.text("user_code")), b.open("/device")
		waiting := attr(b.enter("BCDF-GHJK").byID("again"), "href")
		b.submit(b.open("/logout"), "leave")
		b.signIn("bob")
		Expect(attr(b.do(http.MethodGet, waiting, "").byID("user_code"), "value")).To(Equal("BCDF-GHJK"), "alice was looking for it")
		page := b.submit(asked, "allow")
		Expect(attr(page.byID("user_code"), "value")).To(Equal(a.text("user_code")))
		page = b.submit(form, "next", "user_code", a.text("user_code"))
		Expect(page.byID("user_code")).NotTo(BeNil(), "the form was alice's")
		Expect(text(b.submit(page, "next").byID("account"))).To(Equal("bob"))
	})

	It("goes on with the code after a session has ended", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		asked := b.enter(a.text("user_code"))
		w.people[alice] = resourceowner.Person{Subject: alice, Username: "alice", LoginTag: "a2"} // another password
		page := b.submit(asked, "allow")
		Expect(page.byID("login")).NotTo(BeNil())
		told(w.poll(0, tv, a.text("device_code")), "authorization_pending")
		page = b.login(page, "alice", "correct horse")
		Expect(attr(page.byID("user_code"), "value")).To(Equal(a.text("user_code")))
	})

	It("Registration §2: default_max_age counts for a device too: an older login is not good enough, one since the device asked is", func() {
		b.signIn("alice")
		for _, age := range []time.Duration{0, time.Minute} {
			w.change(tv, func(c *registration.Client) { c.OpenID.HasDefaultMaxAge, c.OpenID.DefaultMaxAge = true, age })
			w.wait(2 * time.Minute)
			a := w.begin(0, tv)
			w.wait(time.Second)
			page := b.enter(a.text("user_code"))
			Expect(page.byID("login")).NotTo(BeNil(), "%s: %s", age, page.body)
			Expect(attr(page.byID("username"), "value")).To(Equal("alice"))
			page = b.submit(b.login(page, "alice", "correct horse"), "next")
			Expect(page.byID("consent")).NotTo(BeNil(), "%s: not round in circles: %s", age, page.body)
			w.wait(2 * time.Minute) // of reading
			b.submit(page, "allow")
			Expect(w.poll(0, tv, a.text("device_code")).status).To(Equal(http.StatusOK), age)
		}
	})

	It("Registration §2: a login that is young enough is not asked for again, and one that is not allows nothing", func() {
		b.signIn("alice")
		w.change(tv, func(c *registration.Client) { c.OpenID.HasDefaultMaxAge, c.OpenID.DefaultMaxAge = true, time.Minute })
		w.wait(time.Minute)
		page := b.enter(w.begin(0, tv).text("user_code"))
		Expect(page.byID("consent")).NotTo(BeNil())
		a := w.begin(0, tv)
		page = b.enter(a.text("user_code"))
		w.change(tv, func(c *registration.Client) { c.OpenID.DefaultMaxAge = time.Second })
		Expect(b.submit(page, "allow").byID("login")).NotTo(BeNil(), "the registration is asked once more")
		told(w.poll(0, tv, a.text("device_code")), "authorization_pending")
		b.submit(page, "deny")
		w.wait(5 * time.Second)
		told(w.poll(0, tv, a.text("device_code")), "access_denied")
	})

	It("asks anew where the client may no longer have what was asked for, and refuses one that is gone or another", func() {
		b.signIn("alice")
		a := w.begin(0, tv, "scope", "openid films")
		page := b.enter(a.text("user_code"))
		w.change(tv, func(c *registration.Client) { c.Scope = oauth.Scope{"openid"} })
		page = b.submit(page, "allow")
		Expect(text(page.byID("scopes"))).NotTo(ContainSubstring("films"))
		for name, spoil := range map[string]func(){
			"made anew":                func() { w.change(tv, func(c *registration.Client) { c.UID = "made anew" }) },
			"not for devices any more": func() { w.change(tv, func(c *registration.Client) { c.GrantTypes = nil }) },
			"not allowed any more":     func() { w.clients[tv] = nil },
			"deleted":                  func() { delete(w.clients, tv) },
		} {
			old := w.clients[tv]
			spoil()
			late := b.submit(page, "allow")
			Expect(late.errorCode()).To(Equal("refused_client"), name)
			w.clients[tv] = old
		}
		told(w.poll(0, tv, a.text("device_code")), "authorization_pending")
	})

	It("says what went wrong: an unknown decision, a method, a store, a directory", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		page := b.enter(a.text("user_code"))
		form, fields := formOf(page, "allow")
		fields.Set("decision", "maybe")
		Expect(b.do(http.MethodPost, attr(form, "action"), fields.Encode()).errorCode()).To(Equal("invalid_request"))
		for _, path := range []string{"/device", "/device/confirm", "/device/done"} {
			refused := b.do(http.MethodPut, w.settings.Issuer+path, "")
			Expect(refused.status).To(Equal(http.StatusMethodNotAllowed))
			Expect(refused.errorCode()).To(Equal("method_not_allowed"))
			Expect(refused.header.Get("Allow")).To(HavePrefix("GET"))
		}
		w.store.before = func(string) error { return errBroken }
		Expect(b.submit(page, "allow").errorCode()).To(Equal("server_error"))
		w.store.before = nil
		w.fault = errBroken
		for _, broken := range []answer{b.open("/device"), b.submit(page, "allow")} {
			Expect(broken.errorCode()).To(Equal("server_error"))
			Expect(broken.body).NotTo(ContainSubstring(errBroken.Error()))
		}
	})

	It("is at home below the path of its issuer", func() {
		w = newWorld("/tenant")
		b = w.browser()
		b.signIn("alice")
		a := w.begin(0, tv)
		Expect(a.text("verification_uri")).To(HaveSuffix("/tenant/device"))
		b.submit(b.enter(a.text("user_code")), "allow")
		Expect(w.poll(1, tv, a.text("device_code")).status).To(Equal(http.StatusOK))
	})
})

var errBroken = errors.New("the reason for the log alone")
