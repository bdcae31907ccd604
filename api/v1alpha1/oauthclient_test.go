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
		Entry("for token exchange alone", `grantTypes: ["urn:ietf:params:oauth:grant-type:token-exchange"]`),
		Entry("for the device code grant alone, as a public client", `{tokenEndpointAuthMethod: none, grantTypes: ["urn:ietf:params:oauth:grant-type:device_code"]}`),
		Entry("for the device code grant with refresh tokens", `{grantTypes: [refresh_token, "urn:ietf:params:oauth:grant-type:device_code"], redirectURIs: [], responseTypes: []}`),
		Entry("for client_credentials, with empty lists", `{grantTypes: [client_credentials], redirectURIs: [], responseTypes: []}`),
		Entry("for everything", `{grantTypes: [client_credentials, refresh_token, authorization_code], responseTypes: [code], redirectURIs: ["https://a.example/cb"]}`),
		Entry("as a public client", `{tokenEndpointAuthMethod: none, redirectURIs: ["com.example.app:/cb"]}`),
		Entry("with client_secret_post", `{tokenEndpointAuthMethod: client_secret_post, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with scopes", `{scopes: [openid, "https://a.example/read", "a:b!#[]~"], redirectURIs: ["https://a.example/cb"]}`),
		Entry("with a name in many writings", `{clientName: "Überblick \u65e5\u672c \u0645\u062b\u0627\u0644 👩", redirectURIs: ["https://a.example/cb"]}`),
		Entry("with a Secret of a name", `{secret: {name: web.app-1}, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with redirect URIs from elsewhere alone", `redirectURIsFrom: [{kind: Ingress, name: web, path: /cb}, {kind: HTTPRoute, name: web.app-1, path: "/a/%20b?c=d&x=code"}]`),
		Entry("with lifetimes of its own", `{lifetimes: {accessToken: 1s, idToken: 24h, refreshToken: 8760h, refreshTokenIdle: 1m30s}, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with a client secret from elsewhere", `{secret: {name: a, ref: {name: b, key: a._-Z}}, rotation: {overlap: 0s}, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with a template", `{secret: {deletionPolicy: Retain, template: {type: Opaque, labels: {a.example/b: c}, annotations: {b: "c d"}, data: {a.b: "{{ .ClientID }}", .c: ""}}}, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with rotation", `{rotation: {interval: 1m, overlap: 8760h, retire: WhenUnused, unusedFor: 1h, window: {days: [Mon, Sun], start: "22:00", end: "04:30", timeZone: America/Argentina/Buenos_Aires}, rolloutRestart: true}, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with a window at any day", `{rotation: {interval: 87600h, window: {start: "00:00", end: "23:59"}}, redirectURIs: ["https://a.example/cb"]}`),
		Entry("with an AuthorizationServer", `{authorizationServerRef: {name: main}, redirectURIs: ["https://a.example/cb"]}`),
	)

	DescribeTable("is refused, with the field and the fix",
		func(ctx SpecContext, spec, field, fix string) {
			err := offer(ctx, object("OAuthClient", "some", spec))
			Expect(causes(err)).To(ContainElement(And(HavePrefix(field+": "), ContainSubstring(fix))), "%v", err)
		},
		Entry("without spec", ``, "spec", "Required value"),
		Entry("with an empty spec", `{}`, "spec.redirectURIs", "add it here or in redirectURIsFrom, or set grantTypes to [client_credentials]"),
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
		Entry("with refresh_token beside client_credentials", `grantTypes: [refresh_token, client_credentials]`, "spec.grantTypes", "nor urn:ietf:params:oauth:grant-type:device_code"),
		Entry("with a redirect URI for a device", `{grantTypes: ["urn:ietf:params:oauth:grant-type:device_code"], redirectURIs: ["https://a.example/cb"]}`, "spec.redirectURIs", "remove redirectURIs"),
		Entry("with a response type for a device", `{grantTypes: ["urn:ietf:params:oauth:grant-type:device_code"], responseTypes: [code]}`, "spec.responseTypes", "leave responseTypes out"),
		Entry("with no grant type", `grantTypes: []`, "spec.grantTypes", "at least 1"),
		Entry("with the password grant", `{grantTypes: [password]}`, "spec.grantTypes[0]", `supported values: "authorization_code", "refresh_token", "client_credentials"`),
		Entry("with a response type without its grant", `{grantTypes: [client_credentials], responseTypes: [code]}`, "spec.responseTypes", "leave responseTypes out"),
		Entry("with the implicit grant", `{responseTypes: [token], redirectURIs: ["https://a.example/cb"]}`, "spec.responseTypes[0]", `supported values: "code"`),
		Entry("as a public client with client_credentials", `{tokenEndpointAuthMethod: none, grantTypes: [client_credentials]}`, "spec.tokenEndpointAuthMethod", "use client_secret_basic"),
		Entry("as a public client with token exchange", `{tokenEndpointAuthMethod: none, grantTypes: ["urn:ietf:params:oauth:grant-type:token-exchange"]}`, "spec.tokenEndpointAuthMethod", "use client_secret_basic"),
		Entry("with an unknown method", `{tokenEndpointAuthMethod: secret, redirectURIs: ["https://a.example/cb"]}`, "spec.tokenEndpointAuthMethod", "supported values"),
		Entry("with a space in a scope", `{scopes: [openid, "a b"], redirectURIs: ["https://a.example/cb"]}`, "spec.scopes[1]", "RFC 6749 §3.3"),
		Entry("with a quotation mark in a scope", `{scopes: ["a\"b"], redirectURIs: ["https://a.example/cb"]}`, "spec.scopes[0]", "RFC 6749 §3.3"),
		Entry("with a backslash in a scope", `{scopes: ["a\\b"], redirectURIs: ["https://a.example/cb"]}`, "spec.scopes[0]", "RFC 6749 §3.3"),
		Entry("with a name of two lines", `{clientName: "a\nb", redirectURIs: ["https://a.example/cb"]}`, "spec.clientName", "on one line"),
		Entry("with a name that turns the writing", `{clientName: "a\u202eb", redirectURIs: ["https://a.example/cb"]}`, "spec.clientName", "without control characters"),
		Entry("with space after the name", `{clientName: "a ", redirectURIs: ["https://a.example/cb"]}`, "spec.clientName", "space before or after"),
		Entry("with a bad name for the Secret", `{secret: {name: Web_App}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.name", "lower-case letters, digits, - and ."),
		Entry("with an empty name for the Secret", `{secret: {name: ""}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.name", "at least 1"),
		Entry("with redirect URIs from elsewhere without use", `{grantTypes: [client_credentials], redirectURIsFrom: [{kind: Ingress, name: web, path: /cb}]}`, "spec.redirectURIsFrom", "remove redirectURIsFrom"),
		Entry("with nowhere for redirect URIs to come from", `{redirectURIsFrom: []}`, "spec.redirectURIs", "add it here or in redirectURIsFrom"),
		Entry("with a source of another kind", `redirectURIsFrom: [{kind: Service, name: web, path: /cb}]`, "spec.redirectURIsFrom[0].kind", `supported values: "Ingress", "HTTPRoute"`),
		Entry("with a source in another namespace", `redirectURIsFrom: [{kind: Ingress, name: other/web, path: /cb}]`, "spec.redirectURIsFrom[0].name", "lower-case letters"),
		Entry("with a source without a name", `redirectURIsFrom: [{kind: Ingress, name: "", path: /cb}]`, "spec.redirectURIsFrom[0].name", "at least 1"),
		Entry("with a source without a path", `redirectURIsFrom: [{kind: Ingress, name: web}]`, "spec.redirectURIsFrom[0].path", "Required value"),
		Entry("with a path without a slash", `redirectURIsFrom: [{kind: Ingress, name: web, path: "@evil.example/"}]`, "spec.redirectURIsFrom[0].path", "begin with a slash"),
		Entry("with a port for a path", `redirectURIsFrom: [{kind: Ingress, name: web, path: ":8443/cb"}]`, "spec.redirectURIsFrom[0].path", "begin with a slash"),
		Entry("with a fragment in a path", `redirectURIsFrom: [{kind: Ingress, name: web, path: "/cb#x"}]`, "spec.redirectURIsFrom[0].path", "without fragment"),
		Entry("with a wildcard in a path", `redirectURIsFrom: [{kind: Ingress, name: web, path: "/*"}]`, "spec.redirectURIsFrom[0].path", "wildcard"),
		Entry("with dot segments in a path", `redirectURIsFrom: [{kind: Ingress, name: web, path: "/a/%2e./b"}]`, "spec.redirectURIsFrom[0].path", "write the path that is meant"),
		Entry("with an encoded line break in a path", `redirectURIsFrom: [{kind: Ingress, name: web, path: "/%0a"}]`, "spec.redirectURIsFrom[0].path", "remove %00 to %1F"),
		Entry("with a parameter of the response in a path", `redirectURIsFrom: [{kind: Ingress, name: web, path: "/cb?a=b&st%61te=x"}]`, "spec.redirectURIsFrom[0].path", "remove code, state, iss"),
		Entry("with too long a path", `redirectURIsFrom: [{kind: Ingress, name: web, path: "/`+strings.Repeat("x", 512)+`"}]`, "spec.redirectURIsFrom[0].path", "may not be more than 512"),
		Entry("with too many sources", `redirectURIsFrom: [`+strings.Repeat("{kind: Ingress, name: web, path: /cb},", 9)+`]`, "spec.redirectURIsFrom", "at most 8 items"),
		Entry("with a disguised parameter of the response", `redirectURIs: ["https://a.example/cb?%63ode=x"]`, "spec.redirectURIs[0]", "remove code, state, iss"),
		Entry("with no time", `{lifetimes: {accessToken: 0s}, redirectURIs: ["https://a.example/cb"]}`, "spec.lifetimes.accessToken", "from 1s to 24h"),
		Entry("with an access token of days", `{lifetimes: {accessToken: 24h1s}, redirectURIs: ["https://a.example/cb"]}`, "spec.lifetimes.accessToken", "from 1s to 24h"),
		Entry("with an ID token of days", `{lifetimes: {idToken: 25h}, redirectURIs: ["https://a.example/cb"]}`, "spec.lifetimes.idToken", "from 1s to 24h"),
		Entry("with a refresh token of years", `{lifetimes: {refreshToken: 8761h}, redirectURIs: ["https://a.example/cb"]}`, "spec.lifetimes.refreshToken", "from 1s to 8760h"),
		Entry("with an idle refresh token of years", `{lifetimes: {refreshTokenIdle: 1d}, redirectURIs: ["https://a.example/cb"]}`, "spec.lifetimes.refreshTokenIdle", "from 1s to 8760h"),
		Entry("with the own Secret as what is brought", `{secret: {name: a, ref: {name: a}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.ref", "they must be two"),
		Entry("with the own Secret as what is brought, by its default name", `{secret: {ref: {name: some-oauth}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret", "set secret.name, or bring another"),
		Entry("with a bad name of what is brought", `{secret: {ref: {name: B_1}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.ref.name", "lower-case letters"),
		Entry("with a bad key of what is brought", `{secret: {ref: {name: b, key: a/b}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.ref.key", "should match"),
		Entry("with a client secret for a public client", `{tokenEndpointAuthMethod: none, secret: {ref: {name: b}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret", "which a public client has not"),
		Entry("with an unknown deletion policy", `{secret: {deletionPolicy: Orphan}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.deletionPolicy", `supported values: "Delete", "Retain"`),
		Entry("with a type of Kubernetes' own", `{secret: {template: {type: kubernetes.io/service-account-token}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.type", "use Opaque"),
		Entry("with the type of bootstrap tokens", `{secret: {template: {type: bootstrap.kubernetes.io/token}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.type", "use Opaque"),
		Entry("with the type of Helm", `{secret: {template: {type: helm.sh/release.v1}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.type", "use Opaque"),
		Entry("with a label of the operator's", `{secret: {template: {labels: {oauth-operator.dev/managed: "true"}}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.labels", "the operator's own"),
		Entry("with a label below the operator's", `{secret: {template: {labels: {a.oauth-operator.dev/b: c}}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.labels", "the operator's own"),
		Entry("with an annotation of the operator's", `{secret: {template: {annotations: {oauth-operator.dev/credential: x}}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.annotations", "the operator's own"),
		Entry("with the client secret in another form", `{secret: {template: {data: {client-secret: x}}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.data", "it is there always"),
		Entry("with a bad key in a template", `{secret: {template: {data: {a/b: x}}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.data", "letters, digits, -, _ and ."),
		Entry("with two dots for a key", `{secret: {template: {data: {..: x}}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.data", "do not begin with two dots"),
		Entry("with too long a template", `{secret: {template: {data: {a: `+strings.Repeat("x", 8193)+`}}}, redirectURIs: ["https://a.example/cb"]}`, "spec.secret.template.data.a", "may not be more than 8192"),
		Entry("with rotation of a public client", `{tokenEndpointAuthMethod: none, rotation: {interval: 1h}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation", "which a public client has not"),
		Entry("with rotation of what is brought", `{secret: {ref: {name: b}}, rotation: {interval: 1h}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation", "rotated where it comes from"),
		Entry("with an interval of seconds", `{rotation: {interval: 59s}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.interval", "from 1m to 87600h"),
		Entry("with an interval of decades", `{rotation: {interval: 87601h}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.interval", "from 1m to 87600h"),
		Entry("with an overlap of years", `{rotation: {overlap: 8761h}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.overlap", "from 0s to 8760h"),
		Entry("with an overlap in days", `{rotation: {overlap: 1d}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.overlap", "from 0s to 8760h"),
		Entry("with silence of minutes", `{rotation: {retire: WhenUnused, unusedFor: 59m}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.unusedFor", "from 1h to 8760h"),
		Entry("with silence that is not waited for", `{rotation: {unusedFor: 2h}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.unusedFor", "goes with retire: WhenUnused"),
		Entry("with an unknown end of client secrets", `{rotation: {retire: Never}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.retire", `supported values: "AfterOverlap", "WhenUnused"`),
		Entry("with a window for nothing", `{rotation: {window: {start: "09:00", end: "16:00"}}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.window", "add interval, or remove window"),
		Entry("with a window without length", `{rotation: {interval: 1h, window: {start: "09:00", end: "09:00"}}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.window.end", "another time"),
		Entry("with a window without an end", `{rotation: {interval: 1h, window: {start: "09:00"}}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.window.end", "Required value"),
		Entry("with a time after midnight", `{rotation: {interval: 1h, window: {start: "24:00", end: "09:00"}}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.window.start", "should match"),
		Entry("with a time in words", `{rotation: {interval: 1h, window: {start: "09:00", end: 9am}}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.window.end", "should match"),
		Entry("with a day in full", `{rotation: {interval: 1h, window: {days: [Monday], start: "09:00", end: "10:00"}}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.window.days[0]", `supported values: "Mon"`),
		Entry("with a day twice", `{rotation: {interval: 1h, window: {days: [Mon, Mon], start: "09:00", end: "10:00"}}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.window.days[1]", "Duplicate value"),
		Entry("with a file for a time zone", `{rotation: {interval: 1h, window: {start: "09:00", end: "10:00", timeZone: ../../etc/passwd}}, redirectURIs: ["https://a.example/cb"]}`, "spec.rotation.window.timeZone", "should match"),
		Entry("with an invisible character in the name", `{clientName: "a\u200bb", redirectURIs: ["https://a.example/cb"]}`, "spec.clientName", "invisible characters"),
		Entry("with an Arabic letter mark in the name", `{clientName: "a\u061cb", redirectURIs: ["https://a.example/cb"]}`, "spec.clientName", "invisible characters"),
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
