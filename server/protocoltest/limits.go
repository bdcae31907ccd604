package protocoltest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// limits is what a server does with more than anybody has to say (RFC 9700 does not
// ask for it; RFC 6749 §10.10 has attackers who try a lot).
func limits() []Case {
	const rfc = "RFC 6749"
	many := func() string {
		v := url.Values{}
		for i := range 5000 {
			v.Set("x"+strconv.Itoa(i), "1")
		}
		return v.Encode()
	}
	bounded := func(p *probe, r reply) {
		p.nothing(r)
		p.expect(r.status >= 400 && r.status < 500, "expected a 4xx status, %s", r.came())
	}
	return []Case{
		{rfc, "10", "many parameters", Choice, "Thousands of parameters are refused, and are no fault.", func(p *probe) {
			bounded(p, p.post(p.endpoint("token_endpoint"), "grant_type=authorization_code&"+many()))
		}},
		{rfc, "10", "long body", Choice, "A body of great length is refused, and is no fault.", func(p *probe) {
			bounded(p, p.post(p.endpoint("token_endpoint"), "grant_type=authorization_code&code="+strings.Repeat("x", 200<<10)))
		}},
		{rfc, "10", "long request", Choice, "An authorization request of great length is refused, and is no fault.", func(p *probe) {
			v := p.ask(p.config.Confidential, "state", strings.Repeat("x", 200<<10))
			bounded(p, p.send(nil, http.MethodPost, p.endpoint("authorization_endpoint"), v.Encode(), "Content-Type", form))
		}},
	}
}
