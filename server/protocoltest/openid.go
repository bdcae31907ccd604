package protocoltest

import (
	"net/http"
	"slices"
	"strings"
)

// openIDOnly skips what needs OpenID Connect.
func (p *probe) openIDOnly() Client {
	if !slices.Contains(strings.Fields(p.config.Scope), "openid") || p.metadata()["id_token_signing_alg_values_supported"] == nil {
		p.notSupported("OpenID Connect is not offered, or the configuration has no scope openid.")
	}
	return p.config.Confidential
}

// openID is OpenID Connect Core.
func openID() []Case {
	const core = "OpenID Connect Core"
	unsupported := func(name, flag, code string) Case {
		return Case{core, "3.1.2.6", name, Must, "What is not supported is said, not ignored: " + name + ".", func(p *probe) {
			c := p.openIDOnly()
			if offered, ok := p.metadata()[flag].(bool); ok && offered {
				p.notSupported("The server supports " + name + ".")
			}
			p.told(p.authorize(p.ask(c, name, "https://evil.example/r").Encode()), c, code)
		}}
	}
	again := func(item, says string, changes ...string) Case {
		return Case{core, "3.1.2.1", item, Must, says, func(p *probe) {
			if p.config.Login.Username == "" {
				p.notSupported("The configuration does not say how to log in with a form.")
			}
			c := p.openIDOnly()
			b := p.somebody()
			before := b.logins
			r := p.authorize(p.ask(c, changes...).Encode())
			p.expect(r.query.Get("code") != "" && b.logins > before, "expected that the person has to log in again, %s", r.came())
		}}
	}
	return []Case{
		{core, "3.1.2.1", "POST", Must, "The authorization endpoint answers POST.", func(p *probe) {
			b := p.somebody()
			r := p.walk(b, p.send(b.jar, http.MethodPost, p.endpoint("authorization_endpoint"), p.ask(p.openIDOnly()).Encode(), "Content-Type", form))
			p.expect(r.query.Get("code") != "", "expected a code, %s", r.came())
		}},
		{core, "3.1.2.1", "prompt=none", Must, "prompt=none without a session is login_required.", func(p *probe) {
			p.told(p.silently(p.stranger()), p.config.Confidential, "login_required", "interaction_required")
		}},
		{core, "3.1.2.1", "prompt=none login", Must, "prompt=none with anything else is invalid_request.", func(p *probe) {
			p.told(p.silently(p.somebody(), "prompt", "none login"), p.config.Confidential, "invalid_request")
		}},
		again("prompt=login", "prompt=login asks for the login again.", "prompt", "login"),
		again("max_age", "max_age=0 asks for the login again.", "max_age", "0"),
		{core, "3.1.3.7", "ID token", Must, "An ID token is for the client, of the issuer, with the nonce as it was.", func(p *probe) {
			c := p.openIDOnly()
			_, claims := decode(p.tokens(c, "nonce", `n"&+ é`).text("id_token"))
			audience, _ := claims["aud"].([]any)
			p.expect(claims["iss"] == p.metadata()["issuer"] && (claims["aud"] == c.ID || slices.Contains(audience, any(c.ID))), "expected iss and aud of this issuer and client")
			p.expect(claims["nonce"] == `n"&+ é`, "expected the very nonce that was sent")
			p.expect(claims["sub"] != nil && claims["exp"] != nil && claims["iat"] != nil, "expected sub, exp and iat")
		}},
		{core, "2", "sub", Must, "The sub is at most 255 ASCII characters, and the same each time.", sameSubject},
		{core, "2", "auth_time", Must, "Where max_age was sent, auth_time is there.", func(p *probe) {
			_, claims := decode(p.tokens(p.openIDOnly(), "max_age", "3600").text("id_token"))
			_, ok := claims["auth_time"].(float64)
			p.expect(ok, "expected auth_time as a number")
		}},
		{core, "5.3.2", "sub", Must, "The sub of userinfo is that of the ID token.", func(p *probe) {
			tokens := p.tokens(p.openIDOnly())
			_, claims := decode(tokens.text("id_token"))
			r := p.userinfo(tokens.text("access_token"))
			p.expect(r.status == http.StatusOK && r.json["sub"] != nil && r.json["sub"] == claims["sub"], "expected the same sub, %s", r.came())
		}},
		{core, "5.3.1", "POST", Must, "Userinfo answers POST.", func(p *probe) {
			token := p.tokens(p.openIDOnly()).text("access_token")
			r := p.post(p.endpoint("userinfo_endpoint"), "", "Authorization", "Bearer "+token)
			p.expect(r.status == http.StatusOK, "expected 200, %s", r.came())
		}},
		{core, "12.2", "refresh", Must, "A refreshed ID token has the same iss, sub, aud and auth_time.", func(p *probe) {
			c := p.openIDOnly()
			token, first := p.refreshToken(c)
			_, before := decode(first.text("id_token"))
			_, after := decode(p.token(c, values("grant_type", "refresh_token", "refresh_token", token)).text("id_token"))
			if after == nil {
				p.notSupported("There is no ID token with a refresh.")
			}
			for _, name := range []string{"iss", "sub", "auth_time"} {
				p.expect(before[name] == after[name], "expected the same %s", name)
			}
		}},
		unsupported("request", "request_parameter_supported", "request_not_supported"),
		unsupported("request_uri", "request_uri_parameter_supported", "request_uri_not_supported"),
	}
}

