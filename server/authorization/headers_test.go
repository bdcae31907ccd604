package authorization_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"

	"oauth-operator.dev/server/authorization"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/resourceowner"
)

var _ = Describe("Every answer", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser()
	})

	It("that is a page is protected (RFC 6749 §10.13, RFC 9700 §4.2.4, §4.16)", func() {
		login := b.visit(request())
		wrong := b.Login(login, "alice", "guess")
		consent := b.Login(login, "alice", "correct horse")
		failed := b.visit(request("client_id", "shop.nobody"))
		for name, a := range map[string]answer{"login": login, "wrong": wrong, "consent": consent, "error": failed} {
			csp := a.Header.Get("Content-Security-Policy")
			Expect(csp).To(ContainSubstring("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"), name)
			if name != "error" {
				Expect(csp).To(HaveSuffix("form-action 'self' https:"), name)
			}
			Expect(a.Header.Get("X-Frame-Options")).To(Equal("DENY"), name)
			Expect(a.Header.Get("Referrer-Policy")).To(Equal("no-referrer"), name)
			Expect(a.Header.Get("X-Content-Type-Options")).To(Equal("nosniff"), name)
			Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"), name)
			Expect(a.Header.Get("Content-Type")).To(Equal("text/html; charset=utf-8"), name)
			for _, h := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
				Expect(a.Header).NotTo(HaveKey(h), name)
			}
			Expect(worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "script" || worldtest.Attr(n, "style") != "" })).To(BeEmpty(), name)
			for _, n := range worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "link" }) {
				Expect(worldtest.Attr(n, "href")).To(HavePrefix(w.Settings.Issuer + "/assets/"))
				asset := b.Do("GET", worldtest.Attr(n, "href"), "")
				Expect(asset.Status).To(Equal(200))
				Expect(asset.Header.Get("Cache-Control")).To(ContainSubstring("immutable"))
			}
		}
	})

	It("has no CORS headers, whatever the origin (RFC 9700 §2.6)", func() {
		a := b.Do("GET", w.Settings.Issuer+"/authorize?"+request("prompt", "none").Encode(), "", "Origin", "https://evil.example")
		Expect(a.Header).NotTo(HaveKey("Access-Control-Allow-Origin"))
		a = b.Do("OPTIONS", w.Settings.Issuer+"/authorize", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
		Expect(a.Status).To(Equal(http.StatusMethodNotAllowed))
		Expect(a.Header).NotTo(HaveKey("Access-Control-Allow-Origin"))
	})

	It("keeps hostile text inert (RFC 6749 §10.14)", func() {
		const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`
		w.Clients["shop.evil"] = newClient("shop.evil", "client_secret_basic", callback)
		w.Clients["shop.evil"].Name = evil
		w.person(alice, func(p *resourceowner.Person) { p.Name = evil })
		w.Settings.Catalogue[0].Description = evil

		login := b.visit(request("client_id", "shop.evil", "login_hint", evil, "state", evil))
		wrong := b.Login(login, evil, evil)
		consent := b.Login(login, "alice", "correct horse")
		answers := []answer{
			login, wrong, consent,
			b.visit(request("client_id", evil)),
			b.visit(request("client_id", "shop.evil", "redirect_uri", "https://x/"+evil)),
			b.Do("GET", w.Settings.Issuer+"/continue?state="+strings.ReplaceAll(evil, " ", "+"), ""),
		}
		for _, a := range answers {
			Expect(a.Location).To(BeEmpty())
			Expect(worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "script" || n.Data == "img" })).To(BeEmpty(), a.Body)
		}
		Expect(consent.Text("scopes")).To(Equal(evil))
		Expect(worldtest.Text(answers[3].Doc)).To(ContainSubstring(evil))
	})

	It("names its cookies so that nobody else can plant them", func() {
		cookies := func(w *world) map[string]*http.Cookie {
			GinkgoHelper()
			b := w.browser()
			page := b.alone().visit(request())
			after := b.alone().Login(page, "alice", "correct horse")
			found := map[string]*http.Cookie{}
			for _, a := range []answer{page, after} {
				for _, line := range a.Header.Values("Set-Cookie") {
					c, err := http.ParseSetCookie(line)
					Expect(err).NotTo(HaveOccurred())
					found[c.Name] = c
					Expect(c.HttpOnly).To(BeTrue())
					Expect(c.SameSite).To(Equal(http.SameSiteLaxMode))
					Expect(c.Domain).To(BeEmpty())
					Expect(c.Secure).To(BeTrue())
				}
			}
			return found
		}
		found := cookies(w)
		Expect(found).To(And(HaveLen(2), HaveKey("__Host-oauth-browser"), HaveKey("__Host-oauth-session")))
		Expect(found["__Host-oauth-session"].Path).To(Equal("/"))

		found = cookies(newWorld("/one"))
		Expect(found).To(And(HaveLen(2), HaveKey("__Secure-oauth-browser"), HaveKey("__Secure-oauth-session")))
		Expect(found["__Secure-oauth-session"].Path).To(Equal("/one"))
	})

	It("goes out without any cookie but on the way through a page, and with a code", func() {
		b.Submit(b.signIn().visit(request()), "allow")
		before := b.Cookie("oauth-session")
		Expect(b.visit(request()).Header["Set-Cookie"]).To(ConsistOf(HavePrefix("__Host-oauth-session=")), "the session notes the visit")
		Expect(b.Cookie("oauth-session")).NotTo(Equal(before))
		Expect(b.visit(request("scope", "nope")).Header).NotTo(HaveKey("Set-Cookie"))
		Expect(b.visit(request("scope", "email")).Header).NotTo(HaveKey("Set-Cookie"), "the browser has its cookie already")
		Expect(w.browser().visit(request("client_id", "x")).Header).NotTo(HaveKey("Set-Cookie"))
	})

	It("is made without any store: strangers can write nothing", func() {
		store := reflect.TypeFor[grant.Store]()
		options := reflect.TypeFor[authorization.Options]()
		for i := range options.NumField() {
			Expect(options.Field(i).Type.Implements(store)).To(BeFalse())
		}
		// Two endpoints that share nothing but keys serve one another's browsers.
		twin := w.endpoint(w.Login())
		b.Submit(b.signIn().visit(request()), "allow")
		r := httptest.NewRequest("GET", "/authorize?"+request().Encode(), nil)
		r.AddCookie(&http.Cookie{Name: "__Host-oauth-session", Value: b.Cookie("oauth-session")})
		rec := httptest.NewRecorder()
		twin.Handlers()[issuer.PathAuthorize].ServeHTTP(rec, r)
		Expect(rec.Header().Get("Location")).To(HavePrefix(callback + "?code="))
	})
})
