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
