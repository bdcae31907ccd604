package logout_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/hack/person"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

var _ = Describe("RP-Initiated Logout", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld(nil)
		b = w.browser()
	})

	It("§2: ends the session of a person whom the id_token_hint names, and sends them back with the state", func() {
		_, hint := b.visit(shop)
		page := b.leave("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "&=%+ é\r\nx: y"+evil)
		Expect(page.Status).To(Equal(http.StatusSeeOther))
		Expect(page.Header.Get("Location")).To(HavePrefix(bye + "?state="))
		Expect(page.Location.Query()).To(Equal(url.Values{"state": {"&=%+ é\r\nx: y" + evil}}))
		Expect(page.Header.Get("Cache-Control")).To(Equal("no-store"))
		Expect(b.loggedIn()).To(BeFalse())
	})

	It("§2: sends no state where none was sent, and keeps the query of the registered URI", func() {
		_, hint := b.visit(shop)
		Expect(b.leave("id_token_hint", hint, "post_logout_redirect_uri", bye+"?from=a%20b", "state", "").Header.Get("Location")).To(Equal(bye + "?from=a%20b"))
		Expect(b.leave("id_token_hint", hint, "post_logout_redirect_uri", bye+"?from=a%20b", "state", "s").Header.Get("Location")).To(Equal(bye+"?from=a%20b&state=s"), "and again without a session")
	})

	It("§2: accepts an ID token that has expired", func() {
		_, hint := b.visit(shop)
		w.Advance(7 * time.Hour)
		Expect(b.leave("id_token_hint", hint, "post_logout_redirect_uri", bye).Header.Get("Location")).To(Equal(bye))
		Expect(b.loggedIn()).To(BeFalse())
	})

	It("§2: takes POST as GET, also from another site", func() {
		_, hint := b.visit(shop)
		body := worldtest.Pairs("id_token_hint", hint, "post_logout_redirect_uri", bye, "client_id", shop).Encode()
		response := w.post("/logout", body, nil)
		Expect(response.StatusCode).To(Equal(http.StatusSeeOther))
		next := strings.TrimPrefix(response.Header.Get("Location"), w.Settings.Issuer)
		Expect(next).To(HavePrefix("/logout?"))
		Expect(b.open(next).Header.Get("Location")).To(Equal(bye))
		Expect(b.loggedIn()).To(BeFalse())
	})

	It("§2: asks the person without a hint, with another person's, and does what they say", func() {
		_, mine := b.visit(shop)
		other := w.browser()
		other.Username = "bob"
		_, hint := other.visit(shop)
		for _, pairs := range [][]string{
			{},
			{"client_id", shop},
			{"client_id", shop, "post_logout_redirect_uri", bye, "state", "s"},
			{"id_token_hint", hint, "post_logout_redirect_uri", bye},
		} {
			page := b.leave(pairs...)
			Expect(page.Status).To(Equal(http.StatusOK))
			Expect(page.Text("account")).To(Equal("alice"))
			Expect(b.loggedIn()).To(BeTrue())
			stayed := b.press(page, "stay")
			Expect(stayed.Text("left")).To(Equal("You are still signed in"))
			Expect(b.loggedIn()).To(BeTrue())
		}
		page := b.press(b.leave("client_id", shop, "post_logout_redirect_uri", bye, "state", "s"), "leave")
		Expect(page.Status).To(Equal(http.StatusSeeOther))
		Expect(page.Header.Get("Location")).To(Equal(bye + "?state=s"))
		Expect(b.loggedIn()).To(BeFalse())
		Expect(mine).NotTo(BeEmpty())
		Expect(other.loggedIn()).To(BeTrue())
	})

	It("§2: asks the person with a hint of a session that is none of this browser's", func() {
		_, elsewhere := w.browser().visit(shop)
		_, before := b.visit(shop)
		b.visit(shop, "prompt", "login")
		Expect(b.leave("id_token_hint", elsewhere, "post_logout_redirect_uri", bye).Text("account")).To(Equal("alice"))
		Expect(b.loggedIn()).To(BeTrue())
		Expect(b.leave("id_token_hint", before, "post_logout_redirect_uri", bye).Header.Get("Location")).To(Equal(bye), "of before the new login here")
		Expect(b.loggedIn()).To(BeFalse())
	})

	It("§2: a page says so where there is nowhere to go, with ui_locales and logout_hint or without", func() {
		_, hint := b.visit(shop)
		page := b.leave("id_token_hint", hint, "ui_locales", "de fr", "logout_hint", "x", "vendor", "1")
		Expect(page.Text("left")).To(Equal("You are signed out"))
		Expect(b.leave().Text("left")).To(Equal("You are signed out"), "and again")
	})

	DescribeTable("§3: open redirect after logout: goes nowhere that is not registered, to the letter",
		func(uri string) {
			_, hint := b.visit(shop)
			for _, pairs := range [][]string{{"id_token_hint", hint}, {"client_id", shop}, {"id_token_hint", hint, "client_id", shop}} {
				page := b.leave(append(pairs, "post_logout_redirect_uri", uri)...)
				Expect(page.Status).To(Equal(http.StatusBadRequest))
				Expect(page.Header).NotTo(HaveKey("Location"))
				Expect(page.Text("error-code")).To(Equal("invalid_post_logout_redirect_uri"))
				Expect(page.Body).NotTo(ContainSubstring(`href="` + uri))
			}
			Expect(b.loggedIn()).To(BeTrue(), "and nobody is logged out by it")
		},
		Entry("another site", "https://evil.example/"),
		Entry("a slash more", bye+"/"),
		Entry("another query", bye+"?x"),
		Entry("another case", "https://SHOP.example/bye"),
		Entry("a port", "https://shop.example:443/bye"),
		Entry("user information", "https://shop.example@evil.example/bye"),
		Entry("traversal", "https://shop.example/x/../bye"),
		Entry("a fragment", bye+"#x"),
		Entry("a redirect URI that is registered for logins", callback),
		Entry("script", "javascript:alert(1)"),
		Entry("no scheme", "//evil.example"),
		Entry("a line break", bye+"\r\nLocation: https://evil.example"),
	)

	It("§2, §3: goes nowhere for a client that nobody has named, or that is gone", func() {
		_, hint := b.visit(shop)
		Expect(b.leave("post_logout_redirect_uri", bye).Text("error-code")).To(Equal("invalid_request"))
		Expect(b.leave("post_logout_redirect_uri", bye, "client_id", "team.gone").Text("error-code")).To(Equal("invalid_post_logout_redirect_uri"))
		delete(w.Clients, shop)
		Expect(b.leave("post_logout_redirect_uri", bye, "id_token_hint", hint).Text("error-code")).To(Equal("invalid_post_logout_redirect_uri"))
		Expect(b.leave("id_token_hint", hint).Text("account")).To(Equal("alice"), "but one may leave")
	})

	It("§2: refuses a hint that is tampered with, foreign or another client's than client_id, and a parameter sent twice", func() {
		_, hint := b.visit(shop)
		parts := strings.Split(hint, ".")
		access, err := w.Keys.Load().Sign(keyring.UseSignES256, keys.TypeAccessToken, []byte(`{"iss":"`+w.Settings.Issuer+`","sub":"`+alice+`","aud":"`+shop+`"}`), w.Now())
		Expect(err).NotTo(HaveOccurred())
		_, foreign := newWorld(nil).browser().visit(shop)
		for name, pairs := range map[string][]string{
			"tampered":         {"id_token_hint", parts[0] + "." + parts[1] + "A." + parts[2]},
			"unsigned":         {"id_token_hint", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + "."},
			"an access token":  {"id_token_hint", access},
			"another issuer's": {"id_token_hint", foreign},
			"another client's": {"id_token_hint", hint, "client_id", wiki},
			"two states":       {"id_token_hint", hint, "state", "a", "state", "b"},
			"two addresses":    {"id_token_hint", hint, "post_logout_redirect_uri", bye, "post_logout_redirect_uri", bye},
		} {
			page := b.leave(append(pairs, "post_logout_redirect_uri", bye)[:len(pairs)]...)
			Expect(page.Status).To(Equal(http.StatusBadRequest), name)
			Expect(page.Text("error-code")).To(Equal("invalid_request"), name)
			Expect(b.loggedIn()).To(BeTrue(), name)
		}
	})

	It("§3: without a hint and without a session, there is a link and no redirect", func() {
		page := b.leave("client_id", shop, "post_logout_redirect_uri", bye, "state", "s")
		Expect(page.Status).To(Equal(http.StatusOK))
		Expect(page.Text("left")).To(Equal("You are signed out"))
		Expect(page.Body).To(ContainSubstring(`href="` + bye + `?state=s"`))
		page = b.leave("client_id", shop, "post_logout_redirect_uri", "com.example.shop:/bye")
		Expect(page.Body).NotTo(ContainSubstring("com.example.shop:"), "no link to an app")
	})

	It("knows a pairwise person by the hint", func() {
		w.Clients[shop].OpenID.SubjectType, w.Clients[shop].OpenID.Sector = oauth.SubjectTypePairwise, "shop.example"
		_, hint := b.visit(shop)
		Expect(b.leave("id_token_hint", hint, "post_logout_redirect_uri", bye).Header.Get("Location")).To(Equal(bye))
	})

	It("RFC 6749 §10.12: CSRF on logout: only the page that was made for this browser is answered", func() {
		b.visit(shop)
		page := b.leave()
		state := stateField.FindStringSubmatch(page.Body)[1]
		for name, response := range map[string]*http.Response{
			"no cookies":        w.post("/logout/confirm", worldtest.Pairs("state", state, "decision", "leave").Encode(), nil),
			"no state":          w.post("/logout/confirm", worldtest.Pairs("decision", "leave").Encode(), nil),
			"from another site": w.post("/logout/confirm", worldtest.Pairs("state", state, "decision", "leave").Encode(), nil, "Sec-Fetch-Site", "cross-site"),
		} {
			Expect(response.StatusCode).To(Equal(http.StatusForbidden), name)
			Expect(response.Header).NotTo(HaveKey("Set-Cookie"), name)
		}
		own := w.post("/logout/confirm", worldtest.Pairs("state", state, "decision", "leave").Encode(), nil, "Cookie", b.cookies(), "Sec-Fetch-Site", "cross-site")
		Expect(own.StatusCode).To(Equal(http.StatusForbidden), "with all its cookies, sent by another site")
		attacker := w.browser()
		attacker.visit(shop)
		foreign := stateField.FindStringSubmatch(attacker.leave().Body)[1]
		next, err := b.Submit(context.Background(), page, "logout", url.Values{"state": {foreign}, "decision": {"leave"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(next.Status).To(Equal(http.StatusForbidden))
		next, err = b.Submit(context.Background(), page, "logout", url.Values{"decision": {"anything"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(next.Text("left")).To(Equal("You are still signed in"))
		Expect(b.loggedIn()).To(BeTrue())
	})

	It("does not take the answer for another session", func() {
		b.visit(shop)
		page := b.leave()
		b.visit(shop, "prompt", "login")
		Expect(b.press(page, "leave").Text("account")).To(Equal("alice"), "asks again")
		Expect(b.loggedIn()).To(BeTrue())
	})

	It("XSS: shows what it was sent as text, under a policy without scripts", func() {
		b.visit(shop)
		for _, page := range []*person.Page{
			b.leave("client_id", shop, "state", evil, "ui_locales", evil),
			b.leave("client_id", evil, "post_logout_redirect_uri", evil, "state", evil),
			b.leave("id_token_hint", evil, "state", evil),
			w.browser().leave("client_id", shop, "post_logout_redirect_uri", bye, "state", evil),
		} {
			Expect(page.Body).NotTo(ContainSubstring("<script"))
			Expect(page.Header.Get("Content-Security-Policy")).To(HavePrefix("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"))
			Expect(page.Header.Get("X-Frame-Options")).To(Equal("DENY"))
			Expect(page.Header.Get("Referrer-Policy")).To(Equal("no-referrer"))
		}
	})

	It("answers no other method", func() {
		for path, allow := range map[string]string{"/logout": "GET, POST", "/logout/confirm": "POST"} {
			r, err := http.NewRequest(http.MethodDelete, w.Settings.Issuer+path, nil)
			Expect(err).NotTo(HaveOccurred())
			response, err := w.http.Client().Do(r)
			Expect(err).NotTo(HaveOccurred())
			Expect(response.Body.Close()).To(Succeed())
			Expect(response.StatusCode).To(Equal(http.StatusMethodNotAllowed))
			Expect(response.Header.Get("Allow")).To(Equal(allow))
		}
	})
})

var _ = Describe("The grants of a session", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld(nil)
		b = w.browser()
	})
	revoked := func(g grant.Grant) grant.Reason {
		GinkgoHelper()
		found, err := w.Grants.Get(context.Background(), g.Key())
		Expect(err).NotTo(HaveOccurred())
		return found.Revoked
	}

	It("Back-Channel Logout §2.7: are revoked with it, but those with offline_access", func() {
		first, _ := b.visit(wiki)
		kept, _ := b.visit(wiki, "scope", "openid offline_access", "prompt", "consent")
		relogin, _ := b.visit(shop, "prompt", "login")
		elsewhere, _ := w.browser().visit(shop)
		_, hint := b.visit(shop)
		b.leave("id_token_hint", hint)
		Expect(revoked(first)).To(Equal(grant.LoggedOut), "of the session before the new login too")
		Expect(revoked(relogin)).To(Equal(grant.LoggedOut))
		Expect(revoked(kept)).To(BeEmpty())
		Expect(revoked(elsewhere)).To(BeEmpty(), "another browser's")
	})

	It("are not those of who had the browser before", func() {
		before, _ := b.visit(wiki)
		b.Username = "bob"
		after, hint := b.visit(wiki, "prompt", "login")
		b.leave("id_token_hint", hint)
		Expect(revoked(after)).To(Equal(grant.LoggedOut))
		Expect(revoked(before)).To(BeEmpty())
	})

	It("keep the session from ending while the store does not answer", func() {
		g, hint := b.visit(shop)
		w.Grants.Before = worldtest.Away
		page := b.leave("id_token_hint", hint, "post_logout_redirect_uri", bye)
		Expect(page.Status).To(Equal(http.StatusServiceUnavailable))
		Expect(page.Text("error-code")).To(Equal("temporarily_unavailable"))
		Expect(b.loggedIn()).To(BeTrue())
		w.Grants.Before = nil
		Expect(b.leave("id_token_hint", hint, "post_logout_redirect_uri", bye).Status).To(Equal(http.StatusSeeOther))
		Expect(revoked(g)).To(Equal(grant.LoggedOut))
	})
})
