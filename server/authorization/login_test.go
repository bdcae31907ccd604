package authorization_test

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

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
		Expect(page.status).To(Equal(http.StatusOK))
		Expect(text(page.doc)).To(ContainSubstring("to continue to The Shop"))
		a := b.alone().login(page, "alice", "correct horse")
		Expect(a.status).To(Equal(http.StatusSeeOther))
		Expect(a.location).To(HavePrefix(w.settings.Issuer + "/continue?state="))
		Expect(a.location).NotTo(ContainSubstring(url.QueryEscape(callback)))
		Expect(b.do("GET", a.location, "").byID("consent")).NotTo(BeNil())
		Expect(b.do("GET", a.location, "").byID("consent")).NotTo(BeNil(), "a reload works")
	})

	It("says the same whatever was wrong, keeps the username and never the password", func() {
		page := b.visit(request())
		var bodies []string
		for _, try := range [][2]string{{"alice", "wrong pass"}, {"nobody", "wrong pass"}} {
			a := b.login(page, try[0], try[1])
			Expect(a.status).To(Equal(http.StatusUnauthorized))
			Expect(a.header).NotTo(HaveKey("Www-Authenticate"))
			Expect(attr(a.byID("message"), "role")).To(Equal("alert"))
			Expect(attr(a.byID("username"), "value")).To(Equal(try[0]))
			Expect(a.body).NotTo(ContainSubstring("wrong pass"))
			bodies = append(bodies, text(a.byID("message")))
			page = a
		}
		Expect(bodies[0]).To(Equal(bodies[1]))
		Expect(b.cookie("oauth-session")).To(BeEmpty())
		Expect(b.login(page, "alice", "").status).To(Equal(http.StatusUnauthorized))
		Expect(b.login(page, "alice", "correct horse").byID("consent")).NotTo(BeNil(), "the last page still works")
	})

	It("prefills login_hint, and no more than that (OpenID Connect Core §3.1.2.1)", func() {
		a := b.visit(request("login_hint", `alice"><script>`))
		Expect(attr(a.byID("username"), "value")).To(Equal(`alice"><script>`))
		Expect(a.body).NotTo(ContainSubstring("<script"))
		Expect(attr(b.visit(request("login_hint", strings.Repeat("a", 200))).byID("username"), "value")).To(BeEmpty())
	})

	// RFC 6749 §10.12: nothing happens without the token.
	It("refuses a form that was not made for this browser", func() {
		_, own := formOf(b.visit(request()), "submit")
		_, foreign := formOf(w.browser().visit(request()), "submit")
		consent := func() url.Values {
			other := w.browser()
			_, fields := formOf(other.login(other.visit(request()), "alice", "correct horse"), "allow")
			return fields
		}()
		changed := []byte(own.Get("state"))
		changed[40] ^= 1
		for name, state := range map[string]string{
			"none": "", "of another browser": foreign.Get("state"), "changed": string(changed),
			"of another page": consent.Get("state"), "nonsense": "AAAA", "no base64": "%%%",
		} {
			a := b.do("POST", w.settings.Issuer+"/login", url.Values{"state": {state}, "username": {"alice"}, "password": {"correct horse"}}.Encode())
			Expect(a.status).To(Equal(http.StatusForbidden), name)
			Expect(a.errorCode()).To(Equal("csrf"), name)
			Expect(a.header.Get("Set-Cookie")).To(BeEmpty(), name)
		}
		own.Set("username", "alice")
		own.Set("password", "correct horse")
		for _, site := range []string{"cross-site", "same-site"} {
			a := b.do("POST", w.settings.Issuer+"/login", own.Encode(), "Sec-Fetch-Site", site)
			Expect(a.errorCode()).To(Equal("csrf"), site)
		}
		Expect(w.browser().do("POST", w.settings.Issuer+"/login", own.Encode()).errorCode()).To(Equal("csrf"), "without the cookie")
		Expect(b.do("POST", w.settings.Issuer+"/login", own.Encode(), "Sec-Fetch-Site", "same-origin").byID("consent")).NotTo(BeNil())
	})

	It("refuses a form that is too old, also while its keys are there", func() {
		page := b.visit(request())
		w.clock.advance(time.Hour)
		a := b.login(page, "alice", "correct horse")
		Expect(a.status).To(Equal(http.StatusForbidden))
		Expect(a.errorCode()).To(Equal("expired"))
	})

	It("does not go on with what another browser was doing, or what was changed (RFC 6749 §10.15)", func() {
		next := b.alone().login(b.visit(request()), "alice", "correct horse").location
		Expect(w.browser().do("GET", next, "").errorCode()).To(Equal("csrf"))
		Expect(b.do("GET", next+"A", "").errorCode()).To(Equal("csrf"))
		Expect(b.do("GET", w.settings.Issuer+"/continue?next=https://evil.example", "").errorCode()).To(Equal("csrf"))
		w.clock.advance(time.Hour)
		Expect(b.do("GET", next, "").errorCode()).To(Equal("expired"))
	})

	It("makes a new session every time (session fixation)", func() {
		b.signIn()
		first := b.cookie("oauth-session")
		a := b.submit(b.visit(request()), "allow")
		before := w.code(a).SessionID
		page := b.visit(request("prompt", "login"))
		a = b.submit(b.login(page, "alice", "correct horse"), "allow")
		Expect(b.cookie("oauth-session")).NotTo(Equal(first))
		Expect(w.code(a).SessionID).NotTo(Equal(before))
	})

	It("is throttled for one username from one place, and the others go on", func() {
		page := b.visit(request())
		var a answer
		for range 10 {
			a = b.login(page, "alice", "guess")
			Expect(a.status).To(Equal(http.StatusUnauthorized))
		}
		a = b.login(page, "alice", "correct horse")
		Expect(a.status).To(Equal(http.StatusTooManyRequests))
		Expect(a.header.Get("Retry-After")).To(Equal("60"))
		Expect(a.byID("message")).NotTo(BeNil())
		Expect(b.login(page, "bob", "battery staple").byID("consent")).NotTo(BeNil())
		w.clock.advance(time.Minute)
		Expect(b.login(page, "alice", "correct horse").byID("consent")).NotTo(BeNil(), "nobody is locked out for long")
	})

	It("is throttled for one place, whatever the usernames", func() {
		page := b.visit(request())
		for range 60 {
			b.login(page, time.Now().String(), "guess")
		}
		Expect(b.login(page, "alice", "correct horse").status).To(Equal(http.StatusTooManyRequests))
		w.clock.advance(5 * time.Second)
		Expect(b.login(page, "alice", "correct horse").byID("consent")).NotTo(BeNil())
	})

	It("asks for patience when too many passwords are being checked", func() {
		page := b.visit(request())
		w.people.busy = true
		a := b.login(page, "alice", "correct horse")
		Expect(a.status).To(Equal(http.StatusServiceUnavailable))
		Expect(a.byID("login")).NotTo(BeNil())
	})

	Describe("and the session it begins", func() {
		over := func() {
			GinkgoHelper()
			Expect(b.visit(request()).byID("login")).NotTo(BeNil())
		}
		BeforeEach(func() {
			b.submit(b.signIn().visit(request()), "allow")
			w.code(b.visit(request()))
		})

		It("ends with the person", func() { w.person(alice, nil); over() })
		It("ends with the password", func() {
			w.person(alice, func(p *resourceowner.Person) { p.LoginTag = "a2" })
			over()
		})
		It("ends with its time", func() {
			w.clock.advance(8*time.Hour - time.Second)
			w.code(b.visit(request()))
			w.clock.advance(time.Second)
			over()
		})
		It("ends with the keys it was sealed with", func() { w.keys.Store(compile(newRing(w.clock.now()))); over() })

		It("lets a person who is locked out between consent and answer do nothing", func() {
			page := b.visit(request("prompt", "consent"))
			w.person(alice, nil)
			a := b.submit(page, "allow")
			Expect(a.location).To(BeEmpty())
			Expect(a.byID("login")).NotTo(BeNil())
		})

		It("logs neither cookie, password, state nor code", func() {
			a := b.visit(request("state", "secret-state"))
			for _, secret := range []string{b.cookie("oauth-session"), b.cookie("oauth-browser"), "correct horse", "secret-state", a.query.Get("code")} {
				Expect(secret).NotTo(BeEmpty())
				Expect(w.log.String()).NotTo(ContainSubstring(secret))
			}
		})
	})
})
