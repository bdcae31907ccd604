package protocoltest

import (
	"net/http"
	"net/url"
	"strings"
)

// secrecy is RFC 6749 §10.10.
func secrecy() []Case {
	const rfc = "RFC 6749"
	return []Case{{rfc, "10.10", "length", Should, "Codes and tokens have room for 160 random bits, and none comes twice.", func(p *probe) {
		const room = 160 / 6 // characters of base64url
		seen := map[string]bool{}
		note := func(what, value string) {
			p.expect(len(value) > room, "expected a longer %s", what)
			p.expect(!seen[value], "expected another %s each time", what)
			seen[value] = true
		}
		c := p.config.Confidential
		for range 5 {
			code := p.code(c)
			note("code", code)
			r := p.token(c, redemption(c, code))
			p.granted(r)
			note("access token", r.text("access_token"))
			if token := r.text("refresh_token"); token != "" {
				note("refresh token", token)
			}
		}
	}}}
}

// appendices are RFC 6749, Appendices A and B.
func appendices() []Case {
	const rfc = "RFC 6749"
	const control = "a\x00\x07\x1b\x7f\r\n\u0085\u20ac\xff"
	return []Case{
		{rfc, "A", "token", Must, "What no code, token or secret can be is refused by the token endpoint, and is no fault.", func(p *probe) {
			c := p.config.Confidential
			for _, v := range []url.Values{
				values("grant_type", "authorization_code", "code", control, "redirect_uri", c.RedirectURIs[0], "code_verifier", verifier),
				values("grant_type", "authorization_code", "code", "x", "redirect_uri", control, "code_verifier", control),
				values("grant_type", "refresh_token", "refresh_token", control), values("grant_type", control),
			} {
				r := p.token(c, v)
				p.nothing(r)
				p.expect(r.status == http.StatusBadRequest && r.text("error") != "", "expected 400 with an error, %s", r.came())
			}
			for _, v := range []url.Values{values("client_id", control), values("client_id", c.ID, "client_secret", control)} {
				v.Set("grant_type", "client_credentials")
				r := p.post(p.endpoint("token_endpoint"), v.Encode())
				p.nothing(r)
				p.expect(r.status == http.StatusBadRequest || r.status == http.StatusUnauthorized, "expected 400 or 401, %s", r.came())
			}
		}},
		{rfc, "A", "authorization", Must, "What no parameter can be is refused by the authorization endpoint, and is no fault.", func(p *probe) {
			c := p.config.Confidential
			for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope", "code_challenge"} {
				r := p.authorize(p.ask(c, name, control).Encode())
				p.nothing(r)
				p.expect(r.location != nil && r.at(c.RedirectURIs[0]) && r.query.Get("error") != "" && r.query.Get("error") != "server_error" ||
					r.location == nil && r.status >= 400 && r.status < 500, "expected an error that is no fault for %s, %s", name, r.came())
			}
		}},
		{rfc, "B", "", Must, "Parameters are UTF-8 in the form encoding.", func(p *probe) {
			// The example of Appendix B, which is " %&+" and two characters that are not ASCII.
			const coded, plain = "+%25%26%2B%C2%A3%E2%82%AC", " %&+\u00a3\u20ac"
			query := p.ask(p.config.Confidential, "state", "-").Encode() + "&state=" + coded
			r := p.authorize(query)
			p.expect(r.query.Get("code") != "" && r.query.Get("state") == plain, "expected a code and the very state that was sent, %s", r.came())
			p.expect(!strings.ContainsAny(r.header.Get("Location"), " \u00a3\u20ac"), "expected a Location of characters that a URI can have")
		}},
	}
}
