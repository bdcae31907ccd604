package protocoltest

import (
	"net/http"
)

// bestPractice is RFC 9700.
func bestPractice() []Case {
	const rfc = "RFC 9700"
	noGrant := func(section, item, says string, pairs ...string) Case {
		return Case{rfc, section, item, Must, says, func(p *probe) {
			r := p.token(p.config.Confidential, values(pairs...))
			p.nothing(r)
			p.expect(r.text("error") == "unsupported_grant_type" || r.text("error") == "unauthorized_client", "expected unsupported_grant_type, %s", r.came())
		}}
	}
	implicit := func(responseType string) Case {
		return Case{rfc, "2.1.2", responseType, Must, "The response type " + responseType + " is not there.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, "response_type", responseType, "nonce", "n").Encode())
			p.nothing(r)
			p.expect(r.location == nil || r.location.Fragment == "", "expected nothing in a fragment")
			p.expect(r.query.Get("error") == "unsupported_response_type", "expected unsupported_response_type, %s", r.came())
		}}
	}
	return []Case{
		implicit("token"), implicit("id_token"), implicit("code token"),
		noGrant("2.4", "password", "There is no password grant.", "grant_type", "password", "username", "x", "password", "y"),
		{rfc, "4.8.2", "downgrade", Must, "A verifier for a code without a challenge gets nothing.", func(p *probe) {
			c := p.config.Confidential
			r := p.authorize(p.ask(c, "code_challenge", "-", "code_challenge_method", "-").Encode())
			if r.query.Get("code") == "" {
				return // PKCE is for everybody here
			}
			p.refused(p.token(c, redemption(c, r.query.Get("code"))), http.StatusBadRequest, "invalid_grant", "invalid_request")
		}},
		{rfc, "4.12", "303", Should, "After a form, the browser is sent on with 303, and never with 307.", func(p *probe) {
			if p.config.Login.Username == "" {
				p.notSupported("The configuration does not say how to log in with a form.")
			}
			b := p.stranger()
			r := p.walk(b, p.send(b.jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential, "prompt", "consent").Encode()), ""))
			p.expect(r.location != nil && r.status == http.StatusSeeOther, "expected 303, %s", r.came())
		}},
		{rfc, "2.1", "CORS", Must, "The authorization endpoint has no CORS.", func(p *probe) {
			r := p.send(p.stranger().jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential).Encode()), "", "Origin", "https://evil.example")
			p.expect(r.header.Get("Access-Control-Allow-Origin") == "", "expected no Access-Control-Allow-Origin")
		}},
		{rfc, "4.11.2", "login", Must, "Nobody is redirected to a client before the login, also not with an error.", func(p *probe) {
			r := p.send(p.stranger().jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential, "scope", "x_unknown").Encode()), "")
			p.expect(r.location == nil || r.location.Host == p.host(), "expected the login first, %s", r.came())
		}},
		{rfc, "4.14.2", "reuse", Must, "A public client's refresh tokens are rotated.", func(p *probe) {
			token, _ := p.refreshToken(p.config.Public)
			r := p.token(p.config.Public, values("grant_type", "refresh_token", "refresh_token", token))
			p.granted(r)
			p.expect(r.text("refresh_token") != "" && r.text("refresh_token") != token, "expected another refresh token")
		}},
		{rfc, "4.14.2", "older", Must, "A refresh token from before the last one is refused, and ends the grant.", olderRefreshToken},
		{rfc, "4.2.4", "referrer", Should, "Pages send no referrer.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, "client_id", "x").Encode())
			p.expect(r.header.Get("Referrer-Policy") == "no-referrer", "expected Referrer-Policy: no-referrer")
		}},
		{rfc, "4.3.1", "token in URL", Must, "No access token is in the URL of a response.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential).Encode())
			p.expect(!r.query.Has("access_token") && !r.query.Has("id_token"), "expected a code and nothing else")
		}},
		{rfc, "4.13", "host", Must, "A forwarded host does not change the issuer.", func(p *probe) {
			r := p.wellKnown("X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example")
			p.expect(r.status == http.StatusOK && r.text("issuer") == p.config.Issuer, "expected the metadata with the issuer as it is, %s", r.came())
		}},
	}
}

// olderRefreshToken refreshes twice, and then with the first token again.
func olderRefreshToken(p *probe) {
	c := p.config.Public
	refresh := func(token string) reply {
		return p.token(c, values("grant_type", "refresh_token", "refresh_token", token))
	}
	oldest, _ := p.refreshToken(c)
	token := oldest
	for range 2 {
		r := refresh(token)
		p.granted(r)
		if next := r.text("refresh_token"); next == "" || next == token {
			p.notSupported("Refresh tokens are not replaced.")
		}
		token = r.text("refresh_token")
	}
	p.refused(refresh(oldest), http.StatusBadRequest, "invalid_grant")
	p.refused(refresh(token), http.StatusBadRequest, "invalid_grant")
}
