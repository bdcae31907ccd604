package protocoltest_test

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// vouched takes any assertion for a good one of the client that has a key.
func vouched(e *exchange) {
	if !e.body.Has("client_assertion") {
		return
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: signerKey()}, nil)
	if err != nil {
		panic(err)
	}
	claims, err := json.Marshal(map[string]any{
		"iss": "team.signer", "sub": "team.signer", "aud": "https://" + e.r.Host, "jti": rand.Text(), "exp": time.Now().Unix() + 60,
	})
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		panic(err)
	}
	jwt, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	e.r.Header.Del("Authorization")
	e.body.Set("client_assertion", jwt)
	e.body.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	e.body.Del("client_id")
}

// brokenAssertions overlook each what one case asks for.
func brokenAssertions() []mutation {
	broken := []mutation{
		{"assertions count for nothing", "RFC 7523 §2.2-good", asks("/token", func(e *exchange) { e.body.Del("client_assertion") })},
		{"published keys count for nothing", "RFC 7591 §2-jwks_uri", asks("/token", func(e *exchange) { e.body.Del("client_assertion") })},
		{"keys that are not published count", "RFC 7591 §2-jwks_uri foreign", asks("/token", vouched)},
		{"a kid that is not published counts", "RFC 7591 §2-jwks_uri kid", asks("/token", vouched)},
		{"keys are where an assertion says", "RFC 7591 §2-jwks_uri jku", asks("/token", vouched)},
		{"clocks have to agree to the second", "RFC 7523 §3-leeway", asks("/token", func(e *exchange) { e.body.Del("client_assertion") })},
		{"of an assertion and a secret one counts", "RFC 6749 §2.3-b assertion", asks("/token", vouched)},
		{"a bad assertion is a fault", "RFC 7523 §3-nested", status("/token", 401, 500)},
		{"a long assertion is a fault", "RFC 7523 §3-oversized", status("/token", 401, 500)},
	}
	for what, caught := range map[string]string{
		"an unknown type is taken": "2.2-type", "an assertion is good twice": "3-replay", "another client_id is overlooked": "3-client_id",
		"iss is overlooked": "3-iss", "sub is overlooked": "3-sub", "aud is overlooked": "3-aud", "the token endpoint is an audience": "3-aud endpoint",
		"one of several audiences is enough": "3-aud array", "aud is not needed": "3-no aud", "exp is not needed": "3-no exp",
		"exp is overlooked": "3-expired", "nbf is overlooked": "3-nbf", "jti is not needed": "3-no jti", "anybody signs": "3-foreign",
		"nobody need sign": "3-none", "the public key is a shared secret": "3-HMAC", "an embedded key is used": "3-jwk",
		"crit is overlooked": "3-crit", "a kid leads anywhere": "3-kid",
	} {
		broken = append(broken, mutation{what, "RFC 7523 §" + caught, asks("/token", vouched)})
	}
	return broken
}
