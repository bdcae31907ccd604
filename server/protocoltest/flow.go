package protocoltest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The verifier of RFC 7636 Appendix B, and what is a state that survives only
// where it is coded right. These are no secrets: nothing is protected by them here.
const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	state    = "a&b=c%2B+d \u00e9"
)

func challenge(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask returns a good authorization request of the client, changed by pairs of
// name and value. The value "-" leaves a parameter out.
func (p *probe) ask(c Client, changes ...string) url.Values {
	if c.ID == "" || len(c.RedirectURIs) == 0 {
		p.notSupported("The configuration has no such client.")
	}
	v := values("client_id", c.ID, "redirect_uri", c.RedirectURIs[0], "response_type", "code", "scope", p.config.Scope,
		"state", state, "code_challenge", challenge(verifier), "code_challenge_method", "S256")
	return change(v, changes)
}

// change sets pairs of name and value. The value "-" takes a parameter out.
func change(v url.Values, pairs []string) url.Values {
	for pair := range slices.Chunk(pairs, 2) {
		v.Set(pair[0], pair[1])
		if pair[1] == "-" {
			v.Del(pair[0])
		}
	}
	return v
}

func (p *probe) authorizeURL(query string) string {
	address := p.endpoint("authorization_endpoint")
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// authorize sends an authorization request of somebody who is logged in and
// agrees, and returns where that ends.
func (p *probe) authorize(query string) reply {
	return p.authorizeAs(p.somebody(), query)
}

// authorizeAs does so with a browser of its own.
func (p *probe) authorizeAs(b *browser, query string) reply {
	return p.walk(b, p.send(b.jar, http.MethodGet, p.authorizeURL(query), ""))
}

// code gets a code for the client, at the redirect URI that was asked for.
func (p *probe) code(c Client, changes ...string) string {
	r := p.authorize(p.ask(c, changes...).Encode())
	p.expect(r.query.Get("code") != "" && r.at(c.RedirectURIs[0]), "expected a code for a good authorization request, at the client, %s", r.came())
	return r.query.Get("code")
}

// at reports whether a redirect leads to that address, with more in its query or not.
func (r reply) at(address string) bool {
	if r.location == nil {
		return false
	}
	bare := func(s string) string {
		s, _, _ = strings.Cut(s, "#")
		s, _, _ = strings.Cut(s, "?")
		return s
	}
	return bare(r.location.String()) == bare(address)
}

// credentials adds how the client authenticates, and returns the header.
func credentials(c Client, v url.Values) []string {
	switch c.AuthMethod {
	case "client_secret_basic":
		return []string{"Authorization", "Basic " + basic(c.ID, c.Secret)}
	case "client_secret_post":
		v.Set("client_secret", c.Secret)
	}
	v.Set("client_id", c.ID)
	return nil
}

// basic codes id and secret as RFC 6749 §2.3.1 says.
func basic(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
}

// token sends a token request of the client.
func (p *probe) token(c Client, v url.Values) reply {
	header := credentials(c, v)
	return p.post(p.endpoint("token_endpoint"), v.Encode(), header...)
}

// redemption is the form that redeems a code, changed as by ask.
func redemption(c Client, code string, changes ...string) url.Values {
	v := values("grant_type", "authorization_code", "code", code, "redirect_uri", c.RedirectURIs[0], "code_verifier", verifier)
	return change(v, changes)
}

// tokens runs a whole flow.
func (p *probe) tokens(c Client, changes ...string) reply {
	r := p.token(c, redemption(c, p.code(c, changes...)))
	p.granted(r)
	return r
}

// refreshToken runs a whole flow that ends with a refresh token.
func (p *probe) refreshToken(c Client) (string, reply) {
	r := p.tokens(c)
	if r.text("refresh_token") == "" {
		p.notSupported("The client gets no refresh token.")
	}
	return r.text("refresh_token"), r
}

// came says what a reply is, without anything that it carries.
func (r reply) came() string {
	if r.location != nil {
		return "got a redirect to " + r.location.Host + r.location.Path + " with " + said(r.query.Get("error"))
	}
	return "got status " + http.StatusText(r.status) + " with " + said(r.text("error"))
}

func said(code string) string {
	if code == "" {
		return "no error"
	}
	return "error " + code
}

// granted expects tokens.
func (p *probe) granted(r reply) {
	p.expect(r.status == http.StatusOK && r.text("access_token") != "", "expected tokens, %s", r.came())
}

// refused expects an error of the token endpoint with one of the codes and no token.
func (p *probe) refused(r reply, status int, codes ...string) {
	p.nothing(r)
	p.expect(r.status == status && slices.Contains(codes, r.text("error")), "expected %d with error %s, %s", status, strings.Join(codes, " or "), r.came())
	p.expect(strings.HasPrefix(r.header.Get("Content-Type"), "application/json"), "expected the error as application/json")
}

// unspent expects that a code is good for its client: a request that was refused
// has granted nothing, also not where nobody sees it.
func (p *probe) unspent(c Client, code string) {
	r := p.token(c, redemption(c, code))
	p.expect(r.status == http.StatusOK && r.text("access_token") != "", "expected that the code is still good after the request that was refused, %s", r.came())
}

// unmoved expects the same of a refresh token.
func (p *probe) unmoved(c Client, token string) {
	r := p.token(c, values("grant_type", "refresh_token", "refresh_token", token))
	p.expect(r.status == http.StatusOK && r.text("access_token") != "", "expected that the refresh token is still good after the request that was refused, %s", r.came())
}

// unauthenticated expects invalid_client.
func (p *probe) unauthenticated(r reply) { p.refused(r, http.StatusUnauthorized, "invalid_client") }

// nothing expects that nothing was granted.
func (p *probe) nothing(r reply) {
	p.expect(r.text("access_token") == "" && r.text("refresh_token") == "" && r.text("id_token") == "", "expected that nothing is granted, got tokens")
	p.expect(r.query.Get("code") == "", "expected that nothing is granted, got a code")
	if r.location != nil {
		v, _ := url.ParseQuery(r.location.Fragment)
		p.expect(!v.Has("access_token") && !v.Has("id_token") && !v.Has("code"), "expected that nothing is granted, got it in a fragment")
	}
}

// page expects a page for the person, and that nobody is redirected.
func (p *probe) page(r reply) {
	p.nothing(r)
	p.expect(r.header.Get("Location") == "" && r.status >= 400 && r.status < 500, "expected a page with a 4xx status and no redirect, %s", r.came())
}

// told expects a redirect to the client with one of the errors.
func (p *probe) told(r reply, c Client, codes ...string) {
	p.nothing(r)
	p.expect(r.at(c.RedirectURIs[0]) && slices.Contains(codes, r.query.Get("error")),
		"expected a redirect to the client with error %s, %s", strings.Join(codes, " or "), r.came())
}
