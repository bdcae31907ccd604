package protocoltest

import (
	"net/http"
	"strings"
	"sync"
)

// codeGrant is RFC 6749 §4.1.
func codeGrant() []Case {
	const rfc = "RFC 6749"
	redeem := func(item, says string, codes []string, changes ...string) Case {
		return Case{rfc, "4.1.3", item, Must, says, func(p *probe) {
			c := p.config.Confidential
			p.refused(p.token(c, redemption(c, p.code(c), changes...)), http.StatusBadRequest, codes...)
		}}
	}
	return []Case{
		{rfc, "4.1.2", "b", Must, "A code is good once.", func(p *probe) {
			c := p.config.Confidential
			code := p.code(c)
			p.granted(p.token(c, redemption(c, code)))
			p.refused(p.token(c, redemption(c, code)), http.StatusBadRequest, "invalid_grant")
		}},
		{rfc, "4.1.2", "b kept", Choice, "A request that is refused does not use a code up.", func(p *probe) {
			c, other := p.config.Confidential, p.config.Other
			good := p.code(c)
			p.refused(p.token(c, redemption(c, good, "code_verifier", strings.Repeat("x", 43))), http.StatusBadRequest, "invalid_grant")
			p.refused(p.token(c, redemption(c, good, "redirect_uri", "https://evil.example/")), http.StatusBadRequest, "invalid_grant")
			if other.ID != "" {
				p.refused(p.token(other, redemption(c, good)), http.StatusBadRequest, "invalid_grant")
			}
			p.unspent(c, good)
		}},
		{rfc, "4.1.2", "b revoked", Should, "The second use of a code ends what the first gave.", func(p *probe) {
			c := p.config.Confidential
			code := p.code(c)
			first := p.token(c, redemption(c, code))
			p.granted(first)
			p.token(c, redemption(c, code))
			if token := first.text("refresh_token"); token != "" {
				p.refused(p.token(c, values("grant_type", "refresh_token", "refresh_token", token)), http.StatusBadRequest, "invalid_grant")
			}
			if p.metadata()["userinfo_endpoint"] != nil {
				r := p.userinfo(first.text("access_token"))
				p.expect(r.status == http.StatusUnauthorized, "expected 401 of userinfo, %s", r.came())
			}
		}},
		{rfc, "4.1.2", "b parallel", Must, "Of parallel uses of a code at most one gets tokens.", redeemedAtOnce},
		{rfc, "4.1.2", "d", Must, "The state comes back as it was.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential).Encode())
			p.expect(r.query.Get("code") != "" && r.query.Get("state") == state, "expected a code and the very state that was sent, %s", r.came())
		}},
		{rfc, "4.1.2", "d error", Must, "The state comes back with an error too.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, "response_type", "x").Encode())
			p.told(r, p.config.Confidential, "unsupported_response_type")
			p.expect(r.query.Get("state") == state, "expected the very state that was sent, %s", r.came())
		}},
		{rfc, "4.1.2.1", "a access_denied", Must, "A person who refuses is told to the client.", func(p *probe) {
			if p.config.Login.Username == "" {
				p.notSupported("The configuration does not say how to log in with a form.")
			}
			b := p.stranger()
			b.refuse = true
			r := p.walk(b, p.send(b.jar, http.MethodGet, p.authorizeURL(p.ask(p.config.Confidential, "prompt", "consent").Encode()), ""))
			p.told(r, p.config.Confidential, "access_denied")
		}},
		redeem("a missing", "A missing code is invalid_request.", []string{"invalid_request"}, "code", "-"),
		redeem("a unknown", "A code that was never made is invalid_grant.", []string{"invalid_grant"}, "code", "x-unknown"),
		redeem("b different", "Another redirect_uri than that of the request is invalid_grant.", []string{"invalid_grant"}, "redirect_uri", "https://evil.example/"),
		redeem("b missing", "The redirect_uri that was sent has to be repeated.", []string{"invalid_grant", "invalid_request"}, "redirect_uri", "-"),
		{rfc, "4.1.3", "a other", Must, "The code of another client is invalid_grant.", func(p *probe) {
			c, other := p.config.Confidential, p.config.Other
			p.ask(other)
			p.refused(p.token(other, redemption(c, p.code(c))), http.StatusBadRequest, "invalid_grant")
		}},
	}
}

// otherGrants is RFC 6749 §4.3 and §4.4.
func otherGrants() []Case {
	const rfc = "RFC 6749"
	return []Case{
		{rfc, "4.4", "public", Must, "A public client gets nothing by client_credentials.", func(p *probe) {
			p.ask(p.config.Public)
			r := p.token(p.config.Public, values("grant_type", "client_credentials"))
			p.nothing(r)
			p.expect(r.status == 400 || r.status == 401, "expected an error, %s", r.came())
		}},
		{rfc, "4.4.3", "refresh", Should, "There is no refresh token with client_credentials.", func(p *probe) {
			r := p.token(p.config.Confidential, values("grant_type", "client_credentials"))
			if r.text("error") == "unauthorized_client" || r.text("error") == "unsupported_grant_type" {
				p.notSupported("The client may not use client_credentials.")
			}
			p.granted(r)
			p.expect(r.text("refresh_token") == "", "expected no refresh token, got one")
		}},
	}
}

// redeemedAtOnce redeems one code many times at once.
func redeemedAtOnce(p *probe) {
	c := p.config.Confidential
	code := p.code(c)
	address := p.endpoint("token_endpoint")
	const many = 20
	var replies [many]reply // with status 0 where the connection failed
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			defer func() { _ = recover() }() // a connection that failed is no token
			v := redemption(c, code)
			header := credentials(c, v)
			replies[i] = p.post(address, v.Encode(), header...)
		})
	}
	group.Wait()
	granted, refused := 0, 0
	for _, r := range &replies {
		switch {
		case r.text("access_token") != "":
			granted++
		case r.status >= 400 && r.status < 500 || r.status == http.StatusServiceUnavailable:
			refused++
		default:
			p.expect(r.status == 0, "expected tokens or an error for each, %s", r.came())
		}
	}
	p.expect(granted <= 1, "expected tokens once, got them %d times", granted)
	p.expect(granted+refused >= 2, "expected answers, and nearly all connections failed")
}
