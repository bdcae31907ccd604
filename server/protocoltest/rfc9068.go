package protocoltest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// decode reads header and claims of a JWT; nothing is verified.
func decode(token string) (header, claims map[string]any) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil
	}
	for i, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(raw, into) != nil {
			return nil, nil
		}
	}
	return header, claims
}

// jwtAccessTokens is RFC 9068.
func jwtAccessTokens() []Case {
	const rfc = "RFC 9068"
	access := func(p *probe) (header, claims map[string]any) {
		header, claims = decode(p.tokens(p.config.Confidential).text("access_token"))
		if header == nil {
			p.notSupported("Access tokens are no JWTs.")
		}
		return header, claims
	}
	return []Case{
		{rfc, "2.1", "typ", Must, "The type is at+jwt, and the algorithm is asymmetric.", func(p *probe) {
			header, _ := access(p)
			typ, _ := header["typ"].(string)
			alg, _ := header["alg"].(string)
			p.expect(strings.TrimPrefix(strings.ToLower(typ), "application/") == "at+jwt", "expected the type at+jwt")
			p.expect(alg != "" && alg != "none" && !strings.HasPrefix(alg, "HS"), "expected an asymmetric algorithm")
		}},
		{rfc, "2.2", "claims", Must, "iss, exp, aud, sub, client_id, iat and jti are there.", func(p *probe) {
			_, claims := access(p)
			for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} {
				p.expect(claims[name] != nil, "expected the claim %s", name)
			}
			p.expect(claims["client_id"] == p.config.Confidential.ID && claims["iss"] == p.metadata()["issuer"], "expected iss and client_id of this issuer and client")
		}},
		{rfc, "2.2", "client", Must, "With client_credentials, sub is the client.", func(p *probe) {
			r := p.token(p.config.Confidential, values("grant_type", "client_credentials"))
			if r.text("error") == "unauthorized_client" || r.text("error") == "unsupported_grant_type" {
				p.notSupported("The client may not use client_credentials.")
			}
			p.granted(r)
			_, claims := decode(r.text("access_token"))
			if claims == nil {
				p.notSupported("Access tokens are no JWTs.")
			}
			p.expect(claims["sub"] == p.config.Confidential.ID && claims["client_id"] == p.config.Confidential.ID, "expected the client_id as sub")
		}},
		{rfc, "5", "hint", Must, "An access token is no ID token.", func(p *probe) {
			token := p.tokens(p.openIDOnly()).text("access_token")
			if header, _ := decode(token); header == nil {
				p.notSupported("Access tokens are no JWTs.")
			}
			p.told(p.silently(p.somebody(), "id_token_hint", token), p.config.Confidential, "invalid_request", "login_required")
		}},
		{rfc, "5", "ID token", Must, "An ID token is no access token.", func(p *probe) {
			id := p.tokens(p.config.Confidential).text("id_token")
			if id == "" {
				p.notSupported("There is no ID token.")
			}
			r := p.userinfo(id)
			p.expect(r.status == 401, "expected 401, %s", r.came())
		}},
	}
}
