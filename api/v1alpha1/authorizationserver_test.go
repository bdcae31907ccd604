package v1alpha1_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

var _ = Describe("AuthorizationServer", func() {
	DescribeTable("is accepted", func(ctx SpecContext, fields string) {
		spec := `{issuer: "https://id.example.com", ` + fields + `}`
		Expect(offer(ctx, object("AuthorizationServer", "some", spec))).To(Succeed())
	},
		Entry("with an issuer alone", ``),
		Entry("with a name", `displayName: Wonderland`),
		Entry("with a catalogue", `scopes: [{name: openid, default: true}, {name: "read:x", description: "Read x"}]`),
		Entry("with the shortest lifetimes", `lifetimes: {authorizationCode: 1s, deviceCode: 1m, accessToken: 1s, idToken: 1s, refreshToken: 1s, refreshTokenIdle: 1s, refreshTokenGrace: 0s, session: 1s}`),
		Entry("with the longest lifetimes", `lifetimes: {authorizationCode: 10m, deviceCode: 30m, accessToken: 24h, idToken: 1440m, refreshToken: 8760h, refreshTokenIdle: 8759h59m60s, refreshTokenGrace: 300s, session: 720h0m0s}`),
		Entry("with ES256", `idTokenSigningAlg: ES256`),
		Entry("with a policy that allows nothing", `policy: {rules: []}`),
		Entry("with token exchange that allows nothing", `tokenExchange: {rules: []}`),
		Entry("with token exchange", `tokenExchange: {rules: [{name: a, clients: {namespaceSelector: {}}, from: ["urn:a"], to: ["urn:b"]}, {name: b, clients: {refs: [{namespace: team, name: c}]}, from: ["urn:a"], to: ["urn:b"], scopes: [openid], additionalScopes: [read]}]}`),
		Entry("with a policy that bounds", `policy: {rules: [{name: a, namespaceSelector: {}, maxLifetimes: {accessToken: 1s, idToken: 24h, refreshToken: 8760h, refreshTokenIdle: 1h30m}, maxClientsPerNamespace: 0}, {name: b, namespaceSelector: {}, maxLifetimes: {}, maxClientsPerNamespace: 100000}]}`),
		Entry("with a policy", `policy: {rules: [{name: a, namespaceSelector: {}}, {name: b-1, namespaceSelector: {matchLabels: {team: blue}}, scopes: [openid], grantTypes: [client_credentials], tokenEndpointAuthMethods: [none], redirectHosts: [a.example, "*.A.example", 127.0.0.1, "[::1]", localhost, "com.example.app:"]}]}`),
	)

	DescribeTable("is refused, with the field and the fix",
		func(ctx SpecContext, fields, field, fix string) {
			if !strings.Contains(fields, "issuer:") {
				fields = `issuer: "https://id.example.com", ` + fields
			}
			err := offer(ctx, object("AuthorizationServer", "some", `{`+fields+`}`))
			Expect(causes(err)).To(ContainElement(And(HavePrefix(field+": "), ContainSubstring(fix))), "%v", err)
		},
		Entry("with http", `issuer: "http://id.example.com"`, "spec.issuer", "must be https://host"),
		Entry("with a query", `issuer: "https://id.example.com/x?y"`, "spec.issuer", "query"),
		Entry("with a trailing slash", `issuer: "https://id.example.com/"`, "spec.issuer", "no trailing slash"),
		Entry("with half an IPv6 address", `issuer: "https://[1::2::3]"`, "spec.issuer", "complete IPv6 address"),
		Entry("with a port that says nothing", `issuer: "https://id.example.com:443"`, "spec.issuer", "remove :443"),
		Entry("with the port of the other scheme", `issuer: "https://id.example.com:80"`, "spec.issuer", "remove :443 or :80"),
		Entry("with an empty issuer", `issuer: ""`, "spec.issuer", "at least 1"),
		Entry("with a name of two lines", `displayName: "a\nb"`, "spec.displayName", "on one line"),
		Entry("with a bad scope", `scopes: [{name: "a b"}]`, "spec.scopes[0].name", "RFC 6749 §3.3"),
		Entry("with a scope twice", `scopes: [{name: a}, {name: a}]`, "spec.scopes[1]", "Duplicate value"),
		Entry("with words of two lines", `scopes: [{name: a, description: "a\nb"}]`, "spec.scopes[0].description", "on one line"),
		Entry("with HS256", `idTokenSigningAlg: HS256`, "spec.idTokenSigningAlg", `supported values: "RS256", "ES256"`),
		Entry("with a code that lasts", `lifetimes: {authorizationCode: 10m1s}`, "spec.lifetimes.authorizationCode", "from 1s to 10m"),
		Entry("with a device code that nobody can enter in time", `lifetimes: {deviceCode: 59s}`, "spec.lifetimes.deviceCode", "from 1m to 30m"),
		Entry("with a device code that lasts", `lifetimes: {deviceCode: 30m1s}`, "spec.lifetimes.deviceCode", "from 1m to 30m"),
		Entry("with no time", `lifetimes: {accessToken: 0s}`, "spec.lifetimes.accessToken", "from 1s to 24h"),
		Entry("with a time of the past", `lifetimes: {idToken: -1m}`, "spec.lifetimes.idToken", "from 1s to 24h"),
		Entry("with days", `lifetimes: {refreshToken: 30d}`, "spec.lifetimes.refreshToken", "hours, minutes and seconds"),
		Entry("with parts of a second", `lifetimes: {session: 1.5s}`, "spec.lifetimes.session", "hours, minutes and seconds"),
		Entry("with a number", `lifetimes: {session: 3600}`, "spec.lifetimes.session", "string"),
		Entry("with nothing for a time", `lifetimes: {session: ""}`, "spec.lifetimes.session", "from 1s to 720h"),
		Entry("with a time beyond counting", `lifetimes: {refreshTokenIdle: 99999h9999999m99999999s}`, "spec.lifetimes.refreshTokenIdle", "to 8760h"),
		Entry("with a long grace", `lifetimes: {refreshTokenGrace: 301s}`, "spec.lifetimes.refreshTokenGrace", "from 0s to 5m"),
		Entry("with token exchange for nobody", `tokenExchange: {rules: [{name: a, clients: {}, from: ["urn:a"], to: ["urn:b"]}]}`, "spec.tokenExchange.rules[0].clients", "needs namespaceSelector or refs"),
		Entry("with token exchange that gives what people give", `tokenExchange: {rules: [{name: a, clients: {namespaceSelector: {}}, from: ["urn:a"], to: ["urn:b"], additionalScopes: [read, profile]}]}`, "spec.tokenExchange.rules[0].additionalScopes", "for the person to give"),
		Entry("with token exchange for nothing", `tokenExchange: {rules: [{name: a, clients: {namespaceSelector: {}}, from: ["urn:a"], to: []}]}`, "spec.tokenExchange.rules[0].to", "at least 1"),
		Entry("with two rules of token exchange of a name", `tokenExchange: {rules: [{name: a, clients: {namespaceSelector: {}}, from: ["urn:a"], to: ["urn:b"]}, {name: a, clients: {namespaceSelector: {}}, from: ["urn:a"], to: ["urn:b"]}]}`, "spec.tokenExchange.rules[1]", "Duplicate value"),
		Entry("with a rule of no name", `policy: {rules: [{name: "A b", namespaceSelector: {}}]}`, "spec.policy.rules[0].name", "lower-case letters"),
		Entry("with two rules of a name", `policy: {rules: [{name: a, namespaceSelector: {}}, {name: a, namespaceSelector: {}}]}`, "spec.policy.rules[1]", "Duplicate value"),
		Entry("with a rule for no namespace", `policy: {rules: [{name: a}]}`, "spec.policy.rules[0].namespaceSelector", "Required value"),
		Entry("with a policy of no rules", `policy: {}`, "spec.policy.rules", "Required value"),
		Entry("with an empty list in a rule", `policy: {rules: [{name: a, namespaceSelector: {}, scopes: []}]}`, "spec.policy.rules[0].scopes", "at least 1"),
		Entry("with a bad scope in a rule", `policy: {rules: [{name: a, namespaceSelector: {}, scopes: ["a b"]}]}`, "spec.policy.rules[0].scopes[0]", "RFC 6749 §3.3"),
		Entry("with a port in a host", `policy: {rules: [{name: a, namespaceSelector: {}, redirectHosts: ["a.example:80"]}]}`, "spec.policy.rules[0].redirectHosts[0]", "without port"),
		Entry("with a star alone", `policy: {rules: [{name: a, namespaceSelector: {}, redirectHosts: ["*"]}]}`, "spec.policy.rules[0].redirectHosts[0]", "and a domain"),
		Entry("with a bound of no time", `policy: {rules: [{name: a, namespaceSelector: {}, maxLifetimes: {accessToken: 0s}}]}`, "spec.policy.rules[0].maxLifetimes.accessToken", "from 1s to 24h"),
		Entry("with a bound of days on ID tokens", `policy: {rules: [{name: a, namespaceSelector: {}, maxLifetimes: {idToken: 48h}}]}`, "spec.policy.rules[0].maxLifetimes.idToken", "from 1s to 24h"),
		Entry("with a bound of years", `policy: {rules: [{name: a, namespaceSelector: {}, maxLifetimes: {refreshToken: 8761h}}]}`, "spec.policy.rules[0].maxLifetimes.refreshToken", "from 1s to 8760h"),
		Entry("with a bound in days", `policy: {rules: [{name: a, namespaceSelector: {}, maxLifetimes: {refreshTokenIdle: 30d}}]}`, "spec.policy.rules[0].maxLifetimes.refreshTokenIdle", "hours, minutes and seconds"),
		Entry("with fewer clients than none", `policy: {rules: [{name: a, namespaceSelector: {}, maxClientsPerNamespace: -1}]}`, "spec.policy.rules[0].maxClientsPerNamespace", "greater than or equal to 0"),
		Entry("with more clients than there can be", `policy: {rules: [{name: a, namespaceSelector: {}, maxClientsPerNamespace: 100001}]}`, "spec.policy.rules[0].maxClientsPerNamespace", "less than or equal to 100000"),
		Entry("with a URL for a host", `policy: {rules: [{name: a, namespaceSelector: {}, redirectHosts: ["https://a.example"]}]}`, "spec.policy.rules[0].redirectHosts[0]", "host name"),
	)

	It("is refused with a name that is no label", func(ctx SpecContext) {
		Expect(causes(offer(ctx, object("AuthorizationServer", strings.Repeat("a", 64), `issuer: "https://id.example.com"`)))).To(
			ContainElement(ContainSubstring("metadata.name must be at most 63 characters")))
	})

	It("may change its issuer", func(ctx SpecContext) {
		o := object("AuthorizationServer", "changes", `issuer: "https://id.example.com"`)
		Expect(api.Create(ctx, o)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, o)).To(Succeed()) })
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"issuer":"https://id2.example.com"}}`))
		Expect(api.Patch(ctx, o, patch)).To(Succeed())
	})

	It("keeps durations readable and gets its defaults", func(ctx SpecContext) {
		o := object("AuthorizationServer", "some", `{issuer: "https://id.example.com", lifetimes: {session: 8h30m}}`)
		Expect(offer(ctx, o)).To(Succeed())
		Expect(o.Object["spec"]).To(Equal(map[string]any{
			"issuer": "https://id.example.com", "lifetimes": map[string]any{"session": "8h30m"}, "idTokenSigningAlg": "RS256",
		}))
		var none v1alpha1.AuthorizationServer
		Expect(none.SigningAlg()).To(Equal(v1alpha1.SigningAlgRS256))
	})

	It("leaves to the controller what CEL would be too dear for", func(ctx SpecContext) {
		for _, rule := range []string{
			`namespaceSelector: {matchExpressions: [{key: a, operator: Like}]}`,
			`namespaceSelector: {}, redirectHosts: [1.2.3]`,
		} {
			o := object("AuthorizationServer", "some", `{issuer: "https://id.example.com", policy: {rules: [{name: a, `+rule+`}]}}`)
			Expect(offer(ctx, o)).To(Succeed())
			var as v1alpha1.AuthorizationServer
			Expect(api.Scheme().Convert(o, &as, nil)).To(Succeed())
			Expect(validation.AuthorizationServer(&as)).NotTo(BeEmpty())
		}
	})
})
