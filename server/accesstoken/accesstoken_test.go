package accesstoken_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

var now = time.Date(2026, 11, 12, 13, 14, 15, 0, time.UTC)

// newSet makes real keys.
func newSet() *keys.Set {
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{
		{Use: keyring.UseSignES256}, {Use: keyring.UseSignRS256},
	}, now)
	if err != nil {
		panic(err)
	}
	set, err := keys.Compile(ring)
	if err != nil {
		panic(err)
	}
	return set
}

var theSet = sync.OnceValue(newSet)

// parse reads a token as others do: with the published keys and nothing of ours.
func parse(set *keys.Set, token string, alg jose.SignatureAlgorithm) (header jose.Header, claims map[string]any) {
	GinkgoHelper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	Expect(err).NotTo(HaveOccurred())
	header = jws.Signatures[0].Header
	public := set.Public(now)
	Expect(public.Key(header.KeyID)).To(HaveLen(1))
	payload, err := jws.Verify(public.Key(header.KeyID)[0])
	Expect(err).NotTo(HaveOccurred())
	Expect(json.Unmarshal(payload, &claims)).To(Succeed())
	return header, claims
}

var _ = Describe("Tokens", func() {
	var (
		set      *keys.Set
		settings *issuer.Settings
		web      *registration.Client
		ada      *resourceowner.Person
		g        grant.Grant
	)

	BeforeEach(func() {
		set = theSet()
		settings = &issuer.Settings{
			Name: "main", Issuer: "https://auth.example.com", IDTokenAlg: "RS256",
			Lifetimes: issuer.Lifetimes{AccessToken: time.Hour, IDToken: time.Hour}, // of other clients
		}
		web = &registration.Client{
			ID: "team.web", Lifetimes: issuer.Lifetimes{AccessToken: 10 * time.Minute, IDToken: 5 * time.Minute},
		}
		ada = &resourceowner.Person{Subject: "ada-1", Username: "ada", Name: "Ada", Email: "ada@example.com", Groups: []string{"a", "b"}}
		g = grant.Grant{
			ID: grant.NewID(), Issuer: "main", ClientID: "team.web", Subject: "ada-1", SessionID: "s1",
			Scope: oauth.Scope{"openid", "read"}, AuthTime: now.Add(-time.Hour), EndsAt: now.Add(time.Hour),
		}
	})

	sign := func(c accesstoken.Claims) string {
		GinkgoHelper()
		token, err := c.Sign(set, now)
		Expect(err).NotTo(HaveOccurred())
		return token
	}
	signID := func(t accesstoken.IDToken) string {
		GinkgoHelper()
		token, err := t.Sign(settings, set, now)
		Expect(err).NotTo(HaveOccurred())
		return token
	}

	It("RFC 9068 §2: an access token is an at+jwt of ES256 with all claims of a person's grant", func() {
		header, claims := parse(set, sign(accesstoken.ForGrant(settings, web, g, g.Scope, now)), jose.ES256)
		Expect(header.ExtraHeaders[jose.HeaderType]).To(Equal("at+jwt"))
		Expect(claims).To(HaveKeyWithValue("jti", MatchRegexp(`^.{22,}$`)))
		delete(claims, "jti")
		Expect(claims).To(Equal(map[string]any{
			"iss": "https://auth.example.com", "aud": "https://auth.example.com", "sub": "ada-1", "client_id": "team.web",
			"scope": "openid read", "iat": float64(now.Unix()), "exp": float64(now.Unix() + 600),
			"auth_time": float64(now.Unix() - 3600), "sid": "s1", "gid": g.ID,
		}))
	})

	It("RFC 9068 §2.2: a client's own access token has the client_id as sub, and nothing of a person", func() {
		client := &registration.Client{ID: "team.job", Lifetimes: web.Lifetimes}
		_, claims := parse(set, sign(accesstoken.ForClient(settings, client, nil, now)), jose.ES256)
		delete(claims, "jti")
		Expect(claims).To(Equal(map[string]any{
			"iss": "https://auth.example.com", "aud": "https://auth.example.com", "sub": "team.job", "client_id": "team.job",
			"iat": float64(now.Unix()), "exp": float64(now.Unix() + 600),
		}))
	})

	It("does not outlive its grant", func() {
		g.EndsAt = now.Add(time.Minute)
		claims := accesstoken.ForGrant(settings, web, g, g.Scope, now)
		Expect(claims.Lifetime()).To(BeEquivalentTo(60))
	})

	It("RFC 9068 §4: is verified until it expires", func() {
		claims := accesstoken.ForGrant(settings, web, g, g.Scope, now)
		token := sign(claims)
		Expect(accesstoken.Verify(settings, set, token, now)).To(Equal(claims))
		Expect(accesstoken.Verify(settings, set, token, now.Add(600*time.Second-1))).To(Equal(claims))
		_, err := accesstoken.Verify(settings, set, token, now.Add(600*time.Second))
		Expect(err).To(MatchError(accesstoken.ErrInvalid))
	})

	It("RFC 9068 §4: is not verified with anything else in it", func() {
		for name, change := range map[string]func(*accesstoken.Claims){
			"another issuer":   func(c *accesstoken.Claims) { c.Issuer += "/" },
			"another audience": func(c *accesstoken.Claims) { c.Audience = accesstoken.Audience{"team.web"} },
			"no subject":       func(c *accesstoken.Claims) { c.Subject = "" },
			"no client":        func(c *accesstoken.Claims) { c.ClientID = "" },
			"no expiry":        func(c *accesstoken.Claims) { c.ExpiresAt = 0 },
		} {
			claims := accesstoken.ForGrant(settings, web, g, g.Scope, now)
			change(&claims)
			_, err := accesstoken.Verify(settings, set, sign(claims), now)
			Expect(err).To(MatchError(accesstoken.ErrInvalid), name)
		}
	})

	It("RFC 8725 §3: nothing is verified that is forged, changed or of another kind", func() {
		claims := accesstoken.ForGrant(settings, web, g, g.Scope, now)
		token := sign(claims)
		payload, _ := json.Marshal(claims)
		part := strings.Split(token, ".")
		header := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		kid, _ := parse(set, token, jose.ES256)
		otherType, _ := set.Sign(keyring.UseSignES256, keys.TypeIDToken, payload, now)
		otherAlg, _ := set.Sign(keyring.UseSignRS256, keys.TypeAccessToken, payload, now)
		stranger, _ := newSet().Sign(keyring.UseSignES256, keys.TypeAccessToken, payload, now)
		for name, bad := range map[string]string{
			"nothing":            "",
			"no token":           "x.y.z",
			"no signature":       part[0] + "." + part[1] + ".",
			"alg none":           header(`{"alg":"none","typ":"at+jwt"}`) + "." + part[1] + ".",
			"alg HS256":          header(`{"alg":"HS256","typ":"at+jwt","kid":"`+kid.KeyID+`"}`) + "." + part[1] + "." + part[2],
			"another payload":    part[0] + "." + header(`{"sub":"root"}`) + "." + part[2],
			"another header":     header(`{"alg":"ES256","typ":"at+jwt","kid":"`+kid.KeyID+`","x":1}`) + "." + part[1] + "." + part[2],
			"typ JWT":            otherType,
			"RS256":              otherAlg,
			"a stranger's key":   stranger,
			"JSON serialization": `{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`,
			"more behind":        token + "A",
			"a fourth part":      token + ".",
			"very long":          strings.Repeat("A", 1<<20),
		} {
			_, err := accesstoken.Verify(settings, set, bad, now)
			Expect(err).To(MatchError(accesstoken.ErrInvalid), name)
		}
		_, err := accesstoken.Verify(settings, &keys.Set{}, token, now)
		Expect(err).To(MatchError(accesstoken.ErrInvalid), "without keys")
	})

	It("alg confusion: an HMAC with the public key as its secret is no token, whatever it is said to be signed with", func() {
		payload, err := json.Marshal(accesstoken.ForGrant(settings, web, g, g.Scope, now))
		Expect(err).NotTo(HaveOccurred())
		for _, key := range set.Public(now).Keys {
			der, err := x509.MarshalPKIXPublicKey(key.Key)
			Expect(err).NotTo(HaveOccurred())
			jwk, err := json.Marshal(key)
			Expect(err).NotTo(HaveOccurred())
			for _, secret := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), jwk, []byte(key.KeyID)} {
				for _, alg := range []string{"HS256", "ES256", "RS256"} {
					for _, typ := range []string{"at+jwt", "JWT"} {
						body := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+alg+`","typ":"`+typ+`","kid":"`+key.KeyID+`"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
						mac := hmac.New(sha256.New, secret)
						mac.Write([]byte(body))
						forged := body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
						_, err := accesstoken.Verify(settings, set, forged, now)
						Expect(err).To(MatchError(accesstoken.ErrInvalid))
						_, err = accesstoken.ReadHint(settings, set, forged, now)
						Expect(err).To(MatchError(accesstoken.ErrHint))
					}
				}
			}
		}
	})

	It("OpenID Connect Core §2, §3.1.3.6: an ID token is what the relying party asked for", func() {
		t := accesstoken.IDToken{
			Client: web, Grant: g, Person: ada, Nonce: "n\"<é>", AccessToken: "an access token",
			Scope: oauth.Scope{"openid", "profile", "email", "groups"},
		}
		header, claims := parse(set, signID(t), jose.RS256)
		Expect(header.ExtraHeaders[jose.HeaderType]).To(Equal("JWT"))
		sum := sha256.Sum256([]byte("an access token"))
		Expect(claims).To(Equal(map[string]any{
			"iss": "https://auth.example.com", "aud": "team.web", "sub": "ada-1", "sid": "s1", "nonce": "n\"<é>",
			"iat": float64(now.Unix()), "exp": float64(now.Unix() + 300), "auth_time": float64(now.Unix() - 3600),
			"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
			"name":    "Ada", "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
			"groups": []any{"a", "b"},
		}))
	})

	It("OpenID Connect Core §3.1.3.6: at_hash is that of the specification's kind", func() {
		// The hash of "" is known: e3b0c44298fc1c149afbf4c8996fb924...
		_, claims := parse(set, signID(accesstoken.IDToken{Client: web, Grant: g, Person: ada}), jose.RS256)
		Expect(claims).To(HaveKeyWithValue("at_hash", "47DEQpj8HBSa-_TImW-5JA"))
		Expect(claims).NotTo(HaveKey("nonce"))
	})

	It("OpenID Connect Core §2, §10.1: the header names the algorithm, the key and the type, and brings no key with it", func() {
		for _, alg := range []string{"RS256", "ES256"} {
			settings.IDTokenAlg = alg
			token := signID(accesstoken.IDToken{Client: web, Grant: g, Person: ada})
			raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
			Expect(err).NotTo(HaveOccurred())
			var header map[string]any
			Expect(json.Unmarshal(raw, &header)).To(Succeed())
			Expect(header).To(And(HaveLen(3), HaveKeyWithValue("alg", alg), HaveKeyWithValue("typ", "JWT"), HaveKey("kid")))
		}
	})

	It("OpenID Connect Core §2, §13.3: what there is nothing to say of is left out, and not null", func() {
		g.SessionID = ""
		all := oauth.Scope{"openid", "profile", "email", "groups"}
		_, claims := parse(set, signID(accesstoken.IDToken{Client: web, Grant: g, Person: &resourceowner.Person{Subject: "ada-1", Username: "ada"}, Scope: all}), jose.RS256)
		Expect(claims).To(HaveLen(8))
		for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "at_hash", "preferred_username"} {
			Expect(claims).To(HaveKey(name))
		}
	})

	It("signs ID tokens with ES256 where the issuer says so", func() {
		settings.IDTokenAlg = "ES256"
		header, _ := parse(set, signID(accesstoken.IDToken{Client: web, Grant: g, Person: ada}), jose.ES256)
		Expect(header.ExtraHeaders[jose.HeaderType]).To(Equal("JWT"))
	})

	It("RFC 9068 §5: an ID token is no access token, and an access token no ID token", func() {
		for _, alg := range []string{"RS256", "ES256"} {
			settings.IDTokenAlg = alg
			web.ID = settings.Issuer // even if aud were the same
			_, err := accesstoken.Verify(settings, set, signID(accesstoken.IDToken{Client: web, Grant: g, Person: ada}), now)
			Expect(err).To(MatchError(accesstoken.ErrInvalid), alg)
		}
		_, err := set.Verify(keyring.UseSignES256, keys.TypeIDToken, sign(accesstoken.ForGrant(settings, web, g, g.Scope, now)), now)
		Expect(err).To(MatchError(keys.ErrVerify))
	})

	It("makes no token without a key", func() {
		_, err := accesstoken.ForGrant(settings, web, g, nil, now).Sign(&keys.Set{}, now)
		Expect(err).To(MatchError(keys.ErrNoKey))
		_, err = accesstoken.IDToken{Client: web, Grant: g, Person: ada}.Sign(settings, &keys.Set{}, now)
		Expect(err).To(MatchError(keys.ErrNoKey))
	})
})
