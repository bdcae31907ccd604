package server

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
)

// guest is a browser of the plainest kind: it keeps cookies, and does what a spec
// says.
type guest struct {
	site    *site
	cookies []*http.Cookie
}

func newVisitorOf(s *site) *guest { return &guest{site: s} }

// send sends a request with the cookies, and takes those of the answer.
func (g *guest) send(method, path, body string, headers ...string) reply {
	GinkgoHelper()
	for _, c := range g.cookies {
		headers = append(headers, "Cookie", c.Name+"="+c.Value)
	}
	r := g.site.send(method, path, body, headers...)
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		g.cookies = slices.DeleteFunc(g.cookies, func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			g.cookies = append(g.cookies, c)
		}
	}
	return r
}

// open gets a page, by way of the redirects of the issuer, and the state that is
// sealed into it.
func (g *guest) open(path string) (page, state string) {
	GinkgoHelper()
	r := g.send("GET", path, "")
	for next, own := strings.CutPrefix(r.header.Get("Location"), g.site.settings.Issuer); own; next, own = strings.CutPrefix(r.header.Get("Location"), g.site.settings.Issuer) {
		r = g.send("GET", next, "")
	}
	return r.body, stateOf(r.body)
}

func (g *guest) post(path string, form url.Values, headers ...string) reply {
	GinkgoHelper()
	return g.send("POST", path, form.Encode(), headers...)
}

// login signs the person in.
func (g *guest) login() {
	GinkgoHelper()
	_, state := g.open("/authorize?" + asking().Encode())
	g.post("/login", url.Values{"state": {state}, "username": {"ada"}, "password": {secret}})
}

var hiddenState = regexp.MustCompile(`name="state" value="([^"]+)"`)

func stateOf(page string) string {
	if found := hiddenState.FindStringSubmatch(page); found != nil {
		return found[1]
	}
	return ""
}
