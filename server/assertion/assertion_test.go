package assertion_test

import (
	"bytes"
	"compress/flate"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/assertion"
)

var _ = Describe("RFC 7523 §3: a client assertion", func() {
	DescribeTable("is accepted with", func(key any, header, changes object) {
		Expect(judge(sign(key, header, good(changes)), registered())).To(Succeed())
	},
		Entry("RS256", rsaKey, object{"alg": "RS256", "kid": "rsa", "typ": "JWT"}, nil),
		Entry("PS256", rsaKey, object{"alg": "PS256", "kid": "rsa"}, nil),
		Entry("ES256", ecKey, object{"alg": "ES256", "kid": "ec", "typ": "client-authentication+jwt"}, nil),
		Entry("EdDSA", ed, object{"alg": "EdDSA", "kid": "ed"}, nil),
		Entry("no kid, where a key of its algorithm is right", ecKey, object{"alg": "ES256"}, nil),
		Entry("parameters and claims that mean nothing here", ecKey, object{"alg": "ES256", "x5t": "x", "cty": "y"}, object{"scope": "read"}),
		Entry("an iat and nbf 8 s ahead (FAPI 2.0)", ecKey, object{"alg": "ES256"}, object{"iat": now.Unix() + 8, "nbf": now.Unix() + 8}),
		Entry("no iat and no nbf", ecKey, object{"alg": "ES256"}, object{"iat": nil, "nbf": nil}),
		Entry("an exp with a fraction", ecKey, object{"alg": "ES256"}, object{"exp": float64(now.Unix()) + 30.5}),
		Entry("an exp in an hour", ecKey, object{"alg": "ES256"}, object{"exp": now.Add(time.Hour).Unix()}),
	)

	DescribeTable("is refused, once it is signed, and its client is told why:", func(changes object, words string) {
		err := judge(sign(ecKey, object{"alg": "ES256"}, good(changes)), registered())
		var refusal assertion.RefusalError
		Expect(err).To(BeAssignableToTypeOf(refusal))
		Expect(err).To(MatchError(ContainSubstring(words)))
	},
		Entry("another iss", object{"iss": "team.other"}, "iss"),
		Entry("no iss", object{"iss": nil}, "iss"),
		Entry("another sub", object{"sub": "team.other"}, "sub"),
		Entry("no sub", object{"sub": nil}, "sub"),
		Entry("wrong audience: another server", object{"aud": "https://evil.example"}, "aud"),
		Entry("wrong audience: the token endpoint (rfc7523bis)", object{"aud": server + "/token"}, "aud"),
		Entry("wrong audience: a slash more", object{"aud": server + "/"}, "aud"),
		Entry("no audience", object{"aud": nil}, "aud"),
		Entry("array audience: this server alone", object{"aud": []string{server}}, "array"),
		Entry("array audience: another server too", object{"aud": []string{server, "https://evil.example"}}, "aud"),
		Entry("array audience: none", object{"aud": []string{}}, "aud"),
		Entry("no exp", object{"exp": nil}, "exp"),
		Entry("an exp of now", object{"exp": now.Unix()}, "expired"),
		Entry("an exp of the past", object{"exp": now.Unix() - 3600}, "expired"),
		Entry("an exp too far ahead", object{"exp": now.Add(time.Hour).Unix() + 1}, "too far"),
		Entry("an iat over 60 s ahead", object{"iat": now.Unix() + 61}, "future"),
		Entry("an nbf over 60 s ahead", object{"nbf": now.Unix() + 61}, "future"),
		Entry("no jti", object{"jti": nil}, "jti"),
		Entry("an empty jti", object{"jti": ""}, "jti"),
	)

	It("array audience: where an array is accepted, as of a ServiceAccount, it is of this server alone", func() {
		for want, audiences := range map[string][]any{
			"":    {[]string{server}, server},
			"aud": {[]string{server, "https://kubernetes.default.svc"}, []string{"https://kubernetes.default.svc", server}, []string{server, server}, []string{}, []string{""}, nil},
		} {
			for _, audience := range audiences {
				jwt := must(assertion.Parse(sign(ecKey, object{"alg": "ES256"}, good(object{"aud": audience}))))
				Expect(jwt.Verify(registered())).To(Succeed())
				err := jwt.Check(assertion.Expected{Issuer: "team.web", Subject: "team.web", Audience: server, ArrayAudience: true}, now)
				if want == "" {
					Expect(err).NotTo(HaveOccurred())
				} else {
					Expect(err).To(MatchError(ContainSubstring(want)))
				}
			}
		}
	})

	It("alg none: is refused in every spelling, with and without a signature", func() {
		for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
			for _, key := range []any{nil, ecKey} {
				Expect(judge(sign(key, object{"alg": alg, "kid": "ec"}, good(nil)), registered())).To(MatchError(assertion.ErrAlgorithm), alg)
			}
		}
		Expect(judge(sign(ecKey, object{"kid": "ec"}, good(nil)), registered())).To(MatchError(assertion.ErrAlgorithm))
	})

	It("alg confusion: an HMAC with the public key as its secret is refused", func() {
		der := must(x509.MarshalPKIXPublicKey(rsaKey.Public()))
		for _, secret := range [][]byte{
			der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), jwkOf(rsaKey.Public()), rsaKey.N.Bytes(), edPub,
		} {
			for _, alg := range []string{"HS256", "HS384", "HS512"} {
				Expect(judge(sign(secret, object{"alg": alg, "kid": "rsa"}, good(nil)), registered())).To(MatchError(assertion.ErrAlgorithm))
			}
			Expect(judge(sign(secret, object{"alg": "RS256", "kid": "rsa"}, good(nil)), registered())).To(MatchError(assertion.ErrSignature))
		}
	})

	It("alg confusion: a key is used for its own type, and for its own algorithm where it has one", func() {
		Expect(judge(sign(rsaKey, object{"alg": "RS256", "kid": "ec"}, good(nil)), registered())).To(MatchError(assertion.ErrKey))
		Expect(judge(sign(ecKey, object{"alg": "EdDSA", "kid": "ec"}, good(nil)), registered())).To(MatchError(assertion.ErrKey))
		keys := []assertion.Key{{Alg: "PS256", Public: rsaKey.Public()}}
		Expect(judge(sign(rsaKey, object{"alg": "RS256"}, good(nil)), keys)).To(MatchError(assertion.ErrKey))
		Expect(judge(sign(rsaKey, object{"alg": "PS256"}, good(nil)), keys)).To(Succeed())
	})

	DescribeTable("embedded jwk, and other keys that an assertion brings or names, are refused:", func(name string, value any) {
		header := object{"alg": "ES256", name: value}
		Expect(judge(sign(foreignKey, header, good(nil)), registered())).To(MatchError(assertion.ErrHeader))
		Expect(judge(sign(ecKey, header, good(nil)), registered())).To(MatchError(assertion.ErrHeader), "even beside a good signature")
	},
		Entry("jwk", "jwk", jwkOf(foreignKey.Public())),
		Entry("jku", "jku", "https://evil.example/jwks"),
		Entry("x5u", "x5u", "https://evil.example/cert"),
		Entry("x5c", "x5c", []string{"MIIB"}),
		Entry("crit: of a thing that is known", "crit", []string{"exp"}),
		Entry("crit: of nothing", "crit", []string{}),
		Entry("b64", "b64", false),
		Entry("zip", "zip", "DEF"),
		Entry("typ of an access token", "typ", "at+jwt"),
		Entry("typ of a logout token", "typ", "logout+jwt"),
	)

	It("kid injection: a kid is compared, and is nothing else", func() {
		for _, kid := range []string{
			"../../../../dev/null", "/proc/self/environ", "' OR '1'='1", "ec' UNION SELECT 'x", "https://evil.example/key", "ec\x00", "EC", "ec ",
			"rsa,ec", "*", "|id", "${jndi:ldap://evil.example}",
		} {
			Expect(judge(sign(ecKey, object{"alg": "ES256", "kid": kid}, good(nil)), registered())).To(MatchError(assertion.ErrKey), kid)
		}
		Expect(judge(sign(ecKey, object{"alg": "ES256", "kid": object{"a": 1}}, good(nil)), registered())).To(MatchError(assertion.ErrMalformed))
		Expect(judge(sign(ecKey, object{"alg": "ES256", "kid": strings.Repeat("k", 513)}, good(nil)), registered())).To(MatchError(assertion.ErrMalformed))
	})

	It("is refused with another's key, and with a bit changed anywhere", func() {
		Expect(judge(sign(foreignKey, object{"alg": "ES256", "kid": "ec"}, good(nil)), registered())).To(MatchError(assertion.ErrSignature))
		raw := sign(ecKey, object{"alg": "ES256", "kid": "ec"}, good(nil))
		for i := range raw {
			changed := []byte(raw)
			changed[i] ^= 1
			Expect(judge(string(changed), registered())).NotTo(Succeed(), "at %d", i)
		}
		Expect(judge(raw, nil)).To(MatchError(assertion.ErrKey), "no key")
	})

	It("oversized: is refused before it is decoded", func() {
		Expect(judge(sign(ecKey, object{"alg": "ES256"}, good(object{"pad": strings.Repeat("x", assertion.MaxBytes)})), registered())).To(MatchError(assertion.ErrSize))
		Expect(judge(strings.Repeat(".", 64<<20), registered())).To(MatchError(assertion.ErrSize))
	})

	It("deeply nested: is refused in header and claims", func() {
		for _, deep := range []string{
			strings.Repeat("[", 2000) + strings.Repeat("]", 2000), strings.Repeat("[", 3000), strings.Repeat(`{"a":`, 800) + "1" + strings.Repeat("}", 800),
		} {
			Expect(judge(sign(ecKey, `{"alg":"ES256","x":`+deep+`}`, "{}"), registered())).To(MatchError(assertion.ErrMalformed))
			Expect(judge(sign(ecKey, object{"alg": "ES256"}, `{"x":`+deep+`}`), registered())).To(MatchError(assertion.ErrMalformed))
		}
		Expect(judge(sign(ecKey, object{"alg": "ES256"}, good(object{"x": "[[[[[[[[[[[[\\\"[["})), registered())).To(Succeed(), "brackets in a text nest nothing")
	})

	It("JWE bombs: nothing is decrypted or inflated", func() {
		var bomb bytes.Buffer
		w := must(flate.NewWriter(&bomb, flate.BestCompression))
		_ = must(w.Write(make([]byte, 1<<20)))
		Expect(w.Close()).To(Succeed())
		encrypter := must(jose.NewEncrypter(jose.A128CBC_HS256, jose.Recipient{Algorithm: jose.RSA_OAEP, Key: rsaKey.Public()},
			&jose.EncrypterOptions{Compression: jose.DEFLATE}))
		jwe := must(must(encrypter.Encrypt(make([]byte, 1<<20))).CompactSerialize())
		Expect(judge(jwe, registered())).To(MatchError(assertion.ErrEncrypted))
		Expect(judge(sign(ecKey, object{"alg": "ES256", "zip": "DEF"}, bomb.String()), registered())).NotTo(Succeed())
	})

	DescribeTable("is refused in another form:", func(spoil func(string) string) {
		raw := sign(ecKey, object{"alg": "ES256"}, good(nil))
		Expect(judge(raw, registered())).To(Succeed())
		Expect(judge(spoil(raw), registered())).NotTo(Succeed())
	},
		Entry("nothing", func(string) string { return "" }),
		Entry("padded", func(s string) string { return s + "==" }),
		Entry("with a line feed", func(s string) string { return s + "\n" }),
		Entry("with a line feed within", func(s string) string { return s[:9] + "\r\n" + s[9:] }),
		Entry("with a space before it", func(s string) string { return " " + s }),
		Entry("with a part more", func(s string) string { return s + "." }),
		Entry("without its signature", func(s string) string { return s[:strings.LastIndex(s, ".")+1] }),
		Entry("without its last part", func(s string) string { return s[:strings.LastIndex(s, ".")] }),
		Entry("in the JSON serialization", func(s string) string {
			p := strings.Split(s, ".")
			return `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`
		}),
	)

	DescribeTable("is refused where two readers could read two things:", func(claims string) {
		Expect(judge(sign(ecKey, object{"alg": "ES256"}, claims), registered())).To(MatchError(assertion.ErrMalformed))
	},
		Entry("a name that is there twice", `{"iss":"team.web","iss":"team.other"}`),
		Entry("an escaped name that is there twice", `{"iss":"team.web","is\u0073":"team.other"}`),
		Entry("something after the object", `{}{}`),
		Entry("an array", `[]`),
		Entry("a text", `"x"`),
		Entry("nothing", ``),
		Entry("bytes that are no UTF-8", "{\"iss\":\"\xff\"}"),
		Entry("an exp that is a text", `{"exp":"1893553445"}`),
		Entry("an exp that no clock shows", `{"exp":1e300}`),
		Entry("an exp that is negative", `{"exp":-1}`),
		Entry("an exp that is null", `{"exp":null}`),
		Entry("an iss that is a number", `{"iss":1}`),
		Entry("an aud that is an object", `{"aud":{"a":"b"}}`),
		Entry("an aud with a number", `{"aud":[1]}`),
	)

	It("is for one client: names in another case are other names", func() {
		claims := good(nil)
		claims["ISS"], claims["Sub"] = claims["iss"], claims["sub"]
		delete(claims, "iss")
		Expect(judge(sign(ecKey, object{"alg": "ES256"}, claims), registered())).To(MatchError(ContainSubstring("iss")))
	})
})

