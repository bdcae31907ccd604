package device_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"

	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

func isMeta(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == "meta" && worldtest.Attr(n, "http-equiv") == name }
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
		page := b.Open("/device")
		Expect(worldtest.Text(page.Doc)).To(ContainSubstring("to connect a device"))
		page = b.Login(page, "alice", "correct horse")
		page = b.Submit(page, "next", "user_code", strings.ToLower(a.Text("user_code")))
		Expect(page.Text("user-code")).To(Equal(a.Text("user_code")))
		Expect(worldtest.Text(page.Doc)).To(ContainSubstring("Allow The Cinema on your device to use your account?"))
		Expect(page.Text("warning")).To(ContainSubstring("only if you started it yourself"))
		Expect(page.Text("client-id")).To(Equal(tv))
		Expect(page.ByID("lifetime")).NotTo(BeNil(), "RFC 6749 §10.2")
		Expect(page.Text("lifetime")).To(Equal("Access lasts for 30 days at most."))
		Expect(page.Text("account")).To(Equal("alice"))
		Expect(page.Text("scopes")).To(And(ContainSubstring("Know who you are"), ContainSubstring("films that you have bought")))
		page = b.Submit(page, "allow")
		Expect(page.Status).To(Equal(http.StatusOK))
		Expect(page.Text("done")).To(Equal("Your device is connected"))
		Expect(worldtest.Text(page.Doc)).To(ContainSubstring("Go back to your device: The Cinema"))
	})

	It("RFC 8628 §3.3.1: the complete address fills the field, over the login too, and the person has to send it", func() {
		a := w.begin(0, tv)
		u, err := url.Parse(a.Text("verification_uri_complete"))
		Expect(err).NotTo(HaveOccurred())
		page := b.Login(b.Open(u.RequestURI()), "alice", "correct horse")
		Expect(page.Attr("user_code", "value")).To(Equal(a.Text("user_code")))
		Expect(worldtest.Text(page.Doc)).To(ContainSubstring("Is this the code that your device shows?"))
		Expect(page.ByID("consent")).To(BeNil())
		page = b.Submit(page, "next")
		Expect(page.ByID("consent")).NotTo(BeNil())
	})

	It("always asks, also for a confidential client that was allowed the same before", func() {
		b.signIn("alice")
		for range 2 {
			a := w.begin(0, printer)
			page := b.enter(a.Text("user_code"))
			Expect(page.ByID("consent")).NotTo(BeNil())
			b.Submit(page, "allow")
		}
	})

	It("lets the person use another account", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		page := b.Submit(b.enter(a.Text("user_code")), "another")
		Expect(b.Cookie("oauth-session")).To(BeEmpty())
		page = b.Submit(b.Login(page, "bob", "battery staple"), "next")
		Expect(page.Text("account")).To(Equal("bob"))
		b.Submit(page, "allow")
		tokens := w.poll(0, tv, a.Text("device_code"))
		Expect(tokens.Status).To(Equal(http.StatusOK))
	})

	It("says that a text is no code, that no device waits, and when it is tired of waiting", func() {
		b.signIn("alice")
		page := b.enter("1234")
		Expect(page.Status).To(Equal(http.StatusBadRequest))
		Expect(page.Text("message")).To(ContainSubstring("eight letters"))
		Expect(page.Attr("user_code", "value")).To(Equal("1234"))

		page = b.enter("BCDF-GHJK")
		Expect(page.ByID("waiting")).NotTo(BeNil())
		again := page.Attr("again", "href")
		w.Advance(29 * time.Second)
		Expect(b.Do(http.MethodGet, again, "").ByID("waiting")).NotTo(BeNil())
		w.Advance(time.Second)
		page = b.Do(http.MethodGet, again, "")
		Expect(page.Status).To(Equal(http.StatusNotFound))
		Expect(page.Text("message")).To(ContainSubstring("No device is waiting with that code"))
		Expect(worldtest.Find(page.Doc, isMeta("refresh"))).To(BeNil())
	})

	It("guessing user codes: a person is held back, whatever they guess, and no other; then has some more tries", func() {
		b.signIn("alice")
		other := w.browser()
		other.signIn("bob")
		a := w.begin(0, tv)
		tries := 0
		var page answer
		for page = b.enter("BCDF-GHJK"); page.Status != http.StatusTooManyRequests; page = b.enter(fmt.Sprintf("BCDF-GH%c%c", "BCDFGHJKLM"[tries/10], "BCDFGHJKLM"[tries%10])) {
			tries++
			Expect(tries).To(BeNumerically("<", 50))
		}
		Expect(tries).To(Equal(10))
		Expect(page.Header.Get("Retry-After")).To(Equal("60"))
		Expect(page.Text("message")).To(ContainSubstring("too many tries"))
		writes := w.Grants.Writes.Load()
		page = b.enter(a.Text("user_code"))
		Expect(page.Status).To(Equal(http.StatusTooManyRequests), "the right one is not told from the others")
		Expect(w.Grants.Writes.Load()).To(Equal(writes))
		Expect(other.enter(a.Text("user_code")).ByID("consent")).NotTo(BeNil())
		w.Advance(30 * time.Second)
		Expect(b.enter(a.Text("user_code")).ByID("consent")).NotTo(BeNil())
	})

	It("guessing user codes: an address is held back, whatever accounts it has", func() {
		refused := false
		for i := range 12 {
			name := fmt.Sprint("mallory-", i)
			w.People[name] = &resourceowner.Person{Subject: name, Username: name, LoginTag: "m"}
			w.Passwords[name] = "secret"
			m := w.browser()
			m.Login(m.Open("/device"), name, "secret")
			for range 9 {
				refused = m.enter("BCDF-GHJK").Status == http.StatusTooManyRequests
			}
		}
		Expect(refused).To(BeTrue())
	})

	It("CSRF on every form: one that was made for another browser, another page, or nobody, does nothing", func() {
		victim, attacker := b, w.browser()
		victim.signIn("alice")
		attacker.signIn("bob")
		theirs := w.begin(0, tv)
		_, code := attacker.Open("/device").Form("next")
		code.Set("user_code", theirs.Text("user_code"))
		_, consent := attacker.enter(theirs.Text("user_code")).Form("allow")
		_, own := victim.Open("/device").Form("next")
		writes := w.Grants.Writes.Load()
		for name, request := range map[string]struct {
			path    string
			fields  url.Values
			headers []string
		}{
			"the code, without state":             {"/device", url.Values{"user_code": {theirs.Text("user_code")}}, nil},
			"the code, of another browser":        {"/device", code, nil},
			"the code, from another site":         {"/device", own, []string{"Sec-Fetch-Site", "cross-site"}},
			"the consent, without state":          {"/device/confirm", url.Values{"decision": {"allow"}}, nil},
			"the consent, of another browser":     {"/device/confirm", consent, nil},
			"the consent, with state for a code":  {"/device/confirm", url.Values{"decision": {"allow"}, "state": own["state"]}, nil},
			"the consent, in another media type":  {"/device/confirm", consent, []string{"Content-Type", "text/plain"}},
			"the code, with state of the consent": {"/device", url.Values{"user_code": {theirs.Text("user_code")}, "state": consent["state"]}, nil},
		} {
			page := victim.Do(http.MethodPost, w.Settings.Issuer+request.path, request.fields.Encode(), request.headers...)
			Expect(page.Status).To(Equal(http.StatusForbidden), name)
			Expect(page.ErrorCode()).To(Equal("csrf"), name)
		}
		Expect(w.Grants.Writes.Load()).To(Equal(writes))
		told(w.poll(0, tv, theirs.Text("device_code")), "authorization_pending")
	})

	It("CSRF by a link: no address of the page does anything by itself, and another browser's leads nowhere", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		attacker := w.browser()
		attacker.signIn("bob")
		w.at.Store(1)
		waiting := attacker.enter(a.Text("user_code")).Attr("again", "href")
		page := b.Do(http.MethodGet, waiting, "")
		Expect(page.ErrorCode()).To(Equal("csrf"))
		writes := w.Grants.Writes.Load()
		b.Open("/device?user_code=" + a.Text("user_code"))
		b.Open("/device/confirm")
		b.Open("/device/done")
		Expect(w.Grants.Writes.Load()).To(Equal(writes))
	})

	It("open redirect: a login leads to a page of the issuer, whatever the request says", func() {
		for _, query := range []string{"", "?user_code=//evil.example", "?user_code=BCDF-GHJK&next=https://evil.example&state=", "?path=https://evil.example"} {
			fresh := w.browser()
			page := fresh.Login(fresh.Open("/device"+query), "alice", "correct horse")
			Expect(page.ByID("user_code")).NotTo(BeNil(), query)
		}
	})

	It("XSS through user_code and client name: none is more than text", func() {
		const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
		inert := func(a answer) {
			GinkgoHelper()
			Expect(worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "script" || n.Data == "img" })).To(BeEmpty(), a.Body)
			Expect(a.Header.Get("Content-Security-Policy")).To(And(HavePrefix("default-src 'none'; "), ContainSubstring("form-action 'self'"),
				ContainSubstring("frame-ancestors 'none'"), Not(ContainSubstring("unsafe")), Not(ContainSubstring("script-src"))))
			Expect(a.Header.Get("X-Frame-Options")).To(Equal("DENY"))
			Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
			Expect(a.Header.Get("Referrer-Policy")).To(Equal("no-referrer"))
		}
		inert(b.Open("/device?user_code=" + url.QueryEscape(evil)))
		b.signIn("alice")
		inert(b.Open("/device?user_code=" + url.QueryEscape(evil)))
		inert(b.enter(evil))
		w.Change(tv, func(c *registration.Client) {
			c.Name = evil
			c.OpenID = registration.OpenID{ClientURI: "https://cinema.example/" + evil, PolicyURI: "javascript:alert(1)"}
		})
		a := w.begin(0, tv)
		page := b.enter(a.Text("user_code"))
		inert(page)
		Expect(worldtest.All(page.Doc, func(n *html.Node) bool { return n.Data == "a" })).To(HaveLen(1))
		inert(b.Submit(page, "allow"))
		inert(b.enter("BCDF-GHJK"))
	})

	It("expired at each step: while it is entered, while it is read, and while it is answered", func() {
		b.signIn("alice")
		entered, read := w.begin(0, tv), w.begin(0, tv)
		page := b.enter(read.Text("user_code"))
		w.Advance(10 * time.Minute)
		Expect(b.enter(entered.Text("user_code")).ByID("waiting")).NotTo(BeNil(), "as one that never was")
		Expect(b.Do(http.MethodGet, page.Address, "").ErrorCode()).To(Equal("device_code_expired"), "looked at once more")
		late := b.Submit(page, "allow")
		Expect(late.Status).To(Equal(http.StatusGone))
		Expect(late.ErrorCode()).To(Equal("device_code_expired"))
		told(w.poll(0, tv, read.Text("device_code")), "expired_token")

		a := w.begin(0, tv)
		asked := b.enter(a.Text("user_code"))
		w.Advance(time.Hour)
		Expect(b.Submit(asked, "deny").ErrorCode()).To(Equal("expired"))
	})

	It("takes the first answer, and says so to who comes second", func() {
		b.signIn("alice")
		other := w.browser()
		other.signIn("bob")
		a := w.begin(0, tv)
		first, second := b.enter(a.Text("user_code")), other.enter(a.Text("user_code"))
		b.Submit(first, "deny")
		late := other.Submit(second, "allow")
		Expect(late.Status).To(Equal(http.StatusConflict))
		Expect(late.ErrorCode()).To(Equal("device_code_used"))
		Expect(b.Submit(first, "allow").ErrorCode()).To(Equal("device_code_used"))
		told(w.poll(0, tv, a.Text("device_code")), "access_denied")

		a = w.begin(0, tv)
		first, second = b.enter(a.Text("user_code")), other.enter(a.Text("user_code"))
		b.Submit(first, "allow")
		other.Submit(second, "allow")
		tokens := w.poll(0, tv, a.Text("device_code"))
		other.Submit(other.Open("/logout"), "leave")
		again := w.send(0, "/token", tv, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.Text("refresh_token")}})
		Expect(again.Status).To(Equal(http.StatusOK), "who came second ends nothing by a logout")
	})

	It("asks whoever is logged in by then", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		asked, form := b.enter(a.Text("user_code")), b.Open("/device")
		waiting := b.enter("BCDF-GHJK").Attr("again", "href")
		b.Submit(b.Open("/logout"), "leave")
		b.signIn("bob")
		Expect(b.Do(http.MethodGet, waiting, "").Attr("user_code", "value")).To(Equal("BCDF-GHJK"), "alice was looking for it")
		page := b.Submit(asked, "allow")
		Expect(page.Attr("user_code", "value")).To(Equal(a.Text("user_code")))
		page = b.Submit(form, "next", "user_code", a.Text("user_code"))
		Expect(page.ByID("user_code")).NotTo(BeNil(), "the form was alice's")
		Expect(b.Submit(page, "next").Text("account")).To(Equal("bob"))
	})

	It("goes on with the code after a session has ended", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		asked := b.enter(a.Text("user_code"))
		w.People[alice] = &resourceowner.Person{Subject: alice, Username: "alice", LoginTag: "a2"} // another password
		page := b.Submit(asked, "allow")
		Expect(page.ByID("login")).NotTo(BeNil())
		told(w.poll(0, tv, a.Text("device_code")), "authorization_pending")
		page = b.Login(page, "alice", "correct horse")
		Expect(page.Attr("user_code", "value")).To(Equal(a.Text("user_code")))
	})

	It("Registration §2: default_max_age counts for a device too: an older login is not good enough, one since the device asked is", func() {
		b.signIn("alice")
		for _, age := range []time.Duration{0, time.Minute} {
			w.Change(tv, func(c *registration.Client) { c.OpenID.HasDefaultMaxAge, c.OpenID.DefaultMaxAge = true, age })
			w.Advance(2 * time.Minute)
			a := w.begin(0, tv)
			w.Advance(time.Second)
			page := b.enter(a.Text("user_code"))
			Expect(page.ByID("login")).NotTo(BeNil(), "%s: %s", age, page.Body)
			Expect(page.Attr("username", "value")).To(Equal("alice"))
			page = b.Submit(b.Login(page, "alice", "correct horse"), "next")
			Expect(page.ByID("consent")).NotTo(BeNil(), "%s: not round in circles: %s", age, page.Body)
			w.Advance(2 * time.Minute) // of reading
			b.Submit(page, "allow")
			Expect(w.poll(0, tv, a.Text("device_code")).Status).To(Equal(http.StatusOK), age)
		}
	})

	It("Registration §2: a login that is young enough is not asked for again, and one that is not allows nothing", func() {
		b.signIn("alice")
		w.Change(tv, func(c *registration.Client) { c.OpenID.HasDefaultMaxAge, c.OpenID.DefaultMaxAge = true, time.Minute })
		w.Advance(time.Minute)
		page := b.enter(w.begin(0, tv).Text("user_code"))
		Expect(page.ByID("consent")).NotTo(BeNil())
		a := w.begin(0, tv)
		page = b.enter(a.Text("user_code"))
		w.Change(tv, func(c *registration.Client) { c.OpenID.DefaultMaxAge = time.Second })
		Expect(b.Submit(page, "allow").ByID("login")).NotTo(BeNil(), "the registration is asked once more")
		told(w.poll(0, tv, a.Text("device_code")), "authorization_pending")
		b.Submit(page, "deny")
		w.Advance(5 * time.Second)
		told(w.poll(0, tv, a.Text("device_code")), "access_denied")
	})

	It("asks anew where the client may no longer have what was asked for, and refuses one that is gone or another", func() {
		b.signIn("alice")
		a := w.begin(0, tv, "scope", "openid films")
		page := b.enter(a.Text("user_code"))
		w.Change(tv, func(c *registration.Client) { c.Scope = oauth.Scope{"openid"} })
		page = b.Submit(page, "allow")
		Expect(page.Text("scopes")).NotTo(ContainSubstring("films"))
		for name, spoil := range map[string]func(){
			"made anew":                func() { w.Change(tv, func(c *registration.Client) { c.UID = "made anew" }) },
			"not for devices any more": func() { w.Change(tv, func(c *registration.Client) { c.GrantTypes = nil }) },
			"not allowed any more":     func() { w.Clients[tv] = nil },
			"deleted":                  func() { delete(w.Clients, tv) },
		} {
			old := w.Clients[tv]
			spoil()
			late := b.Submit(page, "allow")
			Expect(late.ErrorCode()).To(Equal("refused_client"), name)
			w.Clients[tv] = old
		}
		told(w.poll(0, tv, a.Text("device_code")), "authorization_pending")
	})

	It("says what went wrong: an unknown decision, a method, a store, a directory", func() {
		b.signIn("alice")
		a := w.begin(0, tv)
		page := b.enter(a.Text("user_code"))
		form, fields := page.Form("allow")
		fields.Set("decision", "maybe")
		Expect(b.Do(http.MethodPost, worldtest.Attr(form, "action"), fields.Encode()).ErrorCode()).To(Equal("invalid_request"))
		for _, path := range []string{"/device", "/device/confirm", "/device/done"} {
			refused := b.Do(http.MethodPut, w.Settings.Issuer+path, "")
			Expect(refused.Status).To(Equal(http.StatusMethodNotAllowed))
			Expect(refused.ErrorCode()).To(Equal("method_not_allowed"))
			Expect(refused.Header.Get("Allow")).To(HavePrefix("GET"))
		}
		w.Grants.Before = worldtest.Away
		Expect(b.Submit(page, "allow").ErrorCode()).To(Equal("server_error"))
		w.Grants.Before = nil
		w.Registry.Fault, w.Directory.Fault = worldtest.Away, worldtest.Away
		for _, broken := range []answer{b.Open("/device"), b.Submit(page, "allow")} {
			Expect(broken.ErrorCode()).To(Equal("server_error"))
			Expect(broken.Body).NotTo(ContainSubstring(worldtest.ErrAway.Error()))
		}
	})

	It("is at home below the path of its issuer", func() {
		w = newWorld("/tenant")
		b = w.browser()
		b.signIn("alice")
		a := w.begin(0, tv)
		Expect(a.Text("verification_uri")).To(HaveSuffix("/tenant/device"))
		b.Submit(b.enter(a.Text("user_code")), "allow")
		Expect(w.poll(1, tv, a.Text("device_code")).Status).To(Equal(http.StatusOK))
	})
})
