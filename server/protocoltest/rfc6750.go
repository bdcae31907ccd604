package protocoltest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (p *probe) userinfo(token string) reply {
	return p.send(nil, http.MethodGet, p.endpoint("userinfo_endpoint"), "", "Authorization", "Bearer "+token)
}

// without returns the scope of the configuration without one of its values.
func (p *probe) without(scope string) string {
	rest := slices.DeleteFunc(strings.Fields(p.config.Scope), func(s string) bool { return s == scope })
	if len(rest) == 0 {
		p.notSupported("The configuration has no scope but " + scope + ".")
	}
	return strings.Join(rest, " ")
}

// bearerTokens is RFC 6750, with the UserInfo endpoint as the resource.
func bearerTokens() []Case {
	const rfc = "RFC 6750"
	challenged := func(p *probe, r reply, status int, code string) {
		challenge := r.header.Get("WWW-Authenticate")
		p.expect(r.status == status && strings.HasPrefix(strings.ToLower(challenge), "bearer"), "expected %d and WWW-Authenticate: Bearer, %s", status, r.came())
		p.expect(code == "" && !strings.Contains(challenge, "error=") || code != "" && strings.Contains(challenge, `error="`+code+`"`),
			"expected a challenge with %s", said(code))
	}
	return []Case{
		{rfc, "3", "none", Must, "Without a token there is a bare challenge.", func(p *probe) {
			challenged(p, p.send(nil, http.MethodGet, p.endpoint("userinfo_endpoint"), ""), http.StatusUnauthorized, "")
		}},
		{rfc, "3.1", "invalid_token", Must, "A bad token is invalid_token.", func(p *probe) {
			challenged(p, p.userinfo("x-unknown"), http.StatusUnauthorized, "invalid_token")
		}},
		{rfc, "3.1", "signature", Must, "A token whose signature was changed is invalid_token.", func(p *probe) {
			token := p.tokens(p.config.Confidential).text("access_token")
			middle := len(token) - 20
			changed := byte('A')
			if token[middle] == changed {
				changed = 'B'
			}
			challenged(p, p.userinfo(token[:middle]+string(changed)+token[middle+1:]), http.StatusUnauthorized, "invalid_token")
		}},
		{rfc, "3.1", "insufficient_scope", Must, "A token without the scope openid is insufficient_scope.", func(p *probe) {
			address, scope := p.endpoint("userinfo_endpoint"), p.without("openid")
			token := p.tokens(p.config.Confidential, "scope", scope).text("access_token")
			challenged(p, p.send(nil, http.MethodGet, address, "", "Authorization", "Bearer "+token), http.StatusForbidden, "insufficient_scope")
		}},
		{rfc, "3.1", "audience", Must, "A token for another resource is invalid_token.", func(p *probe) {
			address := p.endpoint("userinfo_endpoint")
			if p.config.Exchange.From == "" {
				p.notSupported("The configuration has no resource.")
			}
			token := p.tokens(p.config.Confidential, "resource", p.config.Exchange.From).text("access_token")
			challenged(p, p.send(nil, http.MethodGet, address, "", "Authorization", "Bearer "+token), http.StatusUnauthorized, "invalid_token")
		}},
		{rfc, "2", "headers", Must, "A request with two Authorization headers is refused.", func(p *probe) {
			address := p.endpoint("userinfo_endpoint")
			token := p.tokens(p.config.Confidential).text("access_token")
			r := p.send(nil, http.MethodGet, address, "", "Authorization", "Bearer "+token, "Authorization", "Bearer x-unknown")
			p.expect(r.status == 400 || r.status == 401, "expected 400 or 401, %s", r.came())
		}},
		{rfc, "2", "two", Must, "A token that comes in two places is invalid_request.", func(p *probe) {
			address := p.endpoint("userinfo_endpoint")
			token := p.tokens(p.config.Confidential).text("access_token")
			r := p.post(address, "access_token="+url.QueryEscape(token), "Authorization", "Bearer "+token)
			p.expect(r.status == http.StatusBadRequest, "expected 400, %s", r.came())
		}},
		{rfc, "2.3", "query", Choice, "A token in the query is not taken.", func(p *probe) {
			address := p.endpoint("userinfo_endpoint")
			r := p.send(nil, http.MethodGet, address+"?access_token="+url.QueryEscape(p.tokens(p.config.Confidential).text("access_token")), "")
			p.expect(r.status == 400 || r.status == 401, "expected 400 or 401, %s", r.came())
		}},
		{rfc, "2.1", "case", Must, "The name of the scheme counts in any case.", func(p *probe) {
			address := p.endpoint("userinfo_endpoint")
			r := p.send(nil, http.MethodGet, address, "", "Authorization", "bEaReR "+p.tokens(p.config.Confidential).text("access_token"))
			p.expect(r.status == http.StatusOK, "expected 200, %s", r.came())
		}},
	}
}