// FuzzParse reads anything, as a header and claims that are signed and as a whole:
// what is accepted has been signed by the client for this server.
func FuzzParse(f *testing.F) {
	f.Add(`{"alg":"ES256","kid":"ec","typ":"JWT"}`, `{"iss":"team.web","sub":"team.web","aud":"`+server+`","jti":"x","exp":1893553500}`, "")
	f.Add(`{"alg":"none"}`, `{}`, "a.b.c")
	f.Add(`{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}`, `{"aud":["x"]}`, "a.b.c.d.e")
	f.Add(`{"alg":"ES256","crit":["b64"],"b64":false}`, `{"exp":1e400}`, "{}")
	f.Add(`{"alg":"ES256","alg":"none"}`, strings.Repeat("[", 100), "..")
	f.Add(`{"alg":"RS256","x5c":["AA=="]}`, `{"exp":1893553500.5,"nbf":-0}`, strings.Repeat("A", 9000))
	f.Fuzz(func(t *testing.T, header, claims, whole string) {
		if judge(whole, registered()) == nil {
			t.Errorf("%q was accepted, and nobody has signed it", whole)
		}
		raw := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "."
		if judge(raw, registered()) == nil {
			t.Errorf("%q was accepted without a signature", raw)
		}
		if judge(sign(foreignKey, header, claims), registered()) == nil {
			t.Errorf("%q with %q was accepted from somebody else", claims, header)
		}
		err := judge(sign(ecKey, header, claims), registered())
		if err == nil && (!strings.Contains(header, "ES256") && !strings.Contains(header, `\u`)) {
			t.Errorf("%q was accepted with the header %q", claims, header)
		}
	})
}
