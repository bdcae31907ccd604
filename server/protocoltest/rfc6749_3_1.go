package protocoltest

import (
	"net/http"
	"net/url"
	"strings"
)

// authorizationEndpoint is RFC 6749 §3.1 and §3.3.
func authorizationEndpoint() []Case {
	const rfc = "RFC 6749"
	says := func(section, item, sentence, errorCode string, changes ...string) Case {
		return Case{rfc, section, item, Must, sentence, func(p *probe) {
			c := p.config.Confidential
			p.told(p.authorize(p.ask(c, changes...).Encode()), c, errorCode)
		}}
	}
	return []Case{
		{rfc, "3.1", "a GET", Must, "The authorization endpoint answers GET.", func(p *probe) { p.code(p.config.Confidential) }},
		{rfc, "3.1", "b", Must, "Nothing is granted before the person is known.", func(p *probe) {
			b := p.stranger()
			r := p.send(b.jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential).Encode()), "")
			p.nothing(r)
			p.expect(r.location == nil || r.location.Host == p.host(), "expected the login, %s", r.came())
		}},
		{rfc, "3.1", "d state", Must, "An empty state counts as none, so none comes back.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, "state", "").Encode())
			p.expect(r.query.Get("code") != "" && !r.query.Has("state"), "expected a code and no state, %s", r.came())
		}},
		{rfc, "3.1", "d prompt", Must, "An empty parameter counts as none.", func(p *probe) {
			p.code(p.config.Confidential, "prompt", "", "max_age", "", "response_mode", "")
		}},
		{rfc, "3.1", "e", Must, "Unknown parameters are ignored.", func(p *probe) { p.code(p.config.Confidential, "x_unknown", "1") }},
		{rfc, "3.1", "f client_id", Must, "A second client_id is told to the person, without a redirect.", func(p *probe) {
			p.page(p.authorize(p.ask(p.config.Confidential).Encode() + "&client_id=" + url.QueryEscape(p.config.Confidential.ID)))
		}},
		{rfc, "3.1", "f redirect_uri", Must, "A second redirect_uri is told to the person, without a redirect.", func(p *probe) {
			c := p.config.Confidential
			p.page(p.authorize(p.ask(c).Encode() + "&redirect_uri=" + url.QueryEscape(c.RedirectURIs[0])))
		}},
		{rfc, "3.1", "f", Must, "Any other parameter that comes twice is invalid_request.", func(p *probe) {
			c := p.config.Confidential
			for _, twice := range []string{"scope=" + url.QueryEscape(p.config.Scope), "state=other", "response_type=code", "code_challenge_method=S256", "x=1&x=1"} {
				p.told(p.authorize(p.ask(c).Encode()+"&"+twice), c, "invalid_request")
			}
		}},
		says("3.1.1", "a missing", "A missing response_type is invalid_request.", "invalid_request", "response_type", "-"),
		says("3.1.1", "a unknown", "An unknown response_type is unsupported_response_type.", "unsupported_response_type", "response_type", "x_unknown"),
		{rfc, "3.3", "c", Must, "Without a scope there is the default one, or invalid_scope.", func(p *probe) {
			c := p.config.Confidential
			r := p.authorize(p.ask(c, "scope", "-").Encode())
			if r.query.Get("code") == "" {
				p.told(r, c, "invalid_scope")
				return
			}
			tokens := p.token(c, redemption(c, r.query.Get("code")))
			p.granted(tokens)
			p.expect(tokens.text("scope") != "", "expected the response to say which scope that was")
		}},
		says("3.3", "a", "A scope with a character that none may have is invalid_scope.", "invalid_scope", "scope", `a"b`),
		says("3.3", "a unknown", "A scope that is not there is invalid_scope.", "invalid_scope", "scope", "x_unknown_scope"),
	}
}

func (p *probe) host() string {
	return strings.TrimPrefix(strings.TrimPrefix(origin(p.config.Issuer), "https://"), "http://")
}

// redirection is RFC 6749 §3.1.2.
func redirection() []Case {
	const rfc = "RFC 6749"
	elsewhere := func(item string, change func(string) string) Case {
		return Case{rfc, "3.1.2.3", "b " + item, Must, "A redirect_uri that differs in anything is never redirected to: " + item + ".", func(p *probe) {
			c := p.config.Confidential
			other := change(c.RedirectURIs[0])
			if other == c.RedirectURIs[0] {
				p.notSupported("The redirect URI of the configuration has no such variant.")
			}
			p.page(p.authorize(p.ask(c, "redirect_uri", other).Encode()))
		}}
	}
	host := func(change func(*url.URL)) func(string) string {
		return func(s string) string {
			u, err := url.Parse(s)
			if err != nil {
				return s
			}
			change(u)
			return u.String()
		}
	}
	return []Case{
		elsewhere("another host", host(func(u *url.URL) { u.Host = "evil.example" })),
		elsewhere("a port", host(func(u *url.URL) { u.Host = u.Hostname() + ":4433" })),
		elsewhere("the default port", host(func(u *url.URL) { u.Host = u.Hostname() + ":443" })),
		elsewhere("userinfo", host(func(u *url.URL) { u.User = url.UserPassword(u.Hostname(), "80") })),
		elsewhere("a host before the at sign", func(s string) string { return strings.TrimSuffix(s, "/") + "@evil.example/" }),
		elsewhere("a subdomain", host(func(u *url.URL) { u.Host = "x." + u.Host })),
		elsewhere("a host that only begins like it", host(func(u *url.URL) { u.Host += ".evil.example" })),
		elsewhere("a dot behind the host", host(func(u *url.URL) { u.Host += "." })),
		elsewhere("the host in capitals", host(func(u *url.URL) { u.Host = strings.ToUpper(u.Host) })),
		elsewhere("the path in capitals", host(func(u *url.URL) { u.Path = strings.ToUpper(u.Path) })),
		elsewhere("a slash more", func(s string) string { return s + "/" }),
		elsewhere("a path below", func(s string) string { return s + "/below" }),
		elsewhere("dot segments", func(s string) string { return s + "/../evil" }),
		elsewhere("encoded dot segments", func(s string) string { return s + "/%2e%2e/evil" }),
		elsewhere("an encoded slash", func(s string) string { return s + "%2F" }),
		elsewhere("a query", func(s string) string { return s + "?x=1" }),
		elsewhere("a fragment", func(s string) string { return s + "#x" }),
		elsewhere("a space behind", func(s string) string { return s + " " }),
		elsewhere("a line feed behind", func(s string) string { return s + "\n" }),
		elsewhere("a backslash", func(s string) string { return s + `\` }),
		elsewhere("javascript", func(string) string { return "javascript:alert(1)" }),
		elsewhere("no scheme", func(string) string { return "//evil.example/" }),
		elsewhere("another client's", func(string) string { return "https://evil.example/callback" }),
		{rfc, "3.1.2.4", "client", Must, "An unknown client is told to the person, without a redirect.", func(p *probe) {
			p.page(p.authorize(p.ask(p.config.Confidential, "client_id", "x-unknown-client").Encode()))
		}},
		{rfc, "3.1.2.4", "no client", Must, "A missing client_id is told to the person, without a redirect.", func(p *probe) {
			p.page(p.authorize(p.ask(p.config.Confidential, "client_id", "-").Encode()))
		}},
	}
}
