package authorization_test

import (
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"

	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/registration"
)

// Classes of bugs that others have had, by the name of the class.
var _ = Describe("Hostile input", func() {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`

	inert := func(a answer) {
		GinkgoHelper()
		Expect(worldtest.All(a.Doc, func(n *html.Node) bool {
			if n.Data == "script" {
				return worldtest.Attr(n, "src") == "" || n.FirstChild != nil
			}
			for _, at := range n.Attr {
				if strings.HasPrefix(at.Key, "on") || strings.HasPrefix(strings.ToLower(at.Val), "javascript:") {
					return true
				}
			}
			return n.Data == "img"
		})).To(BeEmpty(), a.Body)
		Expect(a.Header.Get("Content-Security-Policy")).NotTo(ContainSubstring("unsafe"))
	}

	It("XSS through every reflected parameter: none is more than text, on no page and in no answer", func() {
		w := newWorld("")
		names := []string{
			"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
			"prompt", "max_age", "login_hint", "id_token_hint", "claims", "acr_values", "ui_locales", "display", "request", "request_uri", "registration", "resource", "error_description", "vendor",
		}
		for _, name := range names {
			for _, mode := range []string{"query", "form_post"} {
				ask := request("response_mode", mode, "nonce", "n")
				ask.Set(name, evil)
				b := w.browser()
				inertOrRedirect := func(a answer) answer {
					GinkgoHelper()
					if a.Location != "" {
						Expect(a.Location).To(HavePrefix(callback+"?"), name)
						Expect(a.Location).NotTo(MatchRegexp(`[<>" ]`), name)
						return a
					}
					inert(a)
					return a
				}
				if a := inertOrRedirect(b.visit(ask)); a.ByID("login") != nil {
					if a = inertOrRedirect(b.Login(a, "alice", "correct horse")); a.ByID("allow") != nil {
						inertOrRedirect(b.Submit(a, "deny"))
					}
				}
				ask.Set("prompt", "none")
				inertOrRedirect(w.browser().visit(ask))
			}
		}
	})

	It("XSS through client metadata: links lead to https and nowhere else, and nothing is loaded from them", func() {
		w := newWorld("")
		b := w.browser().signIn()
		w.Change(confidential, func(c *registration.Client) {
			c.Name = evil
			c.OpenID = registration.OpenID{ClientURI: "https://shop.example/" + evil, PolicyURI: "javascript:alert(1)", TOSURI: "http://shop.example/tos"}
		})
		a := b.visit(request())
		inert(a)
		links := worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "a" })
		Expect(links).To(HaveLen(1))
		Expect(worldtest.Attr(links[0], "href")).To(HavePrefix("https://shop.example/"))
		Expect(worldtest.Attr(links[0], "rel")).To(Equal("noopener noreferrer"))
		Expect(a.Header.Get("Content-Security-Policy")).To(HavePrefix("default-src 'none'; style-src 'self'; img-src 'self'; "), "OpenID Connect Registration §2: no logo of another site")
	})

	It("session fixation: a cookie that somebody has planted is nobody's session, before the login and after", func() {
		w := newWorld("")
		attacker := w.browser().signIn()
		planted := attacker.Cookie("oauth-session")
		victim := w.browser()
		page := victim.visit(request())
		after := victim.Do(http.MethodPost, w.Settings.Issuer+"/login", func() string {
			_, fields := page.Form("submit")
			fields.Set("username", "bob")
			fields.Set("password", "battery staple")
			return fields.Encode()
		}(), "Cookie", "__Host-oauth-session="+planted)
		Expect(after.ByID("consent")).NotTo(BeNil(), after.Body)
		Expect(victim.Cookie("oauth-session")).NotTo(Equal(planted))
		first := victim.Cookie("oauth-session")
		Expect(after.Text("account")).To(Equal("bob"))
		victim.Login(victim.visit(request("prompt", "login")), "bob", "battery staple")
		Expect(victim.Cookie("oauth-session")).NotTo(Equal(first), "every login makes a new one")
	})

	It("CSRF on login: a form that was made for another browser logs nobody in", func() {
		w := newWorld("")
		_, fields := w.browser().visit(request()).Form("submit")
		fields.Set("username", "alice")
		fields.Set("password", "correct horse")
		victim := w.browser()
		victim.visit(request())
		a := victim.Do(http.MethodPost, w.Settings.Issuer+"/login", fields.Encode())
		Expect(a.Status).To(Equal(http.StatusForbidden))
		Expect(victim.Cookie("oauth-session")).To(BeEmpty())
	})

	// __Host- keeps other hosts of the site from planting cookies. An issuer with a
	// path has __Secure- alone, which does not.
	It("CSRF on login: a form that another host of the site posts, with a cookie that it has planted, logs nobody in", func() {
		w := newWorld("/tenant")
		attacker := w.browser()
		_, fields := attacker.visit(request()).Form("submit")
		fields.Set("username", "alice")
		fields.Set("password", "correct horse")
		planted := "__Secure-oauth-browser=" + attacker.Cookie("oauth-browser")
		for _, site := range []string{"same-site", "cross-site"} {
			victim := w.browser()
			victim.visit(request())
			own := "__Secure-oauth-browser=" + victim.Cookie("oauth-browser")
			for _, cookies := range []string{planted + "; " + own, own + "; " + planted, planted} {
				a := w.browser().alone().Do(http.MethodPost, w.Settings.Issuer+"/login", fields.Encode(), "Cookie", cookies, "Sec-Fetch-Site", site)
				Expect(a.Status).To(Equal(http.StatusForbidden), site)
				Expect(a.Header).NotTo(HaveKey("Set-Cookie"), site)
			}
		}
	})

	It("session fixation: a session that another host of the site has planted beside the person's own is not used for either", func() {
		w := newWorld("/tenant")
		attacker, victim := w.browser().signIn(), w.browser()
		victim.Login(victim.visit(request()), "bob", "battery staple")
		planted, own := "__Secure-oauth-session="+attacker.Cookie("oauth-session"), "__Secure-oauth-session="+victim.Cookie("oauth-session")
		ask := func(cookies string) answer {
			GinkgoHelper()
			return w.browser().alone().Do(http.MethodGet, w.Settings.Issuer+"/authorize?"+request().Encode(), "", "Cookie", cookies)
		}
		Expect(ask(own).Text("account")).To(Equal("bob"))
		for _, cookies := range []string{planted + "; " + own, own + "; " + planted} {
			a := ask(cookies)
			Expect(a.ByID("login")).NotTo(BeNil(), a.Body)
		}
	})

	It("CSRF on consent: a form that was made for another browser allows nothing", func() {
		w := newWorld("")
		attacker, victim := w.browser().signIn(), w.browser().signIn()
		_, fields := attacker.visit(request()).Form("allow")
		a := victim.Do(http.MethodPost, w.Settings.Issuer+"/consent", fields.Encode())
		Expect(a.Status).To(Equal(http.StatusForbidden))
		Expect(a.Location).To(BeEmpty())
	})

	It("CSRF on consent: the victim's own form allows nothing when another site has it posted, with all cookies", func() {
		w := newWorld("")
		victim := w.browser().signIn()
		_, fields := victim.visit(request()).Form("allow")
		for _, site := range []string{"cross-site", "same-site", "nonsense"} {
			a := victim.Do(http.MethodPost, w.Settings.Issuer+"/consent", fields.Encode(), "Sec-Fetch-Site", site)
			Expect(a.Status).To(Equal(http.StatusForbidden), site)
			Expect(a.Location).To(BeEmpty(), site)
		}
		Expect(victim.Do(http.MethodPost, w.Settings.Issuer+"/consent", fields.Encode(), "Sec-Fetch-Site", "same-origin").Location).To(HavePrefix(callback + "?code="))
	})

	It("CSRF on consent: an answer to the question that another person was asked, in the same browser, allows nothing", func() {
		w := newWorld("")
		b := w.browser().signIn()
		page := b.visit(request())
		b.Login(b.visit(request("prompt", "login")), "bob", "battery staple")
		a := b.Submit(page, "allow")
		Expect(a.Location).To(BeEmpty())
		Expect(a.Text("account")).To(Equal("bob"))
	})
})
