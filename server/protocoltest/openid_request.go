package protocoltest

import (
	"net/http"
	"strings"
)

// claimsOnly skips what needs the parameter claims.
func (p *probe) claimsOnly() {
	if supported, _ := p.metadata()["claims_parameter_supported"].(bool); !supported {
		p.notSupported("The metadata do not have claims_parameter_supported.")
	}
}

// openIDRequest is what OpenID Connect adds to an authorization request.
func openIDRequest() []Case {
	const core = "OpenID Connect Core"
	silent := func(p *probe, changes ...string) reply { return p.silently(p.somebody(), changes...) }
	claims := func(p *probe, value string) reply {
		p.claimsOnly()
		return p.authorize(p.ask(p.openIDOnly(), "claims", value).Encode())
	}
	return []Case{
		{core, "5.5", "voluntary", Must, "A claim that is not there is left out, and no error.", func(p *probe) {
			r := claims(p, `{"id_token":{"x_unknown":null},"userinfo":{"x_unknown":{"essential":true}}}`)
			p.expect(r.query.Get("code") != "", "expected a code, %s", r.came())
		}},
		{core, "5.5", "malformed", Choice, "Claims that are no JSON object are invalid_request.", func(p *probe) {
			p.told(claims(p, "x"), p.config.Confidential, "invalid_request")
		}},
		{core, "5.5.1", "sub", Must, "Who is not the person that claims ask for gets nothing.", func(p *probe) {
			p.claimsOnly()
			p.told(silent(p, "claims", `{"id_token":{"sub":{"value":"x-nobody"}}}`), p.config.Confidential, "login_required", "interaction_required")
		}},
		{core, "3.1.2.1", "id_token_hint", Must, "The ID token of the person who is there needs no page.", func(p *probe) {
			r := silent(p, "id_token_hint", p.tokens(p.openIDOnly()).text("id_token"))
			p.expect(r.query.Get("code") != "", "expected a code, %s", r.came())
		}},
		{core, "3.1.2.1", "id_token_hint changed", Must, "An ID token that was changed is no hint.", func(p *probe) {
			token := p.tokens(p.openIDOnly()).text("id_token")
			p.told(silent(p, "id_token_hint", token[:len(token)-20]+strings.Repeat("A", 20)), p.config.Confidential, "invalid_request", "login_required")
		}},
		{"Form Post Response Mode", "2", "", Must, "The answer comes as a form for the client, and not in the URL.", func(p *probe) {
			c := p.config.Confidential
			if !p.offers("response_modes_supported", "form_post") {
				p.notSupported("The metadata do not list form_post.")
			}
			r := p.authorize(p.ask(c, "response_mode", "form_post").Encode())
			for _, f := range forms(r.body) {
				if f.action == c.RedirectURIs[0] {
					p.nothing(r)
					p.expect(f.values.Get("code") != "" && f.values.Get("state") == state, "expected code and state in the form")
					p.expect(strings.Contains(r.header.Get("Cache-Control"), "no-store"), "expected Cache-Control: no-store")
					return
				}
			}
			p.fail("expected a form for the client, %s", r.came())
		}},
		{"Form Post Response Mode", "2", "unregistered", Must, "Nothing is posted to an address that is not registered.", func(p *probe) {
			if !p.offers("response_modes_supported", "form_post") {
				p.notSupported("The metadata do not list form_post.")
			}
			r := p.authorize(p.ask(p.config.Confidential, "response_mode", "form_post", "redirect_uri", "https://evil.example/").Encode())
			p.page(r)
			for _, f := range forms(r.body) {
				p.expect(!strings.HasPrefix(f.action, "https://evil.example"), "expected no form for the address of the request")
			}
		}},
		{core, "3.1.2.1", "redirect_uri", Must, "An OpenID request without redirect_uri is told to the person.", func(p *probe) {
			p.page(p.authorize(p.ask(p.openIDOnly(), "redirect_uri", "-").Encode()))
		}},
		{core, "3.1.2.1", "wishes", Must, "display, ui_locales and acr_values do no harm.", func(p *probe) {
			p.code(p.openIDOnly(), "display", "touch", "ui_locales", "tlh fr", "acr_values", "urn:x-unknown 9")
		}},
		{core, "3.1.2.1", "no openid", Must, "Without the scope openid there is no ID token.", func(p *probe) {
			p.openIDOnly()
			r := p.tokens(p.config.Confidential, "scope", p.without("openid"))
			p.expect(r.text("id_token") == "", "expected no ID token, got one")
		}},
	}
}

// resourceGrants is RFC 8707 where the resource is one that the client may ask for.
func resourceGrants() []Case {
	return []Case{{"RFC 8707", "2.2", "wider", Must, "A token request for a resource that was not asked for is invalid_target.", func(p *probe) {
		if p.config.Exchange.From == "" {
			p.notSupported("The configuration has no resource.")
		}
		c := p.config.Confidential
		good := p.code(c)
		p.refused(p.token(c, redemption(c, good, "resource", p.config.Exchange.From)), http.StatusBadRequest, "invalid_target")
		p.unspent(c, good)
	}}, {"RFC 8707", "2", "granted", Must, "A token is for the resource that was asked for.", func(p *probe) {
		if p.config.Exchange.From == "" {
			p.notSupported("The configuration has no resource.")
		}
		_, claims := decode(p.tokens(p.config.Confidential, "resource", p.config.Exchange.From).text("access_token"))
		if claims == nil {
			p.notSupported("Access tokens are no JWTs.")
		}
		p.expect(claims["aud"] == p.config.Exchange.From, "expected aud to be the resource")
	}}}
}
