package server

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// hostile are texts that become something else where they are not escaped for the
// place that they stand in.
var hostile = []string{
	`" autofocus onfocus=alert(1) style="x" x='"><script>alert(1)</script>'><img src=x onerror=alert(1)>`,
	"</title></textarea></style></script><svg onload=alert(1)>\u2028alert(1)\u2029<!--<script>\u202e",
	`javascript:alert(1)//`,
	`data:text/html,<script>alert(1)</script>`,
}

// reflected are the parameters of every endpoint: those that mean something, and
// those that somebody could take for one that does.
var reflected = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
	"prompt", "max_age", "login_hint", "id_token_hint", "claims", "acr_values", "ui_locales", "claims_locales", "display", "request",
	"request_uri", "registration", "resource", "audience", "error", "error_description", "error_uri", "iss", "vendor",
	"username", "password", "decision", "logout_hint", "post_logout_redirect_uri",
	"grant_type", "code", "code_verifier", "refresh_token", "client_secret", "client_assertion", "client_assertion_type", "token",
	"token_type_hint", "subject_token", "subject_token_type", "requested_token_type", "actor_token", "access_token",
}

// tour has the value in that parameter of a request to each endpoint, and returns
// all that comes back, in one order.
func (s *site) tour(name, value string) (answers []reply) {
	GinkgoHelper()
	note := func(r reply) reply {
		answers = append(answers, r)
		return r
	}
	with := func(form url.Values) url.Values {
		form.Set(name, value)
		return form
	}
	for _, mode := range []string{"query", "form_post"} {
		g := newVisitorOf(s)
		ask := with(asking("response_mode", mode))
		page := note(g.send("GET", "/authorize?"+ask.Encode(), ""))
		note(g.post("/login", with(url.Values{"state": {stateOf(page.body)}, "username": {"ada"}, "password": {"wrong"}})))
		note(g.post("/login", with(url.Values{"state": {stateOf(page.body)}, "username": {"ada"}, "password": {secret}})))
		g.login()
		consent := note(g.send("GET", "/authorize?"+ask.Encode(), ""))
		note(g.post("/consent", with(url.Values{"state": {stateOf(consent.body)}, "decision": {"none"}})))
		note(g.post("/consent", url.Values{"state": {stateOf(consent.body)}, "decision": {"deny"}}))
		note(g.post("/authorize", ask))
		ask.Set("prompt", "none")
		note(g.send("GET", "/authorize?"+ask.Encode(), ""))
		note(newVisitorOf(s).send("GET", "/authorize?"+ask.Encode(), ""))
		for _, leave := range []url.Values{{}, {"client_id": {siteWeb}}, {"client_id": {siteWeb}, "post_logout_redirect_uri": {signedOut}}} {
			page = note(g.send("GET", "/logout?"+with(leave).Encode(), ""))
			note(g.post("/logout/confirm", with(url.Values{"state": {stateOf(page.body)}, "decision": {"stay"}})))
			note(newVisitorOf(s).send("GET", "/logout?"+with(leave).Encode(), ""))
		}
		note(g.send("GET", "/continue?"+with(url.Values{}).Encode(), ""))
	}
	for _, path := range []string{"/login", "/consent", "/nothing", "/assets/nothing", "/.well-known/openid-configuration", "/jwks", "/userinfo"} {
		note(s.send("GET", path+"?"+with(url.Values{}).Encode(), ""))
	}
	note(s.send("GET", "/"+url.PathEscape(value), ""))
	note(s.send("GET", "/assets/"+url.PathEscape(value), ""))
	for _, grantType := range []string{"authorization_code", "refresh_token", "client_credentials", oauth.GrantTokenExchange} {
		note(s.as(siteWeb, "/token", with(url.Values{"grant_type": {grantType}})))
	}
	for _, path := range []string{"/revoke", "/introspect", "/userinfo"} {
		note(s.as(siteWeb, path, with(url.Values{"token": {"x"}})))
		note(s.send("POST", path, with(url.Values{}).Encode(), name, strings.ToValidUTF8(strings.Map(printable, value), "")))
	}
	return answers
}

