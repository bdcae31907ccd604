package pages_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"

	"oauth-operator.dev/server/pages"
)

var _ = Describe("The pages", func() {
	const hostile = `"><script>alert(1)</script>'&` + "\x00\u202e"

	p := pages.New(pages.Options{Name: "Example " + hostile, Assets: "https://login.example/assets/"})
	show := func(page func(http.ResponseWriter)) (*httptest.ResponseRecorder, *html.Node) {
		GinkgoHelper()
		w := httptest.NewRecorder()
		page(w)
		doc, err := html.Parse(strings.NewReader(w.Body.String()))
		Expect(err).NotTo(HaveOccurred())
		return w, doc
	}
	login := func(l pages.Login) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { p.Login(w, http.StatusOK, l) }
	}
	consent := func(c pages.Consent) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { p.Consent(w, c) }
	}
	failure := func(e pages.Error) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { p.Error(w, e) }
	}

	It("show the notice that there is, each of them", func() {
		const notice = "Not <b>for</b> production."
		loud := pages.New(pages.Options{Name: "Example", Assets: "https://login.example/assets/", Notice: notice})
		for _, page := range []func(*pages.Pages, http.ResponseWriter){
			func(p *pages.Pages, w http.ResponseWriter) { p.Login(w, http.StatusOK, pages.Login{}) },
			func(p *pages.Pages, w http.ResponseWriter) { p.Consent(w, pages.Consent{}) },
			func(p *pages.Pages, w http.ResponseWriter) { p.Logout(w, pages.Logout{}) },
			func(p *pages.Pages, w http.ResponseWriter) { p.Error(w, pages.Error{Status: 400}) },
		} {
			_, doc := show(func(w http.ResponseWriter) { page(loud, w) })
			shown := ""
			for n := range doc.Descendants() {
				if attr(n, "id") == "notice" {
					shown = n.FirstChild.Data
				}
			}
			Expect(shown).To(Equal(notice))
			_, doc = show(func(w http.ResponseWriter) { page(p, w) })
			for n := range doc.Descendants() {
				Expect(attr(n, "id")).NotTo(Equal("notice"))
			}
		}
	})

	It("say how long access lasts, in the largest unit that has no remainder", func() {
		said := func(page func(http.ResponseWriter)) string {
			GinkgoHelper()
			_, doc := show(page)
			for n := range doc.Descendants() {
				if attr(n, "id") == "lifetime" {
					return n.FirstChild.Data
				}
			}
			return ""
		}
		for lifetime, words := range map[time.Duration]string{
			720 * time.Hour: "30 days", 24 * time.Hour: "1 day", 36 * time.Hour: "36 hours", time.Hour: "1 hour",
			90 * time.Minute: "90 minutes", time.Minute: "1 minute", 90 * time.Second: "90 seconds", time.Second: "1 second",
		} {
			expected := "Access lasts for " + words + " at most."
			Expect(said(consent(pages.Consent{Lifetime: lifetime}))).To(Equal(expected))
			Expect(said(func(w http.ResponseWriter) { p.DeviceConsent(w, pages.DeviceConsent{Lifetime: lifetime}) })).To(Equal(expected))
		}
		Expect(said(consent(pages.Consent{}))).To(BeEmpty())
	})

	It("escape everything, need no script, and label every field", func() {
		for _, page := range []func(http.ResponseWriter){
			login(pages.Login{Action: "https://login.example/login", State: hostile, Client: hostile, Username: hostile, Message: hostile}),
			consent(pages.Consent{Action: "https://login.example/consent", State: hostile, Client: hostile, ClientID: hostile, Destination: hostile, Name: hostile, Username: hostile, Scopes: []string{hostile}}),
			failure(pages.Error{Status: 400, Code: hostile, Title: hostile, Text: hostile, Details: []pages.Detail{{Name: hostile, Value: hostile}}}),
		} {
			_, doc := show(page)
			labelled, ids, headings := map[string]bool{}, map[string]bool{}, 0
			for n := range doc.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				Expect(n.Data).NotTo(BeElementOf("script", "style", "img", "iframe", "object", "base"))
				for _, a := range n.Attr {
					Expect(a.Key).NotTo(HavePrefix("on"))
					Expect(a.Key).NotTo(Equal("style"))
					if a.Key == "id" {
						Expect(ids).NotTo(HaveKey(a.Val), "ids are unique")
						ids[a.Val] = true
					}
				}
				switch n.Data {
				case "label":
					labelled[attr(n, "for")] = true
				case "input":
					if attr(n, "type") != "hidden" {
						Expect(labelled).To(HaveKey(attr(n, "id")))
						Expect(attr(n, "autocomplete")).To(BeElementOf("username", "current-password"))
					}
				case "html":
					Expect(attr(n, "lang")).To(Equal("en"))
				case "h1":
					headings++
				}
			}
			Expect(headings).To(Equal(1))
		}
	})

	logout := func(l pages.Logout) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { p.Logout(w, l) }
	}
	left := func(l pages.Left) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { p.Left(w, l) }
	}
	formPost := func(f pages.FormPost) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { p.FormPost(w, f) }
	}

	It("of a logout, of a device and of a form that is sent on escape everything too, and keep their ids", func() {
		for page, expected := range map[string]struct {
			show func(http.ResponseWriter)
			ids  []any
		}{
			"logout": {logout(pages.Logout{Action: "https://login.example/logout", State: hostile, Name: hostile, Username: hostile, Client: hostile}), []any{"logout", "state", "leave", "stay", "account"}},
			"left":   {left(pages.Left{Client: hostile, ReturnTo: "https://client.example/" + hostile}), []any{"left", "return"}},
			"stayed": {left(pages.Left{Stayed: true, Client: hostile, ReturnTo: "javascript:alert(1)"}), []any{"left", "return"}},
			"device": {func(w http.ResponseWriter) {
				p.Device(w, 200, pages.Device{Action: "https://login.example/device", State: hostile, UserCode: hostile, Message: hostile})
			}, []any{"device", "state", "user_code", "next", "message"}},
			"wait": {func(w http.ResponseWriter) {
				p.DeviceWait(w, pages.DeviceWait{UserCode: hostile, Next: "javascript:alert(1)", Seconds: 3})
			}, []any{"waiting", "user-code", "again"}},
			"allowing": {func(w http.ResponseWriter) {
				p.DeviceConsent(w, pages.DeviceConsent{Action: "https://login.example/device/confirm", State: hostile, UserCode: hostile, Client: hostile, ClientID: hostile, Name: hostile, Username: hostile, Scopes: []string{hostile}, Links: []pages.Link{{Text: hostile, URL: "javascript:alert(1)"}}})
			}, []any{"consent", "state", "allow", "deny", "switch", "another", "scopes", "client-id", "account", "user-code", "warning"}},
			"done":     {func(w http.ResponseWriter) { p.DeviceDone(w, pages.DeviceDone{Client: hostile, Allowed: true}) }, []any{"done"}},
			"formpost": {formPost(pages.FormPost{Action: "https://client.example/" + hostile, Destination: hostile, Fields: []pages.Field{{Name: hostile, Value: hostile}}}), []any{"respond", "continue", "destination"}},
		} {
			w, doc := show(expected.show)
			Expect(ids(doc)).To(ContainElements(expected.ids...), page)
			Expect(w.Body.String()).NotTo(ContainSubstring("alert(1)<"), page)
			Expect(w.Body.String()).NotTo(ContainSubstring("javascript:"), page)
			scripts := 0
			for n := range doc.Descendants() {
				if n.Type == html.ElementNode && n.Data == "script" {
					scripts++
					Expect(n.FirstChild).To(BeNil(), page)
				}
			}
			Expect(scripts).To(Equal(map[bool]int{true: 1}[page == "formpost"]), page)
		}
	})

	It("keep the ids that scripts rely on", func() {
		_, doc := show(login(pages.Login{Message: "no"}))
		Expect(ids(doc)).To(ContainElements("login", "state", "username", "password", "submit", "message"))
		_, doc = show(consent(pages.Consent{Scopes: []string{"s"}}))
		Expect(ids(doc)).To(ContainElements("consent", "state", "allow", "deny", "switch", "another", "scopes", "destination", "client-id", "account"))
		_, doc = show(failure(pages.Error{Status: 400}))
		Expect(ids(doc)).To(ContainElements("error-title", "error-text", "error-code"))
	})

	It("put the cursor where the person goes on", func() {
		focused := func(l pages.Login) string {
			_, doc := show(login(l))
			for n := range doc.Descendants() {
				for _, a := range n.Attr {
					if a.Key == "autofocus" {
						return attr(n, "id")
					}
				}
			}
			return ""
		}
		Expect(focused(pages.Login{})).To(Equal("username"))
		Expect(focused(pages.Login{Username: "alice"})).To(Equal("password"))
	})

	It("cut short what a stranger sent, between two characters", func() {
		w, _ := show(failure(pages.Error{Status: 400, Details: []pages.Detail{{Name: "n", Value: strings.Repeat("€", 500)}}}))
		Expect(strings.Count(w.Body.String(), "€")).To(Equal(85))
		Expect(utf8.ValidString(w.Body.String())).To(BeTrue())
	})

	DescribeTable("let the form lead to where the client is, by the scheme",
		func(returnTo, source string) {
			w, _ := show(consent(pages.Consent{ReturnTo: returnTo}))
			csp := w.Header().Get("Content-Security-Policy")
			want := strings.TrimSpace("form-action 'self' " + source)
			Expect(csp).To(HaveSuffix("; " + want))
		},
		Entry("https", "https://client.example/cb?x=1", "https:"),
		Entry("loopback", "http://127.0.0.1:5000/cb", "http:"),
		Entry("private-use scheme", "com.example.app:/cb", "com.example.app:"),
		Entry("attempt at a directive", "https://a.example;script-src/cb", "https:"),
		Entry("attempt at a list", "https://a.example,b/cb", "https:"),
		Entry("no URL", "%%%", ""),
		Entry("none", "", ""),
	)

	It("refer to assets that can be kept for ever", func() {
		w, _ := show(login(pages.Login{}))
		links := regexp.MustCompile(`href="https://login\.example(/assets/[a-z]+-[0-9a-f]{16}\.[a-z]+)"`).FindAllStringSubmatch(w.Body.String(), -1)
		Expect(links).To(HaveLen(2))
		for _, link := range links {
			a := httptest.NewRecorder()
			pages.Assets().ServeHTTP(a, httptest.NewRequest(http.MethodGet, link[1], nil))
			Expect(a.Code).To(Equal(http.StatusOK))
			Expect(a.Header().Get("Cache-Control")).To(Equal("public, max-age=31536000, immutable"))
			Expect(a.Header().Get("Content-Type")).To(BeElementOf("text/css; charset=utf-8", "image/svg+xml"))
			Expect(a.Body.Len()).To(BeNumerically(">", 100))

			again := httptest.NewRequest(http.MethodGet, link[1], nil)
			again.Header.Set("If-None-Match", a.Header().Get("ETag"))
			a = httptest.NewRecorder()
			pages.Assets().ServeHTTP(a, again)
			Expect(a.Code).To(Equal(http.StatusNotModified))
		}
		for path, status := range map[string]int{"/assets/": 404, "/assets/style.css": 404, "/assets/../pages.go": 404} {
			a := httptest.NewRecorder()
			pages.Assets().ServeHTTP(a, httptest.NewRequest(http.MethodGet, path, nil))
			Expect(a.Code).To(Equal(status))
			Expect(a.Header().Get("Cache-Control")).To(Equal("no-store"))
		}
		a := httptest.NewRecorder()
		pages.Assets().ServeHTTP(a, httptest.NewRequest(http.MethodPost, "/assets/", nil))
		Expect(a.Code).To(Equal(http.StatusMethodNotAllowed))
	})
})

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func ids(doc *html.Node) []string {
	var found []string
	for n := range doc.Descendants() {
		if id := attr(n, "id"); id != "" {
			found = append(found, id)
		}
	}
	return found
}
