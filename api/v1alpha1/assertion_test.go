package v1alpha1_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// A client with private_key_jwt, asked of the API server and of the validator.
var _ = Describe("An OAuthClient that authenticates by assertions", func() {
	// Of RFC 7517 Appendix A.1 and RFC 8037 Appendix A.2.
	ec := v1alpha1.JSONWebKey{
		KeyType: "EC", Curve: "P-256", KeyID: "1", Use: "sig", Algorithm: "ES256",
		X: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", Y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
	}
	okp := v1alpha1.JSONWebKey{KeyType: "OKP", Curve: "Ed25519", X: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
	rsa := v1alpha1.JSONWebKey{
		KeyType: "RSA", E: "AQAB", KeyID: "2011-04-29",
		N: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
	}
	with := func(keys ...v1alpha1.JSONWebKey) func(*v1alpha1.OAuthClientSpec) {
		return func(s *v1alpha1.OAuthClientSpec) { s.JWKS = &v1alpha1.JSONWebKeySet{Keys: keys} }
	}
	changed := func(k v1alpha1.JSONWebKey, how func(*v1alpha1.JSONWebKey)) func(*v1alpha1.OAuthClientSpec) {
		how(&k)
		return with(k)
	}
	// judged returns what both say.
	judged := func(ctx SpecContext, how func(*v1alpha1.OAuthClientSpec)) (problems []validation.Problem, server error) {
		GinkgoHelper()
		c := &v1alpha1.OAuthClient{Spec: v1alpha1.OAuthClientSpec{
			GrantTypes: []v1alpha1.GrantType{"client_credentials"}, TokenEndpointAuthMethod: "private_key_jwt",
		}}
		how(&c.Spec)
		spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&c.Spec)
		Expect(err).NotTo(HaveOccurred())
		o := object("OAuthClient", "some", "")
		for name, value := range spec {
			if m, ok := value.(map[string]any); value == nil || (ok && len(m) == 0) {
				delete(spec, name)
			}
		}
		o.Object["spec"] = spec
		problems = append(validation.Client(c, nil, nil, 0), validation.ClientSecret(c)...)
		return problems, offer(ctx, o)
	}

	DescribeTable("is accepted with", func(ctx SpecContext, how func(*v1alpha1.OAuthClientSpec)) {
		problems, err := judged(ctx, how)
		Expect(err).NotTo(HaveOccurred())
		Expect(problems).To(BeEmpty())
	},
		Entry("a key on P-256", with(ec)),
		Entry("a key on Ed25519", with(okp)),
		Entry("an RSA key", with(rsa)),
		Entry("several", with(ec, okp, rsa)),
		Entry("the algorithm of one", func(s *v1alpha1.OAuthClientSpec) { with(ec, rsa)(s); s.TokenEndpointAuthSigningAlg = "PS256" }),
		Entry("an address of keys", func(s *v1alpha1.OAuthClientSpec) {
			s.JWKSURI = "https://app.example.com:8443/jwks.json?tenant=1"
		}),
		Entry("an address of keys, and their algorithm", func(s *v1alpha1.OAuthClientSpec) {
			s.JWKSURI, s.TokenEndpointAuthSigningAlg = "https://192.0.2.1", "PS256"
		}),
		Entry("a ServiceAccount", func(s *v1alpha1.OAuthClientSpec) {
			s.ServiceAccountRef = &v1alpha1.ServiceAccountReference{Name: "web.app-1"}
		}),
	)

	DescribeTable("is refused by the API server and by the validator with", func(ctx SpecContext, words string, how func(*v1alpha1.OAuthClientSpec)) {
		problems, err := judged(ctx, how)
		Expect(err).To(MatchError(ContainSubstring(words)))
		Expect(problems).NotTo(BeEmpty())
	},
		Entry("nothing that verifies", "needs exactly one of", func(*v1alpha1.OAuthClientSpec) {}),
		Entry("keys and a ServiceAccount", "needs exactly one of", func(s *v1alpha1.OAuthClientSpec) {
			with(ec)(s)
			s.ServiceAccountRef = &v1alpha1.ServiceAccountReference{Name: "web"}
		}),
		Entry("keys for another method", "needs exactly one of", func(s *v1alpha1.OAuthClientSpec) {
			with(ec)(s)
			s.TokenEndpointAuthMethod = "client_secret_basic"
		}),
		Entry("keys and an address of keys", "needs exactly one of jwks, jwksURI and serviceAccountRef", func(s *v1alpha1.OAuthClientSpec) {
			with(ec)(s)
			s.JWKSURI = "https://app.example.com/jwks.json"
		}),
		Entry("an address of keys and a ServiceAccount", "needs exactly one of jwks, jwksURI and serviceAccountRef", func(s *v1alpha1.OAuthClientSpec) {
			s.JWKSURI = "https://app.example.com/jwks.json"
			s.ServiceAccountRef = &v1alpha1.ServiceAccountReference{Name: "web"}
		}),
		Entry("all three", "remove jwks, jwksURI and serviceAccountRef", func(s *v1alpha1.OAuthClientSpec) {
			with(ec)(s)
			s.JWKSURI = "https://app.example.com/jwks.json"
			s.ServiceAccountRef = &v1alpha1.ServiceAccountReference{Name: "web"}
		}),
		Entry("an address of keys for another method", "needs exactly one of", func(s *v1alpha1.OAuthClientSpec) {
			s.JWKSURI = "https://app.example.com/jwks.json"
			s.TokenEndpointAuthMethod = "client_secret_basic"
		}),
		Entry("an algorithm that nobody signs with", "Unsupported value", func(s *v1alpha1.OAuthClientSpec) {
			s.JWKSURI, s.TokenEndpointAuthSigningAlg = "https://app.example.com/jwks.json", "HS256"
		}),
		Entry("no key", "Required value", with()),
		Entry("eleven keys", "must have at most 10 items", with(okp, okp, okp, okp, okp, okp, okp, okp, okp, okp, okp)),
		Entry("one kid twice", "two have the same", with(ec, ec)),
		Entry("a symmetric key", "Unsupported value", changed(ec, func(k *v1alpha1.JSONWebKey) { k.KeyType = "oct" })),
		Entry("a key for encryption", "Unsupported value", changed(ec, func(k *v1alpha1.JSONWebKey) { k.Use = "enc" })),
		Entry("another curve", "Unsupported value", changed(ec, func(k *v1alpha1.JSONWebKey) { k.Curve = "P-384" })),
		Entry("the curve of another type", "crv P-256, x and y", changed(ec, func(k *v1alpha1.JSONWebKey) { k.Curve = "Ed25519" })),
		Entry("half a point", "crv P-256, x and y", changed(ec, func(k *v1alpha1.JSONWebKey) { k.Y = "" })),
		Entry("an RSA key without e", "n and e", changed(rsa, func(k *v1alpha1.JSONWebKey) { k.E = "" })),
		Entry("a short RSA key", "342", changed(rsa, func(k *v1alpha1.JSONWebKey) { k.N = k.N[:171] })),
		Entry("an algorithm of another type", "does not fit kty", changed(ec, func(k *v1alpha1.JSONWebKey) { k.Algorithm = "RS256" })),
		Entry("an algorithm with a shared secret", "Unsupported value", changed(rsa, func(k *v1alpha1.JSONWebKey) { k.Algorithm = "HS256" })),
		Entry("padding", "base64url", changed(okp, func(k *v1alpha1.JSONWebKey) { k.X = k.X[:42] + "=" })),
		Entry("an algorithm that no key is for", "no key of jwks", func(s *v1alpha1.OAuthClientSpec) { with(ec)(s); s.TokenEndpointAuthSigningAlg = "RS256" }),
		Entry("an algorithm of a ServiceAccount", "remove it", func(s *v1alpha1.OAuthClientSpec) {
			s.ServiceAccountRef = &v1alpha1.ServiceAccountReference{Name: "web"}
			s.TokenEndpointAuthSigningAlg = "RS256"
		}),
		Entry("the ServiceAccount of another namespace", "must be that of a ServiceAccount", func(s *v1alpha1.OAuthClientSpec) {
			s.ServiceAccountRef = &v1alpha1.ServiceAccountReference{Name: "kube-system:admin"}
		}),
		Entry("a secret that is brought", "a client with private_key_jwt has not", func(s *v1alpha1.OAuthClientSpec) {
			with(ec)(s)
			s.Secret.Ref = &v1alpha1.ClientSecretReference{Name: "mine"}
		}),
		Entry("rotation", "a client with private_key_jwt has not", func(s *v1alpha1.OAuthClientSpec) {
			with(ec)(s)
			s.Rotation = &v1alpha1.Rotation{RolloutRestart: true}
		}),
	)

	It("has an address of keys that is on https and has nothing that is not sent", func(ctx SpecContext) {
		for _, uri := range []string{
			"http://app.example.com/jwks", "https://", "https://a@app.example.com/", "https://app.example.com/#keys", "//app.example.com",
			"https://[::1]/", "https://app.example.com:0/", "https://app.example.com/ ", "https://app.example.com/%zz", "file:///etc/passwd", "HTTPS://app.example.com",
		} {
			problems, err := judged(ctx, func(s *v1alpha1.OAuthClientSpec) { s.JWKSURI = uri })
			Expect(err).To(MatchError(ContainSubstring("jwksURI must be an https URL with a host name and without a fragment, such as")), uri)
			Expect(problems).To(HaveExactElements(HaveField("Field", "spec.jwksURI")), uri)
		}
	})

	DescribeTable("is refused by the validator, which can reckon, with", func(ctx SpecContext, words string, how func(*v1alpha1.OAuthClientSpec)) {
		problems, _ := judged(ctx, how)
		Expect(problems).To(HaveExactElements(And(
			HaveField("Field", "spec.jwks.keys[0]"), HaveField("Message", ContainSubstring(words)))))
	},
		Entry("a point that is on no curve", "no point of the curve", changed(ec, func(k *v1alpha1.JSONWebKey) { k.Y = ec.X })),
		Entry("an even modulus", "odd", changed(rsa, func(k *v1alpha1.JSONWebKey) { k.N = k.N[:341] + "A" })),
		Entry("an even exponent", "exponent", changed(rsa, func(k *v1alpha1.JSONWebKey) { k.E = "AQAA" })),
		Entry("the exponent 1", "exponent", changed(rsa, func(k *v1alpha1.JSONWebKey) { k.E = "AQ" })),
	)

	It("has no member for a private key, so none is ever stored", func() {
		everyField("oauthclients", func(path string, _ map[string]any) {
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
				Expect(path).NotTo(HaveSuffix(".jwks.keys." + private))
			}
		})
	})
})
