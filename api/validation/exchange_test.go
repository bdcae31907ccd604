package validation_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// withExchange returns an AuthorizationServer with one rule of token exchange.
func withExchange(change ...func(*v1alpha1.TokenExchangeRule)) *v1alpha1.AuthorizationServer {
	as := withResources()
	rule := v1alpha1.TokenExchangeRule{
		Name:    "calendar-to-files",
		Clients: v1alpha1.TokenExchangeClients{Refs: []v1alpha1.OAuthClientReference{{Namespace: "apis", Name: "calendar"}}},
		From:    []string{calendarAPI, as.Spec.Issuer}, To: []string{"urn:example:files"},
		Scopes: []string{"email"},
	}
	for _, f := range change {
		f(&rule)
	}
	as.Spec.TokenExchange = &v1alpha1.TokenExchange{Rules: []v1alpha1.TokenExchangeRule{rule}}
	return as
}

// exchanger returns a client with the grant type, and no other.
func exchanger(namespace, name string) *v1alpha1.OAuthClient {
	c := &v1alpha1.OAuthClient{}
	c.Namespace, c.Name = namespace, name
	c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeTokenExchange}
	return c
}

var _ = Describe("The rules of token exchange", func() {
	It("are nothing to complain of, nor is it that there are none", func() {
		Expect(validation.AuthorizationServer(withExchange())).To(BeEmpty())
		as := withExchange()
		as.Spec.TokenExchange.Rules = nil
		Expect(validation.AuthorizationServer(as)).To(BeEmpty())
	})

	DescribeTable("are refused with", func(spoil func(*v1alpha1.TokenExchangeRule), field string) {
		Expect(complaints(validation.AuthorizationServer(withExchange(spoil)))).To(Equal([]string{"spec.tokenExchange.rules[0]" + field + " Invalid"}))
	},
		Entry("a name that is none", func(r *v1alpha1.TokenExchangeRule) { r.Name = "A b" }, ".name"),
		Entry("nobody", func(r *v1alpha1.TokenExchangeRule) { r.Clients = v1alpha1.TokenExchangeClients{} }, ".clients"),
		Entry("a selector that is none", func(r *v1alpha1.TokenExchangeRule) {
			r.Clients.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b c"}}
		}, ".clients.namespaceSelector.matchLabels"),
		Entry("a client of no namespace", func(r *v1alpha1.TokenExchangeRule) { r.Clients.Refs[0].Namespace = "" }, ".clients.refs[0]"),
		Entry("a client whose namespace has a dot, as if another's", func(r *v1alpha1.TokenExchangeRule) { r.Clients.Refs[0].Namespace = "a.b" }, ".clients.refs[0]"),
		Entry("nothing to exchange", func(r *v1alpha1.TokenExchangeRule) { r.From = nil }, ".from"),
		Entry("an unknown resource to exchange from", func(r *v1alpha1.TokenExchangeRule) { r.From[1] = "urn:none" }, ".from[1]"),
		Entry("nothing to exchange for", func(r *v1alpha1.TokenExchangeRule) { r.To = nil }, ".to"),
		Entry("an unknown resource to exchange for", func(r *v1alpha1.TokenExchangeRule) { r.To[0] = "urn:none" }, ".to[0]"),
		Entry("the issuer to exchange for", func(r *v1alpha1.TokenExchangeRule) { r.To[0] = server().Spec.Issuer }, ".to[0]"),
		Entry("an unknown scope", func(r *v1alpha1.TokenExchangeRule) { r.Scopes = []string{"none"} }, ".scopes[0]"),
		Entry("an unknown additional scope", func(r *v1alpha1.TokenExchangeRule) { r.AdditionalScopes = []string{"none"} }, ".additionalScopes[0]"),
		Entry("a scope that the person gives", func(r *v1alpha1.TokenExchangeRule) { r.AdditionalScopes = []string{"openid"} }, ".additionalScopes"),
	)

	It("have names of their own", func() {
		as := withExchange()
		as.Spec.TokenExchange.Rules = append(as.Spec.TokenExchange.Rules, as.Spec.TokenExchange.Rules[0])
		Expect(complaints(validation.AuthorizationServer(as))).To(Equal([]string{"spec.tokenExchange.rules[1].name Invalid"}))
	})

	It("are for the clients that they name, and for those of the namespaces that they select", func() {
		as := withExchange(func(r *v1alpha1.TokenExchangeRule) {
			r.Clients.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "blue"}}
		})
		blue := map[string]string{"team": "blue"}
		Expect(validation.Exchanges(exchanger("apis", "calendar"), as, nil)).To(HaveLen(1))
		Expect(validation.Exchanges(exchanger("any", "other"), as, blue)).To(HaveLen(1))
		Expect(validation.Exchanges(exchanger("apis", "other"), as, nil)).To(BeEmpty())
		Expect(validation.Exchanges(exchanger("other", "calendar"), as, map[string]string{"team": "red"})).To(BeEmpty())
	})

	It("are for nobody else: none is none, and without a selector no namespace is selected", func() {
		blue := map[string]string{"team": "blue"}
		Expect(validation.Exchanges(exchanger("any", "other"), withExchange(), blue)).To(BeEmpty())
		Expect(validation.Exchanges(exchanger("apis", "calendar"), withResources(), blue)).To(BeEmpty())
		c := exchanger("apis", "calendar")
		c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeClientCredentials}
		Expect(validation.Exchanges(c, withExchange(), blue)).To(BeEmpty())
	})
})

var _ = Describe("A client that exchanges tokens", func() {
	It("needs no redirect URIs and no response types", func() {
		Expect(validation.Client(exchanger("apis", "calendar"), nil, nil, 0)).To(BeEmpty())
	})

	It("RFC 8693 §5: is confidential", func() {
		c := exchanger("apis", "calendar")
		c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
		Expect(complaints(validation.Client(c, nil, nil, 0))).To(Equal([]string{"spec.tokenEndpointAuthMethod Invalid"}))
	})

	It("is allowed by a rule of the policy that lists the grant type, or lists none", func() {
		narrow := rule("narrow")
		narrow.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode}
		Expect(complaints(validation.Client(exchanger("apis", "calendar"), server(narrow), nil, 0))).To(Equal([]string{"spec.grantTypes[0] NotAllowed"}))
		narrow.GrantTypes = append(narrow.GrantTypes, v1alpha1.GrantTypeTokenExchange)
		Expect(validation.Client(exchanger("apis", "calendar"), server(narrow), nil, 0)).To(BeEmpty())
	})
})
