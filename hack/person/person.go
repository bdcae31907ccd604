// Package person is somebody with a browser: it follows redirects, keeps
// cookies, and fills in the login and consent pages by the ids of their fields.
// The demo, the tests of the whole journey and the benchmarks log in with it.
package person

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Person is a resource owner with a browser.
type Person struct {
	Username string
	Password string

	// Refuse has the person deny consent.
	Refuse bool

	// Watch is told of each answer that the browser got. It may be nil.
	Watch func(*Page)

	browser *http.Client
}

// Page is an answer that the browser got: a page, or a redirect.
type Page struct {
	Request  *http.Request
	Status   int
	Header   http.Header
	Body     string
	Location *url.URL // where a redirect leads; nil otherwise

	forms map[string]form
}

// form is a form of a page, found by its id.
type form struct {
	action string
	values url.Values
}

// New returns a person with a fresh browser. The transport is that of
// http.DefaultClient where it is nil.
func New(username, password string, transport http.RoundTripper) (*Person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &Person{Username: username, Password: password, browser: &http.Client{
		Jar:       jar,
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // Visit follows, one by one
		},
	}}, nil
}

// maxHops bounds how far a person lets themselves be sent around.
const maxHops = 20

// Visit opens the URL, logs in, confirms the code of a device and consents where it is asked to, and follows
// every redirect until there is a page that asks for neither, or a redirect to
// an address that stop says yes to: that one is returned and not followed.
func (p *Person) Visit(ctx context.Context, address string, stop func(*url.URL) bool) (*Page, error) {
	page, err := p.get(ctx, address)
	if err != nil {
		return nil, err
	}
	return p.Follow(ctx, page, stop)
}

// Follow goes on from a page as Visit does.
func (p *Person) Follow(ctx context.Context, page *Page, stop func(*url.URL) bool) (*Page, error) {
	var err error
	for hops := 0; err == nil; hops++ {
		if hops >= maxHops {
			return nil, errors.New("the browser was redirected too often")
		}
		var next func() (*Page, error)
		switch {
		case page.Location != nil && stop != nil && stop(page.Location):
			return page, nil
		case page.Location != nil:
			next = func() (*Page, error) { return p.get(ctx, page.Location.String()) }
		case page.has("login") && page.Status == http.StatusOK:
			next = func() (*Page, error) {
				return p.Submit(ctx, page, "login", url.Values{"username": {p.Username}, "password": {p.Password}})
			}
		case page.has("device") && page.forms["device"].values.Get("user_code") != "" && page.Status == http.StatusOK:
			// The complete address of a device has filled it in (RFC 8628 §3.3.1).
			next = func() (*Page, error) { return p.Submit(ctx, page, "device", nil) }
		case page.has("consent"):
			next = func() (*Page, error) { return p.decide(ctx, page) }
		default:
			return page, nil
		}
		page, err = next()
	}
	return nil, err
}

func (p *Person) decide(ctx context.Context, page *Page) (*Page, error) {
	button := "allow"
	if p.Refuse {
		button = "deny"
	}
	name, value, ok := page.button(button)
	if !ok {
		return nil, fmt.Errorf("the consent page has no button %q", button)
	}
	return p.Submit(ctx, page, "consent", url.Values{name: {value}})
}

// Submit sends the form of that id on the page, with these values set in it.
func (p *Person) Submit(ctx context.Context, page *Page, id string, values url.Values) (*Page, error) {
	f, ok := page.forms[id]
	if !ok {
		return nil, fmt.Errorf("the page has no form %q", id)
	}
	filled := url.Values{}
	for name, vs := range f.values {
		filled[name] = vs
	}
	for name, vs := range values {
		filled[name] = vs
	}
	action, err := page.Request.URL.Parse(f.action)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(filled.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(request)
}

func (p *Person) get(ctx context.Context, address string) (*Page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return p.do(request)
}

func (p *Person) do(request *http.Request) (*Page, error) {
	response, err := p.browser.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	page := &Page{Request: request, Status: response.StatusCode, Header: response.Header, Body: string(body), forms: map[string]form{}}
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		if page.Location, err = response.Location(); err != nil {
			return nil, err
		}
	}
	root, err := html.Parse(strings.NewReader(page.Body))
	if err != nil {
		return nil, err
	}
	page.collect(root)
	if p.Watch != nil {
		p.Watch(page)
	}
	return page, nil
}