// loggedIn logs a person in with a browser of its own, and returns the ID token.
func (p *probe) loggedIn() (*browser, string) {
	if p.config.Login.Username == "" {
		p.notSupported("The configuration does not say how to log in with a form.")
	}
	c, b := p.openIDOnly(), p.stranger()
	r := p.token(c, redemption(c, p.authorizeAs(b, p.ask(c).Encode()).query.Get("code")))
	p.granted(r)
	p.expect(p.silently(b).query.Get("code") != "", "expected a code without a page right after the login")
	return b, r.text("id_token")
}

// silently asks a browser for the confidential client, where no page may come.
func (p *probe) silently(b *browser, changes ...string) reply {
	c := p.openIDOnly()
	return p.send(b.jar, http.MethodGet, p.authorizeURL(p.ask(c, append([]string{"prompt", "none"}, changes...)...).Encode()), "")
}

// rpLogout is OpenID Connect RP-Initiated Logout.
func rpLogout() []Case {
	const rp = "RP-Initiated Logout"
	const evil = "https://evil.example/after"
	return []Case{
		{rp, "3", "redirect", Must, "Nobody is sent to an address that is not registered.", func(p *probe) {
			r := p.send(p.stranger().jar, http.MethodGet, p.endpoint("end_session_endpoint")+"?"+values("client_id", p.config.Confidential.ID, "post_logout_redirect_uri", evil).Encode(), "")
			p.expect(r.location == nil || r.location.Host == p.host(), "expected no redirect elsewhere, %s", r.came())
			p.expect(!strings.Contains(r.body, `href="`+evil), "expected no link to the address of the request")
		}},
		{rp, "2", "hint", Must, "Who comes with an ID token of theirs is logged out.", func(p *probe) {
			address := p.endpoint("end_session_endpoint")
			b, token := p.loggedIn()
			r := p.send(b.jar, http.MethodGet, address+"?"+values("id_token_hint", token).Encode(), "")
			if len(forms(r.body)) > 0 {
				p.notSupported("The server asks the person also then.")
			}
			p.expect(r.status < 400, "expected that the person is logged out, %s", r.came())
			p.told(p.silently(b), p.config.Confidential, "login_required", "interaction_required")
		}},
		{rp, "2", "changed hint", Must, "Who comes with an ID token that was changed is not logged out.", func(p *probe) {
			address := p.endpoint("end_session_endpoint")
			b, token := p.loggedIn()
			changed := token[:len(token)-20] + strings.Repeat("A", 20)
			p.send(b.jar, http.MethodGet, address+"?"+values("id_token_hint", changed).Encode(), "")
			p.expect(p.silently(b).query.Get("code") != "", "expected that the person is still logged in")
		}},
		{rp, "2", "confirm", Should, "A link alone, without a hint, logs nobody out.", func(p *probe) {
			address := p.endpoint("end_session_endpoint")
			b := p.somebody()
			p.send(b.jar, http.MethodGet, address, "")
			before := b.logins
			p.authorize(p.ask(p.config.Confidential).Encode())
			p.expect(b.logins == before, "expected that the person is still logged in")
		}},
	}
}

// sameSubject expects the same sub in two ID tokens, of a form that OpenID Connect Core §2 allows.
func sameSubject(p *probe) {
	var subs [2]string
	for i := range subs {
		_, claims := decode(p.tokens(p.openIDOnly()).text("id_token"))
		subs[i], _ = claims["sub"].(string)
	}
	p.expect(subs[0] != "" && len(subs[0]) <= 255 && strings.IndexFunc(subs[0], func(r rune) bool { return r > 0x7e }) < 0, "expected at most 255 ASCII characters")
	p.expect(subs[0] == subs[1], "expected the same sub in both")
}
