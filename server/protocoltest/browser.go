package protocoltest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// browser is what a person uses: it keeps cookies, logs in and decides.
type browser struct {
	jar    http.CookieJar
	refuse bool // the consent
	stay   bool // on the consent page
	logins int  // forms sent
}

// stranger is a browser that was never here.
func (p *probe) stranger() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.fail("no browser could be made: %v", err)
	}
	return &browser{jar: jar}
}

// somebody is a browser that may be logged in; the run keeps it.
func (p *probe) somebody() *browser {
	if p.person == nil {
		b := p.stranger()
		if name, value, ok := strings.Cut(p.config.Login.Cookie, "="); ok {
			if u, err := url.Parse(p.config.Issuer); err == nil {
				b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}}) //nolint:gosec // a cookie that is sent, not set
			}
		}
		p.person = b
		p.walk(b, p.send(b.jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential).Encode()), ""))
	}
	return p.person
}

// hops is how many pages and redirects lead from a request to its end.
const hops = 12

// walk goes on from an answer, through login, consent and the server's own
// redirects, until a redirect leads elsewhere or there is a page to stay on.
func (p *probe) walk(b *browser, r reply) reply {
	for range hops {
		switch {
		case r.location != nil && strings.HasPrefix(r.location.String(), origin(p.config.Issuer)+"/"):
			r = p.send(b.jar, http.MethodGet, r.location.String(), "")
		case r.location != nil || r.status >= http.StatusBadRequest:
			return r
		default:
			next, ok := p.fill(b, r)
			if !ok {
				return r
			}
			r = next
		}
	}
	p.fail("the browser was sent from page to page and came to no end")
	return r
}

// fill sends the login or consent form of a page, if it has one.
func (p *probe) fill(b *browser, r reply) (reply, bool) {
	button := p.config.Consent.Allow
	if b.refuse {
		button = p.config.Consent.Deny
	}
	for _, f := range forms(r.body) {
		password, isLogin := f.field(p.config.Login.PasswordField)
		switch pressed, isConsent := f.buttons[button]; {
		case isLogin:
			username, _ := f.field(p.config.Login.UsernameField)
			f.values.Set(username, p.config.Login.Username)
			f.values.Set(password, p.config.Login.Password)
			b.logins++
		case isConsent && b.stay:
			continue
		case isConsent:
			f.values.Set(pressed[0], pressed[1])
		default:
			continue
		}
		return p.submit(b, r, f), true
	}
	return r, false
}

func (p *probe) submit(b *browser, page reply, f webForm) reply {
	action, err := page.from.Parse(f.action)
	if err != nil {
		p.fail("a form of the server leads to no URL")
	}
	return p.send(b.jar, http.MethodPost, action.String(), f.values.Encode(), "Content-Type", form, "Origin", origin(p.config.Issuer))
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// webForm is a form of a page.
type webForm struct {
	id, action string
	values     url.Values
	names      map[string]string    // of fields, by id
	buttons    map[string][2]string // name and value, by id
}

// field returns the name of the field with that name or id.
func (f webForm) field(key string) (string, bool) {
	if f.values.Has(key) {
		return key, true
	}
	name, ok := f.names[key]
	return name, ok
}

func forms(body string) []webForm {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return nil
	}
	var found []webForm
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" {
			found = append(found, readForm(n))
		}
	}
	return found
}

func readForm(root *html.Node) webForm {
	f := webForm{id: attr(root, "id"), action: attr(root, "action"), values: url.Values{}, names: map[string]string{}, buttons: map[string][2]string{}}
	for n := range root.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "button" || n.Data == "input" && attr(n, "type") == "submit":
			f.buttons[attr(n, "id")] = [2]string{attr(n, "name"), attr(n, "value")}
		case n.Data == "input" && attr(n, "name") != "":
			f.values.Set(attr(n, "name"), attr(n, "value"))
			f.names[attr(n, "id")] = attr(n, "name")
		}
	}
	return f
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