// printable keeps what the value of a header can have.
func printable(r rune) rune {
	if r < 0x20 || r > 0x7e {
		return -1
	}
	return r
}

// skeleton is what a page is made of: its elements, and the names of their
// attributes. Text, wherever it stands, is no part of it.
func skeleton(page string) (bones []string) {
	GinkgoHelper()
	doc, err := html.Parse(strings.NewReader(page))
	Expect(err).NotTo(HaveOccurred())
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			bones = append(bones, "comment")
		}
		if n.Type != html.ElementNode {
			continue
		}
		bone := n.Data
		for _, a := range n.Attr {
			bone += " " + a.Key
		}
		bones = append(bones, bone)
	}
	return bones
}

// leads are the attributes whose value a browser goes to, or fetches.
var leads = []string{"href", "src", "action", "formaction", "data", "poster", "background", "xlink:href", "srcset"}

// inert reports what of an answer is more than text, if anything is.
func inert(r reply, at string) error {
	kind := r.header.Get("Content-Type")
	switch {
	case strings.HasPrefix(kind, "text/html"):
	case r.body == "":
		return nil
	case r.header.Get("X-Content-Type-Options") != "nosniff":
		return fmt.Errorf("%s that a browser may take for a page", kind)
	case kind == "application/json" || kind == "text/plain; charset=utf-8" || kind == "application/jwk-set+json":
		return nil
	default:
		return fmt.Errorf("an answer of the type %q", kind)
	}
	if policy := r.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'") ||
		strings.Contains(policy, "unsafe") || strings.Contains(policy, "alert") {
		return fmt.Errorf("the policy %q", policy)
	}
	doc, err := html.Parse(strings.NewReader(r.body))
	if err != nil {
		return err
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "script" && n.FirstChild != nil {
			return fmt.Errorf("a script in the page: %s", n.FirstChild.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" || a.Key == "http-equiv" {
				return fmt.Errorf("the attribute %s=%q", a.Key, a.Val)
			}
			if slices.Contains(leads, a.Key) && !strings.HasPrefix(a.Val, at+"/") && !strings.HasPrefix(a.Val, "https://app.example.com/") {
				return fmt.Errorf("the attribute %s=%q", a.Key, a.Val)
			}
		}
	}
	return nil
}

