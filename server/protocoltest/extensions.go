package protocoltest

import (
	"net/http"
)

// revocation is RFC 7009.
func revocation() []Case {
	const rfc = "RFC 7009"
	revoke := func(p *probe, c Client, v ...string) reply {
		address := p.endpoint("revocation_endpoint")
		fields := values(v...)
		header := credentials(c, fields)
		return p.post(address, fields.Encode(), header...)
	}
	return []Case{
		{rfc, "2.1", "authentication", Must, "A confidential client authenticates.", func(p *probe) {
			c, address := p.config.Confidential, p.endpoint("revocation_endpoint")
			token, _ := p.refreshToken(c)
			p.unauthenticated(p.post(address, values("token", token, "client_id", c.ID).Encode()))
			p.unmoved(c, token)
		}},
		{rfc, "2.1", "GET", Must, "The endpoint answers POST alone.", func(p *probe) {
			c, address := p.config.Confidential, p.endpoint("revocation_endpoint")
			token, _ := p.refreshToken(c)
			fields := values("token", token)
			header := credentials(c, fields)
			r := p.send(nil, http.MethodGet, address+"?"+fields.Encode(), "", header...)
			p.expect(r.status >= 400 && r.status < 500, "expected a 4xx status, %s", r.came())
			p.unmoved(c, token)
		}},
		{rfc, "2.1", "access token", Should, "A revoked access token is good no more.", func(p *probe) {
			p.endpoint("revocation_endpoint")
			p.endpoint("userinfo_endpoint")
			token := p.tokens(p.config.Confidential).text("access_token")
			r := revoke(p, p.config.Confidential, "token", token)
			if r.text("error") == "unsupported_token_type" {
				p.notSupported("Access tokens cannot be revoked.")
			}
			p.expect(r.status == http.StatusOK, "expected 200, %s", r.came())
			r = p.userinfo(token)
			p.expect(r.status == http.StatusUnauthorized, "expected 401 of userinfo, %s", r.came())
		}},
		{rfc, "2.2", "unknown", Must, "An unknown token is answered with 200.", func(p *probe) {
			r := revoke(p, p.config.Confidential, "token", "x-unknown")
			p.expect(r.status == http.StatusOK, "expected 200, %s", r.came())
		}},
		{rfc, "2.1", "refresh", Must, "A revoked refresh token is good no more, also with a wrong hint.", func(p *probe) {
			p.endpoint("revocation_endpoint")
			token, _ := p.refreshToken(p.config.Confidential)
			r := revoke(p, p.config.Confidential, "token", token, "token_type_hint", "access_token")
			p.expect(r.status == http.StatusOK, "expected 200, %s", r.came())
			p.refused(p.token(p.config.Confidential, values("grant_type", "refresh_token", "refresh_token", token)), http.StatusBadRequest, "invalid_grant")
		}},
		{rfc, "2.1", "access", Should, "With a refresh token its access tokens end.", func(p *probe) {
			p.endpoint("revocation_endpoint")
			p.endpoint("userinfo_endpoint")
			token, tokens := p.refreshToken(p.config.Confidential)
			revoke(p, p.config.Confidential, "token", token)
			r := p.userinfo(tokens.text("access_token"))
			p.expect(r.status == http.StatusUnauthorized, "expected 401 of userinfo, %s", r.came())
		}},
		{rfc, "2.1", "other", Must, "The token of another client is left alone.", func(p *probe) {
			p.endpoint("revocation_endpoint")
			token, _ := p.refreshToken(p.config.Confidential)
			p.ask(p.config.Other)
			revoke(p, p.config.Other, "token", token)
			p.granted(p.token(p.config.Confidential, values("grant_type", "refresh_token", "refresh_token", token)))
		}},
	}
}

