package protocoltest

import (
	"net/http"
	"strings"
)

// signedIntrospection is RFC 9701.
func signedIntrospection() []Case {
	const rfc = "RFC 9701"
	ask := func(p *probe, c Client, token string) reply {
		address := p.endpoint("introspection_endpoint")
		if p.metadata()["introspection_signing_alg_values_supported"] == nil {
			p.notSupported("The metadata do not list introspection_signing_alg_values_supported.")
		}
		fields := values("token", token)
		header := append(credentials(c, fields), "Accept", "application/token-introspection+jwt")
		return p.post(address, fields.Encode(), header...)
	}
	return []Case{
		{rfc, "5", "answer", Must, "The answer is a JWT of its own type, of the issuer and for the caller.", func(p *probe) {
			c := p.config.Confidential
			p.endpoint("introspection_endpoint")
			r := ask(p, c, p.tokens(c).text("access_token"))
			p.expect(r.status == http.StatusOK && strings.HasPrefix(r.header.Get("Content-Type"), "application/token-introspection+jwt"), "expected the media type of RFC 9701, %s", r.came())
			header, claims := decode(strings.TrimSpace(r.body))
			p.expect(header["typ"] == "token-introspection+jwt" && header["alg"] != "none", "expected the type token-introspection+jwt, and a signature")
			p.expect(claims["iss"] == p.metadata()["issuer"] && claims["aud"] == c.ID && claims["iat"] != nil, "expected iss, aud and iat")
			answer, _ := claims["token_introspection"].(map[string]any)
			p.expect(sets(answer, "active", true) && answer["client_id"] == c.ID, "expected the answer in token_introspection")
			p.expect(claims["sub"] == nil && claims["exp"] == nil, "expected neither sub nor exp beside it")
		}},
		{rfc, "5", "inactive", Must, "Of a token that is not active it says nothing else.", func(p *probe) {
			_, claims := decode(strings.TrimSpace(ask(p, p.config.Confidential, "x-unknown").body))
			answer, _ := claims["token_introspection"].(map[string]any)
			p.expect(sets(answer, "active", false) && len(answer) == 1, "expected active false and nothing else")
		}},
		{rfc, "4", "authentication", Must, "Who does not authenticate gets an error, and no JWT.", func(p *probe) {
			c := p.config.Confidential
			p.endpoint("introspection_endpoint")
			token := p.tokens(c).text("access_token")
			c.Secret += "x"
			r := ask(p, c, token)
			header, _ := decode(strings.TrimSpace(r.body))
			p.expect(r.status == http.StatusUnauthorized && header == nil, "expected 401, %s", r.came())
		}},
	}
}
