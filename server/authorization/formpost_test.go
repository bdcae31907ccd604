package authorization_test

import (
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/registration"
)

// OAuth 2.0 Form Post Response Mode.
var _ = Describe("response_mode=form_post", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser().signIn()
	})
	// form returns where the page posts its form, and what.
	form := func(a answer) (string, url.Values) {
		GinkgoHelper()
		Expect(a.Status).To(Equal(200), a.Body)
		Expect(a.Location).To(BeEmpty())
		f, fields := a.Form("continue")
		Expect(worldtest.Attr(f, "method")).To(Equal("post"))
		return worldtest.Attr(f, "action"), fields
	}
	post := func(pairs ...string) url.Values {
		return request(append([]string{"response_mode", "form_post"}, pairs...)...)
	}

	It("posts code, state and iss, and puts nothing into a URL", func() {
		const state = `"><script>alert(1)</script>&=%+ é`
		a := b.Submit(b.visit(post("state", state)), "allow")
		action, fields := form(a)
		Expect(action).To(Equal(callback))
		c, err := grant.OpenCode(w.Keys.Load(), fields.Get("code"), w.Now())
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Subject).To(Equal(alice))
		fields.Del("code")
		Expect(fields).To(Equal(url.Values{"state": {state}, "iss": {w.Settings.Issuer}}))
		Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
		Expect(a.Header.Get("Referrer-Policy")).To(Equal("no-referrer"))
		Expect(a.Header.Get("X-Frame-Options")).To(Equal("DENY"))
	})

	It("posts errors too, also with prompt=none", func() {
		action, fields := form(b.visit(post("prompt", "none")))
		Expect(action).To(Equal(callback))
		Expect(fields.Get("error")).To(Equal("consent_required"))
		Expect(fields.Get("state")).To(Equal("xyz"))
		Expect(fields.Get("iss")).To(Equal(w.Settings.Issuer), "RFC 9207 §2")
		_, fields = form(b.visit(post("scope", "nope")))
		Expect(fields.Get("error")).To(Equal("invalid_scope"))
		_, fields = form(b.Submit(b.visit(post()), "deny"))
		Expect(fields.Get("error")).To(Equal("access_denied"))
	})

	It("has no script in the page: one file of our own sends the form, or the button", func() {
		a := b.visit(post("prompt", "none"))
		scripts := worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "script" })
		Expect(scripts).To(HaveLen(1))
		Expect(scripts[0].FirstChild).To(BeNil())
		Expect(worldtest.Attr(scripts[0], "src")).To(HavePrefix(w.Settings.Issuer + "/assets/submit-"))
		Expect(a.Header.Get("Content-Security-Policy")).To(Equal("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https:; script-src 'self'"))
		script := b.Do("GET", worldtest.Attr(scripts[0], "src"), "")
		Expect(script.Status).To(Equal(200))
		Expect(script.Header.Get("Content-Type")).To(Equal("text/javascript; charset=utf-8"))
	})

	It("matches redirect URIs as ever: nothing is posted to another", func() {
		for _, uri := range []string{"https://evil.example/", callback + "/", "https://shop.example/callback/../evil", "https://shop.example@evil.example/callback", "javascript:alert(1)"} {
			a := b.visit(post("redirect_uri", uri))
			Expect(a.ErrorCode()).To(Equal("invalid_redirect_uri"), uri)
			Expect(a.ByID("respond")).To(BeNil())
		}
	})

	It("form_post: a page with a hostile state, iss and redirect URI has one form, with the fields of the answer and no others", func() {
		evil := []string{
			`"><script>alert(1)</script>`, `"><input name="code" value="stolen">`, `</form><form action="https://evil.example/">`,
			`" form="x" formaction="https://evil.example/`, "</textarea></title><svg onload=alert(1)>", "\u2028\u202e'`\x00\r\n", `javascript:alert(1)`,
		}
		w.Change(several, func(c *registration.Client) {
			for _, text := range evil {
				c.RedirectURIs = append(c.RedirectURIs, registration.CompileRedirectURI(callback+"?x="+text, false))
			}
		})
		for _, text := range evil {
			a := b.visit(post("client_id", several, "redirect_uri", callback+"?x="+text, "state", text, "iss", text, "prompt", "none"))
			action, fields := form(a)
			Expect(fields).To(And(HaveLen(4), HaveKeyWithValue("state", []string{normal(text)}), HaveKeyWithValue("iss", []string{w.Settings.Issuer})))
			Expect(fields.Get("error")).To(Equal("consent_required"))
			Expect(action).To(HavePrefix(callback + "?x="))
			Expect(worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "form" })).To(HaveLen(1))
			Expect(worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "input" })).To(HaveLen(4))
			Expect(worldtest.All(a.Doc, func(n *html.Node) bool { return n.Data == "svg" || n.Data == "script" && n.FirstChild != nil })).To(BeEmpty())
			Expect(worldtest.All(a.Doc, func(n *html.Node) bool {
				return worldtest.Attr(n, "formaction") != "" || worldtest.Attr(n, "onload") != ""
			})).To(BeEmpty())
			Expect(a.Header.Get("Content-Security-Policy")).To(MatchRegexp(`^default-src 'none'; .*form-action 'self'( https:)?; script-src 'self'$`))
		}
	})

	It("posts to a program on the device, and to no app by its scheme", func() {
		action, _ := form(b.visit(post("client_id", public, "redirect_uri", "http://127.0.0.1:4711/done", "prompt", "none")))
		Expect(action).To(Equal("http://127.0.0.1:4711/done"))
		a := b.visit(post("client_id", public, "redirect_uri", "com.example.shop:/done"))
		Expect(a.Location).To(HavePrefix("com.example.shop:/done?error=invalid_request&"))
	})

	It("is not believed when it comes twice", func() {
		a := b.raw(post().Encode() + "&response_mode=query")
		Expect(a.Query.Get("error")).To(Equal("invalid_request"))
	})
})

// normal is how HTML reads a text in an attribute: without NUL, which is no character,
// and with its line breaks as one.
func normal(text string) string {
	return strings.NewReplacer("\x00", "\ufffd", "\r\n", "\n").Replace(text)
}
