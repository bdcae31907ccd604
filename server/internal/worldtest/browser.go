package worldtest

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"
)

// Browser knows nothing of the server: it follows redirects within the issuer, keeps
// cookies, and posts the forms that it finds on pages.
type Browser struct {
	issuer string
	client *http.Client
}

// NewBrowser returns a browser without cookies, that trusts what the transport trusts.
func NewBrowser(issuer string, transport http.RoundTripper) *Browser {
	GinkgoHelper()
	jar, err := cookiejar.New(nil)
	Expect(err).NotTo(HaveOccurred())
	return &Browser{issuer: issuer, client: &http.Client{
		Transport: transport, Jar: jar,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), issuer+"/") {
				return nil
			}
			return http.ErrUseLastResponse
		},
	}}
}

// Alone returns the browser, as one that shows redirects rather than follow them.
func (b *Browser) Alone() *Browser {
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{issuer: b.issuer, client: &client}
}

// Do sends a request, with headers in pairs. A body is a form unless they say otherwise.
func (b *Browser) Do(method, address, body string, headers ...string) Page {
	GinkgoHelper()
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.client.Do(r)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	p := Page{
		Status: response.StatusCode, Address: response.Request.URL.String(), Header: response.Header,
		Location: response.Header.Get("Location"), Body: string(raw),
	}
	if p.Location != "" {
		u, err := url.Parse(p.Location)
		Expect(err).NotTo(HaveOccurred())
		p.Query, err = url.ParseQuery(u.RawQuery)
		Expect(err).NotTo(HaveOccurred())
	}
	p.Doc, err = html.Parse(strings.NewReader(p.Body))
	Expect(err).NotTo(HaveOccurred())
	return p
}

// Open visits a page of the issuer.
func (b *Browser) Open(path string) Page {
	GinkgoHelper()
	return b.Do(http.MethodGet, b.issuer+path, "")
}

// Submit posts a form of the page as the button with that id does, with fields filled
// in by pairs of name and value.
func (b *Browser) Submit(p Page, button string, fill ...string) Page {
	GinkgoHelper()
	form, fields := p.Form(button)
	maps.Copy(fields, Pairs(fill...))
	Expect(Attr(form, "method")).To(Equal("post"))
	return b.Do(http.MethodPost, Attr(form, "action"), fields.Encode())
}

// Login fills in the login page.
func (b *Browser) Login(p Page, username, password string) Page {
	GinkgoHelper()
	Expect(p.ByID("login")).NotTo(BeNil(), "not the login page: %d %s", p.Status, p.Body)
	return b.Submit(p, "submit", "username", username, "password", password)
}

// Cookie returns the cookie that the browser would send to the issuer, by the end of its
// name: "" for none.
func (b *Browser) Cookie(name string) string {
	GinkgoHelper()
	u, err := url.Parse(b.issuer + "/")
	Expect(err).NotTo(HaveOccurred())
	for _, c := range b.client.Jar.Cookies(u) {
		if strings.HasSuffix(c.Name, name) {
			return c.Value
		}
	}
	return ""
}
