package v1alpha1_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("OAuthClient", func() {
	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		Expect(offer(ctx, object("OAuthClient", "some", spec))).To(Succeed())
	},
		Entry("with a redirect URI alone", `redirectURIs: ["https://a.example/cb"]`),
		Entry("for client_credentials", `grantTypes: [client_credentials]`),
		Entry("for client_credentials, with empty lists", `{grantTypes: [client_credentials], redirectURIs: [], responseTypes: []}`),
		Entry("for everything", `{grantTypes: [client_credentials, refresh_token, authorization_code], responseTypes: [code], redirectURIs: ["https://a.example/cb"]}`),
		Entry("as a public client", `{tokenEndpointAuthMethod: none, redirectURIs: ["com.example.app:/cb"]}`),
		Entry("with client_secret_post", `{tokenEndpointAuthMethod: client_secret_post, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with scopes", `{scopes: [openid, "https://a.example/read", "a:b!#[]~"], redirectURIs: ["https://a.example/cb"]}`),
		Entry("with a name in many writings", `{clientName: "Überblick \u65e5\u672c \u0645\u062b\u0627\u0644 👩‍💻", redirectURIs: ["https://a.example/cb"]}`),
		Entry("with a Secret of a name", `{secret: {name: web.app-1}, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with an AuthorizationServer", `{authorizationServerRef: {name: main}, redirectURIs: ["https://a.example/cb"]}`),
	)

	DescribeTable("is refused, with the field and the fix",
		func(ctx SpecContext, spec, field, fix string) {
			err := offer(ctx, object("OAuthClient", "some", spec))
			Expect(causes(err)).To(ContainElement(And(HavePrefix(field+": "), ContainSubstring(fix))), "%v", err)
		},
		Entry("without spec", ``, "spec", "Required value"),
		Entry("with an empty spec", `{}`, "spec.redirectURIs", "add it, or set grantTypes to [client_credentials]"),
		Entry("with no redirect URI", `{redirectURIs: []}`, "spec.redirectURIs", "needs at least one"),
		Entry("with a useless redirect URI", `{grantTypes: [client_credentials], redirectURIs: ["https://a.example/cb"]}`, "spec.redirectURIs", "remove redirectURIs"),
		Entry("with a wildcard", `redirectURIs: ["https://a.example/cb", "https://*.a.example/cb"]`, "spec.redirectURIs[1]", "list each in full"),
		Entry("with a fragment", `redirectURIs: ["https://a.example/cb#x"]`, "spec.redirectURIs[0]", "remove # and what follows"),
		Entry("with userinfo", `redirectURIs: ["https://u:p@a.example/cb"]`, "spec.redirectURIs[0]", "remove what stands before the @"),
		Entry("with http", `redirectURIs: ["http://a.example/cb"]`, "spec.redirectURIs[0]", "must be https://host/path"),
		Entry("with javascript:", `redirectURIs: ["javascript:alert(1)"]`, "spec.redirectURIs[0]", "must be https://host/path"),
		Entry("with half an IPv6 address", `redirectURIs: ["https://[1::2::3]/cb"]`, "spec.redirectURIs[0]", "complete IPv6 address"),
		Entry("with a space", `redirectURIs: ["https://a.example/c b"]`, "spec.redirectURIs[0]", "percent-encode any other"),
		Entry("with dot segments", `redirectURIs: ["https://a.example/../cb"]`, "spec.redirectURIs[0]", "write the path that is meant"),
		Entry("with an encoded line break", `redirectURIs: ["https://a.example/%0a"]`, "spec.redirectURIs[0]", "remove %00 to %1F"),
		Entry("with a parameter of the response", `redirectURIs: ["https://a.example/cb?code=x"]`, "spec.redirectURIs[0]", "remove code, state, iss"),
		Entry("with a redirect URI twice", `redirectURIs: ["https://a.example/cb", "https://a.example/cb"]`, "spec.redirectURIs[1]", "Duplicate value"),
		Entry("with too long a redirect URI", `redirectURIs: ["https://a.example/`+strings.Repeat("x", 1024)+`"]`, "spec.redirectURIs[0]", "may not be more than 1024"),
		Entry("with refresh_token alone", `grantTypes: [refresh_token]`, "spec.grantTypes", "add that, or remove refresh_token"),
		Entry("with no grant type", `grantTypes: []`, "spec.grantTypes", "at least 1"),
		Entry("with the password grant", `{grantTypes: [password]}`, "spec.grantTypes[0]", `supported values: "authorization_code", "refresh_token", "client_credentials"`),
		Entry("with a response type without its grant", `{grantTypes: [client_credentials], responseTypes: [code]}`, "spec.responseTypes", "leave responseTypes out"),
		Entry("with the implicit grant", `{responseTypes: [token], redirectURIs: ["https://a.example/cb"]}`, "spec.responseTypes[0]", `supported values: "code"`),
		Entry("as a public client with client_credentials", `{tokenEndpointAuthMethod: none, grantTypes: [client_credentials]}`, "spec.tokenEndpointAuthMethod", "use client_secret_basic"),
		Entry("with an unknown method", `{tokenEndpointAuthMethod: secret, redirectURIs: ["https://a.example/cb"]}`, "spec.tokenEndpointAuthMethod", "supported values"),
		Entry("with a space in a scope", `{scopes: [openid, "a b"], redirectURIs: ["https://a.example/cb"]}`, "spec.scopes[1]", "RFC 6749 §3.3"),
		Entry("with a quotation mark in a scope", `{scopes: ["a\"b"], redirectURIs: ["https://a.example/cb"]}`, "spec.scopes[0]", "RFC 6749 §3.3"),
		Entry("with a backslash in a scope", `{scopes: ["a\\b"], redirectURIs: ["https://a.example/cb"]}`, "spec.scopes[0]", "RFC 6749 §3.3"),
		Entry("with a name of two lines", `{clientName: "a\nb", redirectURIs: ["https://a.example/cb"]}`, "spec.clientName", "on one line"),
		Entry("with a name that turns the writing", `{clientName: "a\u202eb", redirectURIs: ["https://a.example/cb"]}`, "spec.clientName", "without control characters"),
		Entry("with space after the name", `{clientName: "a ", redirectURIs: ["https://a.example/cb"]}`, "spec.clientName", "without space"),
		Entry("with a bad name for the Secret", `{secret: {name: Web_App}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.name", "lower-case letters, digits, - and ."),
		Entry("with an empty name for the Secret", `{secret: {name: ""}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.name", "at least 1"),
	)

	It("is refused with a name that is no label", func(ctx SpecContext) {
		spec := `redirectURIs: ["https://a.example/cb"]`
		Expect(offer(ctx, object("OAuthClient", strings.Repeat("a", 63), spec))).To(Succeed())
		Expect(causes(offer(ctx, object("OAuthClient", strings.Repeat("a", 64), spec)))).To(
			ContainElement(ContainSubstring("metadata.name must be at most 63 characters")))
	})

	It("gets its defaults, which are those of the Go functions", func(ctx SpecContext) {
		bare := object("OAuthClient", "defaults", `redirectURIs: ["https://a.example/cb"]`)
		Expect(api.Create(ctx, bare)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, bare)).To(Succeed()) })
		var c v1alpha1.OAuthClient
		Expect(api.Get(ctx, client.ObjectKeyFromObject(bare), &c)).To(Succeed())
		var none v1alpha1.OAuthClient
		Expect(c.Spec.GrantTypes).To(Equal(none.EffectiveGrantTypes()))
		Expect(c.Spec.TokenEndpointAuthMethod).To(Equal(none.EffectiveAuthMethod()))
		Expect(c.Spec.ResponseTypes).To(BeEmpty())
		Expect(c.EffectiveResponseTypes()).To(Equal([]v1alpha1.ResponseType{"code"}))
		Expect(c.SecretName()).To(Equal("defaults-oauth"))
	})
})