// introspection is RFC 7662.
func introspection() []Case {
	const rfc = "RFC 7662"
	ask := func(p *probe, c Client, token string) reply {
		fields := values("token", token)
		header := credentials(c, fields)
		return p.post(p.endpoint("introspection_endpoint"), fields.Encode(), append(header, "Accept", "application/json")...)
	}
	return []Case{
		{rfc, "2.1", "authentication", Must, "Nobody introspects without authentication.", func(p *probe) {
			address := p.endpoint("introspection_endpoint")
			token := p.tokens(p.config.Confidential).text("access_token")
			r := p.post(address, values("token", token, "client_id", p.config.Confidential.ID).Encode())
			p.expect(r.status == http.StatusUnauthorized && r.json["active"] == nil, "expected 401, %s", r.came())
		}},
		{rfc, "2.1", "public", Must, "A client that does not authenticate learns nothing, not of its own token either.", func(p *probe) {
			p.endpoint("introspection_endpoint")
			c := p.config.Public
			r := ask(p, c, p.tokens(c).text("access_token"))
			p.expect(r.status >= 400 && r.status < 500 && r.json["active"] == nil, "expected a 4xx status, %s", r.came())
		}},
		{rfc, "2.2", "revoked", Must, "A token whose grant was revoked is not active.", func(p *probe) {
			address := p.endpoint("revocation_endpoint")
			p.endpoint("introspection_endpoint")
			c := p.config.Confidential
			refresh, tokens := p.refreshToken(c)
			fields := values("token", refresh)
			header := credentials(c, fields)
			p.post(address, fields.Encode(), header...)
			for _, token := range []string{refresh, tokens.text("access_token")} {
				r := ask(p, c, token)
				p.expect(r.status == http.StatusOK && r.active(false) && len(r.json) == 1, "expected active false and nothing else, %s", r.came())
			}
		}},
		{rfc, "2.2", "unknown", Must, "Of an unknown token nothing is said but that it is not active.", func(p *probe) {
			r := ask(p, p.config.Confidential, "x-unknown")
			p.expect(r.status == http.StatusOK && r.active(false) && len(r.json) == 1, "expected active false and nothing else, %s", r.came())
		}},
		{rfc, "2.2", "active", Must, "A good token is active, and it is said whose it is.", func(p *probe) {
			p.endpoint("introspection_endpoint")
			c := p.config.Confidential
			r := ask(p, c, p.tokens(c).text("access_token"))
			p.expect(r.status == http.StatusOK && r.active(true) && r.text("client_id") == c.ID, "expected active true and the client_id, %s", r.came())
		}},
		{rfc, "4", "other", Must, "Who a token is not meant for learns nothing of it.", func(p *probe) {
			p.endpoint("introspection_endpoint")
			p.ask(p.config.Other)
			r := ask(p, p.config.Other, p.tokens(p.config.Confidential).text("access_token"))
			p.expect(r.status == http.StatusOK && r.active(false) && len(r.json) == 1, "expected active false and nothing else, %s", r.came())
		}},
		{rfc, "2.1", "GET", Must, "The endpoint answers POST alone.", func(p *probe) {
			address := p.endpoint("introspection_endpoint")
			c := p.config.Confidential
			fields := values("token", p.tokens(c).text("access_token"))
			header := credentials(c, fields)
			r := p.send(nil, http.MethodGet, address+"?"+fields.Encode(), "", header...)
			p.expect(r.status >= 400 && r.status < 500 && r.json["active"] == nil, "expected a 4xx status, %s", r.came())
		}},
	}
}

// resourceIndicators is RFC 8707.
func resourceIndicators() []Case {
	ask := func(item, says, resource string) Case {
		return Case{"RFC 8707", "2", item, Must, says, func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, "resource", resource).Encode())
			if r.query.Get("code") != "" {
				p.fail("expected error invalid_target, got a code")
			}
			p.told(r, p.config.Confidential, "invalid_target")
		}}
	}
	return []Case{
		ask("unknown", "An unknown resource is invalid_target.", "https://unknown.example/api"),
		ask("relative", "A resource that is not absolute is invalid_target.", "/api"),
		ask("fragment", "A resource with a fragment is invalid_target.", "https://unknown.example/api#x"),
	}
}

// pushedRequests is RFC 9126.
func pushedRequests() []Case {
	const rfc = "RFC 9126"
	push := func(p *probe, changes ...string) reply {
		address := p.endpoint("pushed_authorization_request_endpoint")
		v := p.ask(p.config.Confidential, changes...)
		header := credentials(p.config.Confidential, v)
		return p.post(address, v.Encode(), header...)
	}
	return []Case{
		{rfc, "2.2", "", Must, "A pushed request gets 201, a request_uri and its lifetime.", func(p *probe) {
			r := push(p)
			lifetime, _ := r.json["expires_in"].(float64)
			p.expect(r.status == http.StatusCreated && r.text("request_uri") != "" && lifetime > 0, "expected 201 with request_uri, %s", r.came())
		}},
		{rfc, "2.1", "request_uri", Must, "A request_uri cannot be pushed.", func(p *probe) {
			p.refused(push(p, "request_uri", "urn:x"), http.StatusBadRequest, "invalid_request")
		}},
		{rfc, "2.1", "authentication", Must, "A confidential client authenticates.", func(p *probe) {
			p.unauthenticated(p.post(p.endpoint("pushed_authorization_request_endpoint"), p.ask(p.config.Confidential).Encode()))
		}},
	}
}

// proofOfPossession is RFC 9449.
func proofOfPossession() []Case {
	proof := func(item, says string, header ...string) Case {
		return Case{"RFC 9449", "4.3", item, Must, says, func(p *probe) {
			if p.metadata()["dpop_signing_alg_values_supported"] == nil {
				p.notSupported("The metadata do not list dpop_signing_alg_values_supported.")
			}
			c := p.config.Confidential
			v := redemption(c, p.code(c))
			r := p.post(p.endpoint("token_endpoint"), v.Encode(), append(credentials(c, v), header...)...)
			p.refused(r, http.StatusBadRequest, "invalid_dpop_proof")
		}}
	}
	return []Case{
		proof("malformed", "A proof that is no JWT is refused.", "DPoP", "x"),
		proof("two", "Two proofs are refused.", "DPoP", "x", "DPoP", "y"),
	}
}