var _ = Describe("XSS:", func() {
	// Each tour has a site of its own: one tries so many passwords that it is told
	// to wait.
	alike := func(name, value string, harmless []reply, bones [][]string) {
		GinkgoHelper()
		harmful := newSite(atRoot, quiet).tour(name, value)
		Expect(harmful).To(HaveLen(len(harmless)))
		for i, r := range harmful {
			where := fmt.Sprintf("%s=%s, answer %d: %s", name, value, i, r.body)
			Expect(inert(r, atRoot)).To(Succeed(), where)
			Expect(r.status).To(Equal(harmless[i].status), where)
			Expect(skeleton(r.body)).To(Equal(bones[i]), where)
			if location := r.header.Get("Location"); location != "" {
				Expect(location).To(MatchRegexp(`^https://(id|app)\.example\.com/[!#-;=?-~]*$`), where)
			}
			if strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
				Expect(r.body).NotTo(ContainSubstring("alert("), where)
			}
		}
	}

	It("through every reflected parameter of every endpoint, error_description among them, comes text and nothing else", func() {
		for _, name := range reflected {
			harmless := newSite(atRoot, quiet).tour(name, "harmless")
			bones := make([][]string, len(harmless))
			for i, r := range harmless {
				bones[i] = skeleton(r.body)
			}
			for _, value := range hostile {
				alike(name, value, harmless, bones)
			}
		}
	})

	It("through client metadata (names, policy URI, logo), scopes, the site's name and people's: comes text and nothing else", func() {
		// dressed is a site where everything that somebody names is called that.
		dressed := func(name, uri string) *site {
			s := newSite(atRoot, quiet)
			s.settings.DisplayName = name
			s.settings.Catalogue = []issuer.Scope{{Name: "openid", Default: true, Description: name}, {Name: "read", Description: name}}
			s.settings.Resources = append(s.settings.Resources, issuer.Resource{Identifier: "urn:api", Name: name})
			s.SetIssuers([]*issuer.Settings{})
			s.SetIssuers([]*issuer.Settings{s.settings})
			person := *s.person
			person.Name = name
			s.person = &person
			c := *s.clients[siteWeb]
			c.Name, c.Resources = name, []string{"urn:api"}
			c.OpenID.ClientURI, c.OpenID.PolicyURI, c.OpenID.TOSURI = uri, uri, uri
			s.clients[siteWeb] = &c
			return s
		}
		const about = "https://app.example.com/about"
		harmless := dressed("harmless", about).tour("resource", "urn:api")
		shown := regexp.MustCompile(`harmless`)
		count := 0
		for _, r := range harmless {
			count += len(shown.FindAllString(r.body, -1))
		}
		Expect(count).To(BeNumerically(">", 50), "the names are on the pages")
		for _, value := range hostile {
			for i, r := range dressed(value, about+value).tour("resource", "urn:api") {
				Expect(inert(r, atRoot)).To(Succeed(), r.body)
				Expect(skeleton(r.body)).To(Equal(skeleton(harmless[i].body)), r.body)
			}
		}
		for _, uri := range []string{
			"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
			"vbscript:x", "blob:https://app.example.com/x", "//evil.example", "http://app.example.com/", "\x01javascript:alert(1)", "https:javascript:alert(1)",
		} {
			for _, r := range dressed("harmless", uri).tour("resource", "urn:api") {
				Expect(inert(r, atRoot)).To(Succeed(), r.body)
				Expect(r.body).NotTo(ContainSubstring(`target="_blank"`), "no link leads to %s", uri)
			}
		}
	})

	It("through a username: comes text and nothing else", func() {
		harmless := newSite(atRoot, quiet)
		for _, value := range hostile {
			s := newSite(atRoot, quiet)
			person := *s.person
			person.Name, person.Username = "", value
			s.person = &person
			sign := func(s *site) []string {
				g := newVisitorOf(s)
				_, state := g.open("/authorize?" + asking().Encode())
				g.post("/login", url.Values{"state": {state}, "username": {s.person.Username}, "password": {secret}})
				consent := g.send("GET", "/authorize?"+asking().Encode(), "")
				ask := g.send("GET", "/logout", "")
				for _, r := range []reply{consent, ask} {
					Expect(r.status).To(Equal(http.StatusOK))
					Expect(inert(r, atRoot)).To(Succeed(), r.body)
				}
				return append(skeleton(consent.body), skeleton(ask.body)...)
			}
			nameless := *harmless.person
			nameless.Name = ""
			harmless.person = &nameless
			Expect(sign(s)).To(Equal(sign(harmless)))
		}
	})

	It("through a redirect URI in a registration, form_post: the form leads there, or nowhere, and runs nothing", func() {
		for _, uri := range []string{"javascript:alert(1)//", "data:text/html,<script>alert(1)</script>", `https://app.example.com/"><script>alert(1)</script>`, "com.example.app:/cb"} {
			s := newSite(atRoot, quiet)
			c := *s.clients[siteWeb]
			c.RedirectURIs = []registration.RedirectURI{registration.CompileRedirectURI(uri, false)}
			s.clients[siteWeb] = &c
			r := newVisitorOf(s).send("GET", "/authorize?"+asking("redirect_uri", uri, "response_mode", "form_post", "prompt", "none").Encode(), "")
			if r.header.Get("Location") == "" {
				Expect(inert(r, atRoot)).To(Succeed(), r.body)
			}
		}
	})
})
