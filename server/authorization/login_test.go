package authorization_test

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/resourceowner"
)

var _ = Describe("The login", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser()
	})

	It("comes before anything is granted (RFC 6749 §3.1), and takes the person back with 303", func() {
		page := b.visit(request())
		Expect(page.Status).To(Equal(http.StatusOK))
		Expect(worldtest.Text(page.Doc)).To(ContainSubstring("to continue to The Shop"))
		a := b.alone().Login(page, "alice", "correct horse")
		Expect(a.Status).To(Equal(http.StatusSeeOther))
		Expect(a.Location).To(HavePrefix(w.Settings.Issuer + "/continue?state="))
		Expect(a.Location).NotTo(ContainSubstring(url.QueryEscape(callback)))
		Expect(b.Do("GET", a.Location, "").ByID("consent")).NotTo(BeNil())
		Expect(b.Do("GET", a.Location, "").ByID("consent")).NotTo(BeNil(), "a reload works")
	})

	It("says the same whatever was wrong, keeps the username and never the password", func() {
		page := b.visit(request())
		var bodies []string
		for _, try := range [][2]string{{"alice", "wrong pass"}, {"nobody", "wrong pass"}} {
			a := b.Login(page, try[0], try[1])
			Expect(a.Status).To(Equal(http.StatusUnauthorized))
			Expect(a.Header).NotTo(HaveKey("Www-Authenticate"))
			Expect(a.Attr("message", "role")).To(Equal("alert"))
			Expect(a.Attr("username", "value")).To(Equal(try[0]))
			Expect(a.Body).NotTo(ContainSubstring("wrong pass"))
			bodies = append(bodies, a.Text("message"))
			page = a
		}
		Expect(bodies[0]).To(Equal(bodies[1]))
		Expect(b.Cookie("oauth-session")).To(BeEmpty())
		Expect(b.Login(page, "alice", "").Status).To(Equal(http.StatusUnauthorized))
		Expect(b.Login(page, "alice", "correct horse").ByID("consent")).NotTo(BeNil(), "the last page still works")
	})

	It("prefills login_hint, and no more than that (OpenID Connect Core §3.1.2.1)", func() {
		a := b.visit(request("login_hint", `alice"><script>`))
		Expect(a.Attr("username", "value")).To(Equal(`alice"><script>`))
		Expect(a.Body).NotTo(ContainSubstring("<script"))
		Expect(b.visit(request("login_hint", strings.Repeat("a", 200))).Attr("username", "value")).To(BeEmpty())
	})

	// RFC 6749 §10.12: nothing happens without the token.
	It("refuses a form that was not made for this browser", func() {
		_, own := b.visit(request()).Form("submit")
		_, foreign := w.browser().visit(request()).Form("submit")
		consent := func() url.Values {
			other := w.browser()
			_, fields := other.Login(other.visit(request()), "alice", "correct horse").Form("allow")
			return fields
		}()
		changed := []byte(own.Get("state"))
		changed[40] ^= 1
		for name, state := range map[string]string{
			"none": "", "of another browser": foreign.Get("state"), "changed": string(changed),
			"of another page": consent.Get("state"), "nonsense": "AAAA", "no base64": "%%%",
		} {
			a := b.Do("POST", w.Settings.Issuer+"/login", url.Values{"state": {state}, "username": {"alice"}, "password": {"correct horse"}}.Encode())
			Expect(a.Status).To(Equal(http.StatusForbidden), name)
			Expect(a.ErrorCode()).To(Equal("csrf"), name)
			Expect(a.Header.Get("Set-Cookie")).To(BeEmpty(), name)
		}
		own.Set("username", "alice")
		own.Set("password", "correct horse")
		for _, site := range []string{"cross-site", "same-site"} {
			a := b.Do("POST", w.Settings.Issuer+"/login", own.Encode(), "Sec-Fetch-Site", site)
			Expect(a.ErrorCode()).To(Equal("csrf"), site)
		}
		Expect(w.browser().Do("POST", w.Settings.Issuer+"/login", own.Encode()).ErrorCode()).To(Equal("csrf"), "without the cookie")
		Expect(b.Do("POST", w.Settings.Issuer+"/login", own.Encode(), "Sec-Fetch-Site", "same-origin").ByID("consent")).NotTo(BeNil())
	})

	It("refuses a form that is too old, also while its keys are there", func() {
		page := b.visit(request())
		w.Advance(time.Hour)
		a := b.Login(page, "alice", "correct horse")
		Expect(a.Status).To(Equal(http.StatusForbidden))
		Expect(a.ErrorCode()).To(Equal("expired"))
	})

	It("does not go on with what another browser was doing, or what was changed (RFC 6749 §10.15)", func() {
		next := b.alone().Login(b.visit(request()), "alice", "correct horse").Location
		Expect(w.browser().Do("GET", next, "").ErrorCode()).To(Equal("csrf"))
		Expect(b.Do("GET", next+"A", "").ErrorCode()).To(Equal("csrf"))
		Expect(b.Do("GET", w.Settings.Issuer+"/continue?next=https://evil.example", "").ErrorCode()).To(Equal("csrf"))
		w.Advance(time.Hour)
		Expect(b.Do("GET", next, "").ErrorCode()).To(Equal("expired"))
	})

	It("makes a new session every time (session fixation)", func() {
		b.signIn()
		first := b.Cookie("oauth-session")
		a := b.Submit(b.visit(request()), "allow")
		before := w.code(a).SessionID
		page := b.visit(request("prompt", "login"))
		a = b.Submit(b.Login(page, "alice", "correct horse"), "allow")
		Expect(b.Cookie("oauth-session")).NotTo(Equal(first))
		Expect(w.code(a).SessionID).NotTo(Equal(before))
	})

	It("is throttled for one username from one place, and the others go on", func() {
		page := b.visit(request())
		var a answer
		for range 10 {
			a = b.Login(page, "alice", "guess")
			Expect(a.Status).To(Equal(http.StatusUnauthorized))
		}
		a = b.Login(page, "alice", "correct horse")
		Expect(a.Status).To(Equal(http.StatusTooManyRequests))
		Expect(a.Header.Get("Retry-After")).To(Equal("60"))
		Expect(a.ByID("message")).NotTo(BeNil())
		Expect(b.Login(page, "bob", "battery staple").ByID("consent")).NotTo(BeNil())
		w.Advance(time.Minute)
		Expect(b.Login(page, "alice", "correct horse").ByID("consent")).NotTo(BeNil(), "nobody is locked out for long")
	})

	It("is throttled for one place, whatever the usernames", func() {
		page := b.visit(request())
		for range 60 {
			b.Login(page, time.Now().String(), "guess")
		}
		Expect(b.Login(page, "alice", "correct horse").Status).To(Equal(http.StatusTooManyRequests))
		w.Advance(5 * time.Second)
		Expect(b.Login(page, "alice", "correct horse").ByID("consent")).NotTo(BeNil())
	})

	It("asks for patience when too many passwords are being checked", func() {
		page := b.visit(request())
		w.LoginFault = func(string) error { return resourceowner.ErrBusy }
		a := b.Login(page, "alice", "correct horse")
		Expect(a.Status).To(Equal(http.StatusServiceUnavailable))
		Expect(a.ByID("login")).NotTo(BeNil())
	})

	Describe("and the session it begins", func() {
		over := func() {
			GinkgoHelper()
			Expect(b.visit(request()).ByID("login")).NotTo(BeNil())
		}
		BeforeEach(func() {
			b.Submit(b.signIn().visit(request()), "allow")
			w.code(b.visit(request()))
		})

		It("ends with the person", func() { w.person(alice, nil); over() })
		It("ends with the password", func() {
			w.person(alice, func(p *resourceowner.Person) { p.LoginTag = "a2" })
			over()
		})
		It("ends with its time", func() {
			w.Advance(8*time.Hour - time.Second)
			w.code(b.visit(request()))
			w.Advance(time.Second)
			over()
		})
		It("ends with the keys it was sealed with", func() { w.Keys.Store(worldtest.Compile(newRing(w.Now()))); over() })

		It("lets a person who is locked out between consent and answer do nothing", func() {
			page := b.visit(request("prompt", "consent"))
			w.person(alice, nil)
			a := b.Submit(page, "allow")
			Expect(a.Location).To(BeEmpty())
			Expect(a.ByID("login")).NotTo(BeNil())
		})

		It("logs neither cookie, password, state nor code", func() {
			a := b.visit(request("state", "secret-state"))
			for _, secret := range []string{b.Cookie("oauth-session"), b.Cookie("oauth-browser"), "correct horse", "secret-state", a.Query.Get("code")} {
				Expect(secret).NotTo(BeEmpty())
				Expect(w.Log.String()).NotTo(ContainSubstring(secret))
			}
		})
	})
})
