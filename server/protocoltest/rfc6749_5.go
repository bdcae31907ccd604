package protocoltest

import (
	"net/http"
	"strings"
)

// tokenResponses is RFC 6749 §5.
func tokenResponses() []Case {
	const rfc = "RFC 6749"
	unkept := func(p *probe, r reply) {
		p.expect(strings.Contains(r.header.Get("Cache-Control"), "no-store"), "expected Cache-Control: no-store")
		p.expect(strings.Contains(r.header.Get("Pragma"), "no-cache"), "expected Pragma: no-cache")
	}
	ask := func(p *probe, pairs ...string) reply { return p.token(p.config.Confidential, values(pairs...)) }
	return []Case{
		{rfc, "5.1", "a", Must, "Tokens come as JSON with access_token and token_type, and expires_in as a number.", func(p *probe) {
			r := p.tokens(p.config.Confidential)
			p.expect(strings.HasPrefix(r.header.Get("Content-Type"), "application/json"), "expected application/json")
			_, number := r.json["expires_in"].(float64)
			p.expect(number, "expected expires_in as a number")
			p.expect(strings.EqualFold(r.text("token_type"), "Bearer") || strings.EqualFold(r.text("token_type"), "DPoP"), "expected a known token_type")
		}},
		{rfc, "5.1", "b", Must, "Nobody keeps a token response.", func(p *probe) { unkept(p, p.tokens(p.config.Confidential)) }},
		{rfc, "5.1", "b error", Choice, "Nobody keeps an error of the token endpoint.", func(p *probe) { unkept(p, ask(p, "grant_type", "x")) }},
		{rfc, "5.2", "a", Must, "Errors are JSON.", func(p *probe) {
			r := ask(p, "grant_type", "x")
			p.expect(strings.HasPrefix(r.header.Get("Content-Type"), "application/json"), "expected application/json, %s", r.came())
		}},
		{rfc, "5.2", "b", Must, "Who failed with an Authorization header gets 401 and a challenge of that scheme.", func(p *probe) {
			c := p.basicOnly()
			r := p.post(p.endpoint("token_endpoint"), redemption(c, "x").Encode(), "Authorization", "Basic "+basic(c.ID, c.Secret+"x"))
			p.unauthenticated(r)
			p.expect(strings.HasPrefix(strings.ToLower(r.header.Get("WWW-Authenticate")), "basic"), "expected WWW-Authenticate: Basic")
		}},
		{rfc, "5.2", "c grant_type", Must, "A missing grant_type is invalid_request.", func(p *probe) { p.refused(ask(p), http.StatusBadRequest, "invalid_request") }},
		{rfc, "5.2", "c unsupported", Must, "A grant_type that is not known is unsupported_grant_type.", func(p *probe) {
			p.refused(ask(p, "grant_type", "x"), http.StatusBadRequest, "unsupported_grant_type")
		}},
		{rfc, "5.2", "c unauthorized", Must, "A grant_type that the client may not use is unauthorized_client.", func(p *probe) {
			c := p.config.Exchange.Client
			if c.ID == "" {
				p.notSupported("The configuration has no client that may not use codes.")
			}
			p.refused(p.token(c, values("grant_type", "authorization_code", "code", "x", "code_verifier", verifier)), http.StatusBadRequest, "unauthorized_client")
		}},
		{rfc, "5.2", "d", Must, "An error says nothing but the characters that it may, whatever was sent.", func(p *probe) {
			r := ask(p, "grant_type", "\"\\\r\n<script>é")
			for _, c := range r.text("error") + r.text("error_description") {
				p.expect(c >= 0x20 && c <= 0x7E && c != '"' && c != '\\', "expected none but the characters of RFC 6749 §5.2")
			}
			p.expect(!strings.Contains(r.body, "script>"), "expected that the request is not repeated in the error")
		}},
	}
}

// refreshing is RFC 6749 §6.
func refreshing() []Case {
	const rfc = "RFC 6749"
	refresh := func(p *probe, c Client, token string, more ...string) reply {
		return p.token(c, values(append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...))
	}
	return []Case{
		{rfc, "6", "a", Must, "A refresh token gives a new access token.", func(p *probe) {
			token, _ := p.refreshToken(p.config.Confidential)
			p.granted(refresh(p, p.config.Confidential, token))
		}},
		{rfc, "6", "a other", Must, "The refresh token of another client is invalid_grant.", func(p *probe) {
			token, _ := p.refreshToken(p.config.Confidential)
			p.ask(p.config.Other)
			p.refreshToken(p.config.Other) // it may use them
			p.refused(refresh(p, p.config.Other, token), http.StatusBadRequest, "invalid_grant")
			p.unmoved(p.config.Confidential, token)
		}},
		{rfc, "6", "b", Must, "A scope that was not granted is invalid_scope.", func(p *probe) {
			token, _ := p.refreshToken(p.config.Confidential)
			p.refused(refresh(p, p.config.Confidential, token, "scope", p.config.Scope+" x_more"), http.StatusBadRequest, "invalid_scope")
			p.unmoved(p.config.Confidential, token)
		}},
		{rfc, "6", "c", Must, "A new refresh token keeps the scope of the old one, however narrow the access token.", func(p *probe) {
			scopes := strings.Fields(p.config.Scope)
			if len(scopes) < 2 {
				p.notSupported("The configuration has one scope only.")
			}
			token, first := p.refreshToken(p.config.Confidential)
			narrow := refresh(p, p.config.Confidential, token, "scope", scopes[0])
			p.granted(narrow)
			p.expect(narrow.text("scope") == scopes[0], "expected the narrower scope")
			if next := narrow.text("refresh_token"); next != "" {
				token = next
			}
			r := refresh(p, p.config.Confidential, token)
			p.granted(r)
			p.expect(r.text("scope") == first.text("scope") || first.text("scope") == "", "expected the whole scope again")
		}},
		{rfc, "6", "d", Must, "A refresh token that was never made is invalid_grant.", func(p *probe) {
			p.refreshToken(p.config.Confidential) // it may use them
			p.refused(refresh(p, p.config.Confidential, "x-unknown"), http.StatusBadRequest, "invalid_grant")
		}},
		{rfc, "6", "d missing", Must, "A missing refresh_token is invalid_request.", func(p *probe) {
			p.refreshToken(p.config.Confidential) // it may use them
			p.refused(p.token(p.config.Confidential, values("grant_type", "refresh_token")), http.StatusBadRequest, "invalid_request")
		}},
	}
}
