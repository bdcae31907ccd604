package device_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"
)

// browser knows nothing of the server: it follows redirects within the issuer,
// keeps cookies, and posts the forms that it finds on pages.
type browser struct {
	world  *world
	client *http.Client
	jar    http.CookieJar
}

// answer is the page or the redirect that a visit ended with.
type answer struct {
	status   int
	address  string // of the page itself
	header   http.Header
	location string
	query    url.Values // of the location
	body     string
	doc      *html.Node
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	Expect(err).NotTo(HaveOccurred())
	b := &browser{world: w, jar: jar, client: &http.Client{Transport: w.http.Client().Transport, Jar: jar}}
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), w.settings.Issuer+"/") {
			return nil
		}
		return http.ErrUseLastResponse
	}
	return b
}

func (b *browser) do(method, address, body string, headers ...string) answer {
	GinkgoHelper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.client.Do(r)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	a := answer{status: response.StatusCode, address: response.Request.URL.String(), header: response.Header, location: response.Header.Get("Location"), body: string(raw)}
	if a.location != "" {
		u, err := url.Parse(a.location)
		Expect(err).NotTo(HaveOccurred())
		a.query, err = url.ParseQuery(u.RawQuery)
		Expect(err).NotTo(HaveOccurred())
	}
	a.doc, err = html.Parse(strings.NewReader(a.body))
	Expect(err).NotTo(HaveOccurred())
	return a
}

// open visits a page of the issuer.
func (b *browser) open(path string) answer {
	GinkgoHelper()
	return b.do(http.MethodGet, b.world.settings.Issuer+path, "")
}

// submit posts a form of the page as the button with that id does, with fields
// filled in by pairs of name and value.
func (b *browser) submit(a answer, button string, fill ...string) answer {
	GinkgoHelper()
	form, fields := formOf(a, button)
	for i := 0; i < len(fill); i += 2 {
		fields.Set(fill[i], fill[i+1])
	}
	Expect(attr(form, "method")).To(Equal("post"))
	return b.do(http.MethodPost, attr(form, "action"), fields.Encode())
}

// login fills in the login page.
func (b *browser) login(a answer, username, password string) answer {
	GinkgoHelper()
	Expect(a.byID("login")).NotTo(BeNil(), "not the login page: %d %s", a.status, a.body)
	return b.submit(a, "submit", "username", username, "password", password)
}

// signIn leaves the browser with a session, on the page for the code.
func (b *browser) signIn(username string) answer {
	GinkgoHelper()
	password := map[string]string{"alice": "correct horse", "bob": "battery staple"}[username]
	a := b.login(b.open("/device"), username, password)
	Expect(a.byID("user_code")).NotTo(BeNil(), a.body)
	return a
}

// enter types the code of a device.
func (b *browser) enter(code string) answer {
	GinkgoHelper()
	return b.submit(b.open("/device"), "next", "user_code", code)
}

// cookie returns the cookie that the browser would send to the issuer.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.world.settings.Issuer + "/device")
	for _, c := range b.jar.Cookies(u) {
		if strings.HasSuffix(c.Name, name) {
			return c.Value
		}
	}
	return ""
}

// errorCode returns what the error page shows: "" on any other page.
func (a answer) errorCode() string { return text(a.byID("error-code")) }

func (a answer) byID(id string) *html.Node {
	return find(a.doc, func(n *html.Node) bool { return attr(n, "id") == id })
}

// formOf returns the form that the button stands in, and its fields.
func formOf(a answer, button string) (*html.Node, url.Values) {
	GinkgoHelper()
	pressed := a.byID(button)
	Expect(pressed).NotTo(BeNil(), "no button %s: %d %s", button, a.status, a.body)
	form := pressed
	for form.Data != "form" {
		form = form.Parent
	}
	fields := url.Values{}
	for _, input := range all(form, func(n *html.Node) bool { return n.Data == "input" }) {
		fields.Set(attr(input, "name"), attr(input, "value"))
	}
	if name := attr(pressed, "name"); name != "" {
		fields.Set(name, attr(pressed, "value"))
	}
	return form, fields
}

func all(n *html.Node, is func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for child := range n.Descendants() {
		if child.Type == html.ElementNode && is(child) {
			found = append(found, child)
		}
	}
	return found
}

func find(n *html.Node, is func(*html.Node) bool) *html.Node {
	if found := all(n, is); len(found) > 0 {
		return found[0]
	}
	return nil
}

// attr returns an attribute: "" where there is no such element either.
func attr(n *html.Node, name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text returns what a person reads in the element.
func text(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return strings.TrimSpace(b.String())
}
