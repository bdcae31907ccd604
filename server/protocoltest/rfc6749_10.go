package protocoltest

import (
	"net/http"
	"net/url"
	"strings"
)

// unframed expects a page that no other page may show within itself.
func (p *probe) unframed(r reply) {
	p.expect(r.header.Get("X-Frame-Options") == "DENY" || strings.Contains(r.header.Get("Content-Security-Policy"), "frame-ancestors 'none'"),
		"expected that the page refuses to be framed")
}

// pageSecurity is RFC 6749 §10.
func pageSecurity() []Case {
	const rfc = "RFC 6749"
	login := func(p *probe) reply {
		b := p.stranger()
		r := p.send(b.jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential, "prompt", "login").Encode()), "")
		for range hops {
			if r.location == nil || r.location.Host != p.host() {
				break
			}
			r = p.send(b.jar, http.MethodGet, r.location.String(), "")
		}
		return r
	}
	failing := func(p *probe) reply {
		return p.authorize(p.ask(p.config.Confidential, "client_id", "x-unknown").Encode())
	}
	inert := func(item string, changes ...string) Case {
		return Case{rfc, "10.14", item, Must, "What a request says stays inert on pages: " + item + ".", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, changes...).Encode())
			p.expect(!strings.Contains(strings.ToLower(r.body), "<script>alert"), "expected that the page escapes what it repeats")
		}}
	}
	const script = `"><script>alert(1)</script>`
	return []Case{
		{rfc, "10.12", "login", Must, "A login form that another site sends logs nobody in.", func(p *probe) {
			page := login(p)
			for _, f := range forms(page.body) {
				password, ok := f.field(p.config.Login.PasswordField)
				if !ok {
					continue
				}
				username, _ := f.field(p.config.Login.UsernameField)
				action, err := page.from.Parse(f.action)
				p.expect(err == nil, "expected a form that leads to a URL")
				// Another browser has no part of what the form belongs to.
				other := p.stranger()
				f.values.Set(username, p.config.Login.Username)
				f.values.Set(password, p.config.Login.Password)
				p.nothing(p.send(other.jar, http.MethodPost, action.String(), f.values.Encode(), "Content-Type", form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"))
				r := p.send(other.jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential, "prompt", "none").Encode()), "")
				p.expect(r.query.Get("error") == "login_required", "expected that nobody is logged in, %s", r.came())
				return
			}
			p.notSupported("There is no login form.")
		}},
		{rfc, "10.13", "login", Should, "The login page refuses to be framed.", func(p *probe) { p.unframed(login(p)) }},
		{rfc, "10.13", "error", Should, "The error page refuses to be framed.", func(p *probe) { p.unframed(failing(p)) }},
		inert("client_id", "client_id", script), inert("redirect_uri", "redirect_uri", "https://evil.example/"+script),
		{rfc, "10.14", "login_hint", Must, "What a request says stays inert on the login page.", func(p *probe) {
			b := p.stranger()
			r := p.send(b.jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential, "login_hint", script, "ui_locales", script).Encode()), "")
			if r.location != nil && r.location.Host == p.host() {
				r = p.send(b.jar, http.MethodGet, r.location.String(), "")
			}
			p.expect(!strings.Contains(strings.ToLower(r.body), "<script>alert"), "expected that the page escapes what it repeats")
		}},
		{rfc, "10.14", "state", Must, "Line breaks in the state split no header.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, "state", "x\r\nX-Injected: 1").Encode())
			p.expect(r.header.Get("X-Injected") == "", "expected no header out of the state")
			p.expect(r.location == nil || !strings.ContainsAny(r.header.Get("Location"), "\r\n"), "expected no line break in Location")
		}},
		{rfc, "10.15", "error", Must, "An error page sends nobody on.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, "redirect_uri", "https://evil.example/").Encode() + "&next=" + url.QueryEscape("https://evil.example/"))
			p.page(r)
			p.expect(!strings.Contains(r.body, `href="https://evil.example`) && !strings.Contains(strings.ToLower(r.body), "http-equiv=\"refresh"), "expected a page without a way to the address of the request")
		}},
	}
}
