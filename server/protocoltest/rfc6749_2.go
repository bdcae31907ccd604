package protocoltest

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// basicOnly skips what is about HTTP Basic for clients that do not use it.
func (p *probe) basicOnly() Client {
	c := p.config.Confidential
	if c.AuthMethod != "client_secret_basic" {
		p.notSupported("The confidential client of the configuration does not use client_secret_basic.")
	}
	return c
}

// clientAuthentication is RFC 6749 §2.
func clientAuthentication() []Case {
	const rfc = "RFC 6749"
	redeem := func(p *probe, c Client, header []string, changes ...string) reply {
		return p.post(p.endpoint("token_endpoint"), redemption(c, p.code(c), changes...).Encode(), header...)
	}
	// refuses redeems a code with what authenticates nobody, and then as it should be.
	refuses := func(p *probe, c Client, status int, code string, header []string, changes ...string) {
		good := p.code(c)
		p.refused(p.post(p.endpoint("token_endpoint"), redemption(c, good, changes...).Encode(), header...), status, code)
		p.unspent(c, good)
	}
	malformed := func(item, says string, credentials func(Client) string) Case {
		return Case{rfc, "2.3.1", item, Must, says, func(p *probe) {
			c := p.basicOnly()
			refuses(p, c, http.StatusUnauthorized, "invalid_client", []string{"Authorization", "Basic " + credentials(c)})
		}}
	}
	return []Case{
		{rfc, "2.2", "a", Must, "A client_id alone authenticates no confidential client.", func(p *probe) {
			c := p.config.Confidential
			refuses(p, c, http.StatusUnauthorized, "invalid_client", nil, "client_id", c.ID)
		}},
		{rfc, "2.3", "b", Must, "A request that authenticates the client in two ways is refused.", func(p *probe) {
			c := p.basicOnly()
			refuses(p, c, http.StatusBadRequest, "invalid_request", []string{"Authorization", "Basic " + basic(c.ID, c.Secret)}, "client_id", c.ID, "client_secret", c.Secret)
		}},
		{rfc, "2.3", "b headers", Must, "A request with two Authorization headers is refused.", func(p *probe) {
			c := p.basicOnly()
			good := p.code(c)
			r := p.post(p.endpoint("token_endpoint"), redemption(c, good).Encode(),
				"Authorization", "Basic "+basic(c.ID, c.Secret), "Authorization", "Basic "+basic("somebody-else", "x"))
			p.nothing(r)
			p.expect(r.status == 400 || r.status == 401, "expected 400 or 401, %s", r.came())
			p.unspent(c, good)
		}},
		{rfc, "2.3", "c", Must, "Only the registered authentication method works.", func(p *probe) {
			c := p.basicOnly()
			refuses(p, c, http.StatusUnauthorized, "invalid_client", nil, "client_id", c.ID, "client_secret", c.Secret)
		}},
		{rfc, "2.3.1", "a", Must, "HTTP Basic is accepted, whatever the case of its name.", func(p *probe) {
			c := p.basicOnly()
			p.granted(redeem(p, c, []string{"Authorization", "bAsIc " + basic(c.ID, c.Secret)}))
		}},
		malformed("b base64", "Basic credentials that are not base64 are invalid_client.", func(Client) string { return "!!!" }),
		malformed("b colon", "Basic credentials without a colon are invalid_client.", func(c Client) string {
			return base64.StdEncoding.EncodeToString([]byte(c.ID))
		}),
		malformed("b escape", "Basic credentials with a bad escape are invalid_client.", func(c Client) string {
			return base64.StdEncoding.EncodeToString([]byte(c.ID + ":%zz" + c.Secret))
		}),
		{rfc, "2.3.1", "b encoded", Must, "Id and secret are form-decoded after base64.", func(p *probe) {
			c := p.basicOnly()
			p.granted(redeem(p, c, []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(escapeAll(c.ID)+":"+escapeAll(c.Secret)))}))
		}},
		malformed("wrong", "A wrong secret is invalid_client.", func(c Client) string { return basic(c.ID, c.Secret+"x") }),
		{rfc, "2.3.1", "c", Must, "Credentials in the query of the URL are not honoured.", func(p *probe) {
			c := p.config.Confidential
			good := p.code(c)
			r := p.post(p.endpoint("token_endpoint")+"?"+values("client_id", c.ID, "client_secret", c.Secret).Encode(), redemption(c, good).Encode())
			p.nothing(r)
			p.expect(r.status == 400 || r.status == 401, "expected 400 or 401, %s", r.came())
			p.unspent(c, good)
		}},
		{rfc, "2.3.1", "d", Must, "Failed client authentication does not use the code up.", func(p *probe) {
			c := p.config.Confidential
			code := p.code(c)
			p.unauthenticated(p.post(p.endpoint("token_endpoint"), redemption(c, code, "client_id", c.ID).Encode()))
			p.granted(p.token(c, redemption(c, code)))
		}},
		{rfc, "2.3.1", "f", Choice, "The client_id of the body has to be that of the Authorization header.", func(p *probe) {
			c := p.basicOnly()
			refuses(p, c, http.StatusBadRequest, "invalid_request", []string{"Authorization", "Basic " + basic(c.ID, c.Secret)}, "client_id", c.ID+"x")
		}},
		{rfc, "2.3.1", "d throttled", Choice, "Guessing secrets is slowed down, and the client itself is let in.", guessing},
	}
}

// escapeAll escapes every byte, which RFC 6749 Appendix B allows.
func escapeAll(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		b.Write([]byte{'%', digits[s[i]>>4], digits[s[i]&15]})
	}
	return b.String()
}

// guessing sends wrong secrets until that is slowed down, and then the right one.
func guessing(p *probe) {
	c := p.config.Other
	good := p.code(c)
	wrong := c
	wrong.Secret += "x"
	slowed := false
	for range 30 {
		r := p.token(wrong, values("grant_type", "refresh_token", "refresh_token", "x"))
		p.nothing(r)
		p.expect(r.text("error") == "invalid_client", "expected invalid_client, %s", r.came())
		slowed = slowed || r.status == http.StatusTooManyRequests && r.header.Get("Retry-After") != ""
	}
	p.expect(slowed, "expected 429 with Retry-After for one of thirty wrong secrets")
	p.unspent(c, good)
}
