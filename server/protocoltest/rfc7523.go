package protocoltest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertion is a JWT in the making: what a case changes is sent as it stands.
type assertion struct {
	header, claims map[string]any
	key            *ecdsa.PrivateKey // signs with ES256; with nil nothing is signed
	secret         []byte            // makes an HMAC instead
}

// signer returns the client that signs assertions, and its key.
func (p *probe) signer() (Client, *ecdsa.PrivateKey) {
	c := p.config.Signer
	if c.ID == "" {
		p.notSupported("The configuration has no client with private_key_jwt.")
	}
	key, err := c.key()
	if err != nil {
		p.fail("the private key of the configuration cannot be used")
	}
	return c, key
}

// assertion returns a good assertion of the client.
func (p *probe) assertion(c Client, key *ecdsa.PrivateKey) *assertion {
	now := time.Now().Unix()
	header := map[string]any{"alg": "ES256", "typ": "JWT"}
	if c.KeyID != "" {
		header["kid"] = c.KeyID
	}
	return &assertion{header: header, key: key, claims: map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": p.config.Issuer, "jti": rand.Text(), "iat": now, "exp": now + 60,
	}}
}

func (a *assertion) String() string {
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	input := part(a.header) + "." + part(a.claims)
	var signature []byte
	switch {
	case a.secret != nil:
		mac := hmac.New(sha256.New, a.secret)
		mac.Write([]byte(input))
		signature = mac.Sum(nil)
	case a.key != nil:
		digest := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, a.key, digest[:])
		if err == nil {
			signature = make([]byte, 64)
			r.FillBytes(signature[:32])
			s.FillBytes(signature[32:])
		}
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// present redeems a fresh code with an assertion.
func (p *probe) present(c Client, jwt string, changes ...string) reply {
	form := redemption(c, p.code(c), "client_assertion", jwt, "client_assertion_type", assertionType)
	return p.post(p.endpoint("token_endpoint"), change(form, changes).Encode())
}

// clientAssertions is RFC 7523 §3, with the audience of its update and of FAPI.
func clientAssertions() []Case {
	const rfc = "RFC 7523"
	spoilt := func(section, item, says string, level Level, spoil func(*probe, *assertion)) Case {
		return Case{rfc, section, item, level, says, func(p *probe) {
			c, key := p.signer()
			a := p.assertion(c, key)
			spoil(p, a)
			p.unauthenticated(p.present(c, a.String()))
		}}
	}
	claim := func(item, says string, level Level, changes func(*probe) map[string]any) Case {
		return spoilt("3", item, says, level, func(p *probe, a *assertion) {
			maps.Copy(a.claims, changes(p))
			maps.DeleteFunc(a.claims, func(_ string, v any) bool { return v == nil })
		})
	}
	return append([]Case{
		{rfc, "2.2", "good", Must, "An assertion authenticates its client.", func(p *probe) {
			c, key := p.signer()
			p.granted(p.present(c, p.assertion(c, key).String()))
		}},
		{rfc, "2.2", "type", Must, "An assertion of an unknown type is invalid_client.", func(p *probe) {
			c, key := p.signer()
			p.unauthenticated(p.present(c, p.assertion(c, key).String(), "client_assertion_type", assertionType+"x"))
		}},
		{rfc, "3", "replay", Must, "An assertion is good once.", func(p *probe) {
			c, key := p.signer()
			jwt := p.assertion(c, key).String()
			p.granted(p.present(c, jwt))
			p.unauthenticated(p.present(c, jwt))
		}},
		{rfc, "3", "parallel", Must, "Of parallel uses of an assertion at most one is good.", assertedAtOnce},
		{rfc, "3", "leeway", Choice, "An iat that is eight seconds ahead is accepted.", func(p *probe) {
			c, key := p.signer()
			a := p.assertion(c, key)
			a.claims["iat"] = time.Now().Unix() + 8
			p.granted(p.present(c, a.String()))
		}},
		{rfc, "3", "client_id", Must, "The client_id beside an assertion is that of the assertion.", func(p *probe) {
			c, key := p.signer()
			p.unauthenticated(p.present(c, p.assertion(c, key).String(), "client_id", c.ID+"x"))
		}},
		claim("iss", "The iss is the client.", Must, func(*probe) map[string]any { return map[string]any{"iss": "somebody-else"} }),
		claim("sub", "The sub is the client.", Must, func(p *probe) map[string]any { return map[string]any{"sub": p.config.Confidential.ID} }),
		claim("aud", "An assertion for another server is refused.", Must, func(*probe) map[string]any { return map[string]any{"aud": "https://other.example.com"} }),
		claim("aud endpoint", "The URL of the token endpoint is no audience.", Choice, func(p *probe) map[string]any {
			return map[string]any{"aud": p.endpoint("token_endpoint")}
		}),
		claim("aud array", "An audience that is an array is refused.", Choice, func(p *probe) map[string]any {
			return map[string]any{"aud": []string{p.config.Issuer, "https://other.example.com"}}
		}),
		claim("no aud", "An assertion without aud is refused.", Must, func(*probe) map[string]any { return map[string]any{"aud": nil} }),
		claim("no exp", "An assertion without exp is refused.", Must, func(*probe) map[string]any { return map[string]any{"exp": nil} }),
		claim("expired", "An assertion that has expired is refused.", Must, func(*probe) map[string]any { return map[string]any{"exp": time.Now().Unix() - 120} }),
		claim("nbf", "An assertion that is not yet good is refused.", Must, func(*probe) map[string]any { return map[string]any{"nbf": time.Now().Unix() + 120} }),
		claim("iat", "An assertion from the future is refused.", Choice, func(*probe) map[string]any { return map[string]any{"iat": time.Now().Unix() + 120} }),
		claim("no jti", "An assertion without jti is refused.", Choice, func(*probe) map[string]any { return map[string]any{"jti": nil} }),
	}, forgedAssertions(spoilt)...)
}

// forgedAssertions are those that the client has not signed.
func forgedAssertions(spoilt func(section, item, says string, level Level, spoil func(*probe, *assertion)) Case) []Case {
	foreign := func() *ecdsa.PrivateKey {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return key
	}
	return []Case{
		spoilt("3", "foreign", "An assertion that somebody else has signed is refused.", Must, func(_ *probe, a *assertion) { a.key = foreign() }),
		spoilt("3", "none", "An assertion with alg none is refused.", Must, func(_ *probe, a *assertion) { a.key, a.header["alg"] = nil, "none" }),
		spoilt("3", "HMAC", "An HMAC with the public key as its secret is refused.", Must, func(p *probe, a *assertion) {
			_, key := p.signer()
			der, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				p.fail("the key of the configuration cannot be encoded")
			}
			a.secret, a.header["alg"] = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "HS256"
		}),
		spoilt("3", "jwk", "A key that the assertion brings along is not used.", Must, func(_ *probe, a *assertion) {
			key := foreign()
			point, _ := key.PublicKey.Bytes()
			coordinate := base64.RawURLEncoding.EncodeToString
			a.key = key
			a.header["jwk"] = map[string]any{"kty": "EC", "crv": "P-256", "x": coordinate(point[1:33]), "y": coordinate(point[33:])}
		}),
		spoilt("3", "crit", "A critical header parameter that is not known is refused.", Must, func(_ *probe, a *assertion) {
			a.header["crit"], a.header["x-unknown"] = []string{"x-unknown"}, true
		}),
		spoilt("3", "kid", "A kid that is none of the client's finds no key.", Must, func(_ *probe, a *assertion) {
			a.header["kid"], a.key = "../../../../dev/null", foreign()
		}),
		spoilt("3", "nested", "Claims that are nested deeply are refused, and are no fault.", Choice, func(_ *probe, a *assertion) {
			a.claims["x"] = json.RawMessage(strings.Repeat("[", 1000) + strings.Repeat("]", 1000))
		}),
		{"RFC 7523", "3", "oversized", Choice, "An assertion of great length is refused, and is no fault.", func(p *probe) {
			c, key := p.signer()
			a := p.assertion(c, key)
			a.claims["x"] = strings.Repeat("x", 20000)
			r := p.present(c, a.String())
			p.nothing(r)
			p.expect(r.status >= 400 && r.status < 500, "expected a 4xx status, %s", r.came())
		}},
		{"RFC 6749", "2.3", "b assertion", Must, "An assertion beside a secret is refused.", func(p *probe) {
			c, key := p.signer()
			form := values("grant_type", "refresh_token", "refresh_token", "x", "client_assertion", p.assertion(c, key).String(), "client_assertion_type", assertionType)
			p.refused(p.post(p.endpoint("token_endpoint"), form.Encode(), "Authorization", "Basic "+basic(c.ID, "x")), http.StatusBadRequest, "invalid_request")
		}},
	}
}

// assertedAtOnce redeems many codes at once with one assertion.
func assertedAtOnce(p *probe) {
	c, key := p.signer()
	jwt := p.assertion(c, key).String()
	const many = 10
	var codes [many]string
	for i := range many {
		codes[i] = p.code(c)
	}
	address := p.endpoint("token_endpoint")
	var replies [many]reply
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			defer func() { _ = recover() }() // a connection that failed is no token
			replies[i] = p.post(address, redemption(c, codes[i], "client_assertion", jwt, "client_assertion_type", assertionType).Encode())
		})
	}
	group.Wait()
	granted, refused := 0, 0
	for _, r := range &replies {
		switch {
		case r.text("access_token") != "":
			granted++
		case r.status == http.StatusUnauthorized:
			refused++
		}
	}
	p.expect(granted <= 1, "expected tokens once, got them %d times", granted)
	p.expect(granted+refused >= 2, "expected invalid_client for all but one, and got hardly an answer")
}
