package protocoltest

import (
	"net/http"
	"net/url"
	"strings"
)

// metadataDocument is RFC 8414.
func metadataDocument() []Case {
	const rfc = "RFC 8414"
	read := func(p *probe) reply {
		u, err := url.Parse(p.config.Issuer)
		p.expect(err == nil, "the issuer is no URL")
		return p.send(nil, http.MethodGet, origin(p.config.Issuer)+"/.well-known/oauth-authorization-server"+strings.TrimSuffix(u.Path, "/"), "")
	}
	return []Case{
		{rfc, "3.1", "place", Must, "The metadata are JSON between host and path of the issuer.", func(p *probe) {
			r := read(p)
			p.expect(r.status == http.StatusOK && strings.HasPrefix(r.header.Get("Content-Type"), "application/json") && r.json != nil, "expected JSON, %s", r.came())
		}},
		{rfc, "3.3", "issuer", Must, "The issuer is the one that was asked.", func(p *probe) {
			p.expect(read(p).text("issuer") == p.config.Issuer, "expected the issuer of the configuration, byte by byte")
		}},
		{rfc, "3.2", "empty", Must, "There are no empty lists.", func(p *probe) {
			for name, value := range read(p).json {
				list, ok := value.([]any)
				p.expect(!ok || len(list) > 0, "expected that %s is left out rather than empty", name)
			}
		}},
		{rfc, "2", "S256", Must, "The methods of PKCE are listed.", func(p *probe) {
			p.expect(p.offers("code_challenge_methods_supported", "S256"), "expected S256 among code_challenge_methods_supported")
		}},
		{rfc, "2", "none", Must, "No list of signing algorithms for authentication has none.", func(p *probe) {
			for name := range read(p).json {
				p.expect(!strings.HasSuffix(name, "auth_signing_alg_values_supported") || !p.offers(name, "none"), "expected no none in %s", name)
			}
		}},
		{rfc, "2", "keys", Must, "The key set has no private part, and each key has a name of its own.", func(p *probe) {
			r := p.send(nil, http.MethodGet, p.endpoint("jwks_uri"), "")
			keys, _ := r.json["keys"].([]any)
			p.expect(r.status == http.StatusOK && len(keys) > 0, "expected keys, %s", r.came())
			seen := map[any]bool{}
			for _, one := range keys {
				key, _ := one.(map[string]any)
				for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
					p.expect(key[private] == nil, "expected no private member %s", private)
				}
				p.expect(!seen[key["kid"]], "expected that no kid comes twice")
				seen[key["kid"]] = true
			}
		}},
		{rfc, "2", "endpoints", Must, "Every endpoint that is listed is there.", func(p *probe) {
			for name := range p.metadata() {
				if strings.HasSuffix(name, "_endpoint") {
					r := p.post(p.endpoint(name), "x=1")
					p.expect(r.status != http.StatusNotFound && r.status < 500, "expected an answer of the %s, %s", name, r.came())
				}
			}
		}},
		{rfc, "2", "grant types", Must, "Every grant type that is listed is known.", func(p *probe) {
			listed, _ := p.metadata()["grant_types_supported"].([]any)
			for _, one := range listed {
				grant, _ := one.(string)
				if grant == "implicit" {
					continue // has no token request
				}
				r := p.token(p.config.Confidential, values("grant_type", grant))
				p.expect(r.text("error") != "unsupported_grant_type", "expected that %s is known, %s", grant, r.came())
			}
		}},
		{rfc, "2", "https", Must, "Every address is https, but on loopback.", func(p *probe) {
			for name, value := range read(p).json {
				s, ok := value.(string)
				if u, err := url.Parse(s); ok && err == nil && u.Scheme == "http" {
					p.expect(u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost", "expected https for %s", name)
				}
			}
		}},
	}
}

// discovery is OpenID Connect Discovery.
func discovery() []Case {
	return []Case{{"OpenID Connect Discovery", "4", "place", Must, "The metadata are behind the issuer too, and say the same.", func(p *probe) {
		p.openIDOnly()
		r := p.send(nil, http.MethodGet, strings.TrimSuffix(p.config.Issuer, "/")+"/.well-known/openid-configuration", "")
		p.expect(r.status == http.StatusOK && strings.HasPrefix(r.header.Get("Content-Type"), "application/json"), "expected JSON, %s", r.came())
		p.expect(r.text("issuer") == p.config.Issuer, "expected the issuer of the configuration, byte by byte")
		for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
			p.expect(r.json[name] != nil && r.json[name] == p.metadata()[name], "expected the same %s", name)
		}
	}}}
}

// issuerIdentification is RFC 9207.
func issuerIdentification() []Case {
	const rfc = "RFC 9207"
	named := func(p *probe, r reply) {
		p.expect(r.query.Get("iss") == p.metadata()["issuer"], "expected iss to be the issuer, byte by byte")
	}
	return []Case{
		{rfc, "2", "success", Must, "A code comes with iss.", func(p *probe) { named(p, p.authorize(p.ask(p.config.Confidential).Encode())) }},
		{rfc, "2", "error", Must, "An error comes with iss.", func(p *probe) {
			r := p.authorize(p.ask(p.config.Confidential, "response_type", "x").Encode())
			p.told(r, p.config.Confidential, "unsupported_response_type")
			named(p, r)
		}},
		{rfc, "3", "flag", Must, "The metadata say so.", func(p *probe) {
			offered, _ := p.metadata()["authorization_response_iss_parameter_supported"].(bool)
			p.expect(offered, "expected authorization_response_iss_parameter_supported")
		}},
	}
}
