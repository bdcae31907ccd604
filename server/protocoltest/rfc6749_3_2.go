package protocoltest

import (
	"net/http"
)

// tokenEndpoint is RFC 6749 §3.2.
func tokenEndpoint() []Case {
	const rfc = "RFC 6749"
	method := func(method string) Case {
		return Case{rfc, "3.2", "a " + method, Must, "The token endpoint gives nothing to " + method + ".", func(p *probe) {
			c := p.config.Confidential
			good := p.code(c)
			v := redemption(c, good)
			header := append(credentials(c, v), "Content-Type", form)
			address, body := p.endpoint("token_endpoint"), v.Encode()
			if method == http.MethodGet {
				address, body = address+"?"+body, ""
			}
			r := p.send(nil, method, address, body, header...)
			p.nothing(r)
			p.expect(r.status >= 400 && r.status < 500, "expected a 4xx status, %s", r.came())
			p.unspent(c, good)
		}}
	}
	return []Case{
		method(http.MethodGet), method(http.MethodPut),
		{rfc, "3.2", "b twice", Must, "A parameter that comes twice is invalid_request.", func(p *probe) {
			c := p.config.Confidential
			for _, twice := range []string{"grant_type=authorization_code", "code_verifier=" + verifier, "x=1&x=2"} {
				good := p.code(c)
				v := redemption(c, good)
				header := credentials(c, v)
				p.refused(p.post(p.endpoint("token_endpoint"), v.Encode()+"&"+twice, header...), http.StatusBadRequest, "invalid_request")
				p.unspent(c, good)
			}
		}},
		{rfc, "3.2", "b unknown", Must, "Unknown and empty parameters are ignored.", func(p *probe) {
			c := p.config.Confidential
			p.granted(p.token(c, redemption(c, p.code(c), "x_unknown", "1", "scope", "")))
		}},
		{rfc, "3.2", "c JSON", Must, "A body that is JSON is invalid_request.", func(p *probe) {
			c := p.config.Confidential
			v := values()
			header := append(credentials(c, v), "Content-Type", "application/json")
			r := p.send(nil, http.MethodPost, p.endpoint("token_endpoint"), `{"grant_type":"client_credentials"}`, header...)
			p.nothing(r)
			p.expect(r.status == 400 || r.status == 401 || r.status == 415, "expected a 4xx status, %s", r.came())
		}},
		{rfc, "3.2", "c charset", Must, "A charset beside the media type is accepted.", func(p *probe) {
			c := p.config.Confidential
			v := redemption(c, p.code(c))
			header := append(credentials(c, v), "Content-Type", form+";charset=UTF-8")
			p.granted(p.send(nil, http.MethodPost, p.endpoint("token_endpoint"), v.Encode(), header...))
		}},
		{rfc, "3.2", "c query", Must, "Parameters in the query are not read.", func(p *probe) {
			c := p.config.Confidential
			good := p.code(c)
			v := redemption(c, good)
			own := values()
			header := credentials(c, own)
			p.nothing(p.post(p.endpoint("token_endpoint")+"?"+v.Encode(), own.Encode(), header...))
			p.unspent(c, good)
		}},
		{rfc, "3.2.1", "a", Must, "A confidential client authenticates to refresh.", func(p *probe) {
			c := p.config.Confidential
			token, _ := p.refreshToken(c)
			p.unauthenticated(p.post(p.endpoint("token_endpoint"), values("grant_type", "refresh_token", "refresh_token", token, "client_id", c.ID).Encode()))
			p.unmoved(c, token)
		}},
		{rfc, "3.2.1", "b missing", Must, "A public client that does not name itself gets nothing.", func(p *probe) {
			c := p.config.Public
			good := p.code(c)
			r := p.post(p.endpoint("token_endpoint"), redemption(c, good).Encode())
			p.nothing(r)
			p.expect(r.text("error") == "invalid_request" || r.text("error") == "invalid_client", "expected invalid_request or invalid_client, %s", r.came())
			p.unspent(c, good)
		}},
		{rfc, "3.2.1", "b other", Must, "A public client gets nothing for the code of another.", func(p *probe) {
			c := p.config.Confidential
			code := p.code(c)
			p.ask(p.config.Public)
			p.refused(p.token(p.config.Public, redemption(c, code)), http.StatusBadRequest, "invalid_grant")
		}},
	}
}
