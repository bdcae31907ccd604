package protocoltest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// session is what the cases of one run share.
type session struct {
	config   Config
	document map[string]any // metadata, once it was read
	person   *browser       // who is logged in
}

// probe puts one case to the server.
type probe struct {
	*session
	ctx context.Context
}

// reply is what came back.
type reply struct {
	status   int
	header   http.Header
	body     string
	json     map[string]any
	location *url.URL // nil for none
	query    url.Values
	from     *url.URL
}

const (
	patience = 30 * time.Second // for one answer
	most     = 1 << 20          // bytes of one answer that are read
)

// send sends a request as it stands: header is pairs of name and value.
func (p *probe) send(jar http.CookieJar, method, address, body string, header ...string) reply {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		p.fail("the request could not be made: %v", err)
	}
	for pair := range slices.Chunk(header, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	// Without http.Client, which wants every Location to be a URL.
	if jar != nil {
		for _, cookie := range jar.Cookies(request.URL) {
			request.AddCookie(cookie)
		}
	}
	transport := p.config.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		p.fail("expected an answer of %s, and the connection failed", request.URL.Path)
	}
	defer func() { _ = response.Body.Close() }()
	if jar != nil {
		jar.SetCookies(request.URL, response.Cookies())
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		p.fail("the answer of %s broke off", request.URL.Path)
	}
	r := reply{status: response.StatusCode, header: response.Header, body: string(raw), from: request.URL, query: url.Values{}}
	_ = json.Unmarshal(raw, &r.json)
	if location, err := response.Location(); err == nil {
		r.location, r.query = location, location.Query()
	}
	return r
}

const form = "application/x-www-form-urlencoded"

// post sends a form without a cookie.
func (p *probe) post(address, body string, header ...string) reply {
	return p.send(nil, http.MethodPost, address, body, append([]string{"Content-Type", form}, header...)...)
}

// metadata returns the document of RFC 8414, or that of OpenID Connect Discovery.
func (p *probe) metadata() map[string]any {
	if p.document != nil {
		return p.document
	}
	r := p.wellKnown()
	p.expect(r.status == http.StatusOK && r.json != nil, "expected metadata at a well-known address, got status %d", r.status)
	p.document = r.json
	return p.document
}

// wellKnown asks for the metadata where RFC 8414 §3.1 has them, and then where
// OpenID Connect Discovery §4.1 does. The two differ for an issuer with a path.
func (p *probe) wellKnown(header ...string) reply {
	issuer, err := url.Parse(p.config.Issuer)
	if err != nil {
		p.fail("the issuer is no URL")
	}
	r := p.send(nil, http.MethodGet, origin(p.config.Issuer)+"/.well-known/oauth-authorization-server"+strings.TrimSuffix(issuer.Path, "/"), "", header...)
	if r.status != http.StatusOK {
		r = p.send(nil, http.MethodGet, strings.TrimSuffix(p.config.Issuer, "/")+"/.well-known/openid-configuration", "", header...)
	}
	return r
}

// endpoint returns an address of the metadata; without it the case is not supported.
func (p *probe) endpoint(name string) string {
	address, _ := p.metadata()[name].(string)
	if address == "" {
		p.notSupported("The metadata has no " + name + ".")
	}
	return address
}

// offers says whether a list of the metadata has the value.
func (p *probe) offers(list, value string) bool {
	values, _ := p.metadata()[list].([]any)
	return slices.Contains(values, any(value))
}

// text returns a member of a JSON answer.
func (r reply) text(name string) string {
	s, _ := r.json[name].(string)
	return s
}

// active reports whether a JSON answer has the member active with that value
// (RFC 7662 §2.2).
func (r reply) active(value bool) bool { return sets(r.json, "active", value) }

// sets reports whether a member of a JSON object is there with that value.
func sets(object map[string]any, name string, value bool) bool {
	said, ok := object[name].(bool)
	return ok && said == value
}

// values makes a form of names and values. An empty value is kept.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		v.Add(pair[0], pair[1])
	}
	return v
}
