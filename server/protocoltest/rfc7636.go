package protocoltest

import (
	"net/http"
	"net/url"
	"strings"
)

// proofKey is RFC 7636.
func proofKey() []Case {
	const rfc = "RFC 7636"
	redeem := func(item, says string, changes ...string) Case {
		return Case{rfc, "4.6", item, Must, says, func(p *probe) {
			c := p.config.Confidential
			p.refused(p.token(c, redemption(c, p.code(c), changes...)), http.StatusBadRequest, "invalid_grant", "invalid_request")
		}}
	}
	ask := func(section, item string, level Level, says string, changes ...string) Case {
		return Case{rfc, section, item, level, says, func(p *probe) {
			c := p.config.Public
			r := p.authorize(p.ask(c, changes...).Encode())
			p.nothing(r)
			p.expect(r.query.Get("error") == "invalid_request", "expected error invalid_request, %s", r.came())
		}}
	}
	return []Case{
		{rfc, "4.6", "S256", Must, "The verifier of the challenge is accepted.", func(p *probe) { p.tokens(p.config.Public) }},
		redeem("wrong", "A wrong verifier gets nothing.", "code_verifier", strings.Repeat("x", 43)),
		redeem("missing", "A missing verifier gets nothing.", "code_verifier", "-"),
		redeem("challenge", "The challenge is no verifier.", "code_verifier", challenge(verifier)),
		{rfc, "4.1", "short", Must, "A verifier that is too short gets nothing, also where it fits.", func(p *probe) {
			c := p.config.Confidential
			r := p.authorize(p.ask(c, "code_challenge", challenge("short")).Encode())
			if r.query.Get("code") != "" {
				p.refused(p.token(c, redemption(c, r.query.Get("code"), "code_verifier", "short")), http.StatusBadRequest, "invalid_grant", "invalid_request")
			}
		}},
		{rfc, "4.1", "long", Must, "A verifier that is too long gets nothing, also where it fits.", func(p *probe) {
			c, long := p.config.Confidential, strings.Repeat("x", 129)
			r := p.authorize(p.ask(c, "code_challenge", challenge(long)).Encode())
			if r.query.Get("code") != "" {
				p.refused(p.token(c, redemption(c, r.query.Get("code"), "code_verifier", long)), http.StatusBadRequest, "invalid_grant", "invalid_request")
			}
		}},
		ask("4.4.1", "missing", Must, "A public client has to send a code_challenge.", "code_challenge", "-", "code_challenge_method", "-"),
		ask("4.4.1", "method", Must, "A code_challenge_method that is not known is invalid_request.", "code_challenge_method", "x"),
		ask("4.3", "plain", Choice, "The method plain is refused.", "code_challenge", verifier, "code_challenge_method", "plain"),
		ask("4.3", "absent", Choice, "No method means plain, and is refused.", "code_challenge", verifier, "code_challenge_method", "-"),
	}
}

// loopback is RFC 8252.
func loopback() []Case {
	const rfc = "RFC 8252"
	at := func(p *probe, change func(*url.URL)) (Client, reply) {
		c := p.config.Public
		p.ask(c)
		u, err := url.Parse(c.RedirectURIs[0])
		if err != nil || u.Scheme != "http" {
			p.notSupported("The redirect URI of the public client is not on loopback.")
		}
		change(u)
		c.RedirectURIs = []string{u.String()}
		return c, p.authorize(p.ask(c).Encode())
	}
	return []Case{
		{rfc, "7.3", "port", Must, "A loopback redirect URI may have any port.", func(p *probe) {
			c, r := at(p, func(u *url.URL) { u.Host = u.Hostname() + ":49152" })
			p.expect(r.query.Get("code") != "" && r.location.Port() == "49152", "expected a code at that port, %s", r.came())
			p.granted(p.token(c, redemption(c, r.query.Get("code"))))
		}},
		{rfc, "7.3", "path", Must, "Its path may not differ.", func(p *probe) {
			_, r := at(p, func(u *url.URL) { u.Path += "x" })
			p.page(r)
		}},
		{rfc, "7.3", "host", Must, "Its host may not differ.", func(p *probe) {
			_, r := at(p, func(u *url.URL) { u.Host = "127.0.0.1.evil.example:49152" })
			p.page(r)
		}},
		{rfc, "8.3", "userinfo", Must, "Userinfo before the host is refused.", func(p *probe) {
			_, r := at(p, func(u *url.URL) { u.Host = u.Hostname() + ":80@evil.example" })
			p.page(r)
		}},
	}
}
