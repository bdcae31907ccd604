package validation_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// webapp returns a client that nobody objects to.
func webapp() *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "webapp"},
		Spec: v1alpha1.OAuthClientSpec{
			ClientName:              "Web application",
			RedirectURIs:            []string{"https://app.example.com/callback", "http://127.0.0.1:8085/callback"},
			GrantTypes:              []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken},
			ResponseTypes:           []v1alpha1.ResponseType{v1alpha1.ResponseTypeCode},
			Scopes:                  []string{"openid", "profile", "email"},
			TokenEndpointAuthMethod: v1alpha1.AuthMethodClientSecretBasic,
			Secret:                  v1alpha1.ClientSecretSpec{Name: "webapp-login"},
		},
	}
}

// server returns an AuthorizationServer with these policy rules, or without a
// policy if there are none.
func server(rules ...v1alpha1.PolicyRule) *v1alpha1.AuthorizationServer {
	as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Name: "main"}}
	as.Spec.Issuer = "https://id.example.com"
	if len(rules) > 0 {
		as.Spec.Policy = &v1alpha1.Policy{Rules: rules}
	}
	return as
}

// complaints are the fields of the problems, with their reasons.
func complaints(problems []validation.Problem) []string {
	var all []string
	for _, p := range problems {
		Expect(p.Message).To(HavePrefix(p.Field + ": "))
		all = append(all, p.Field+" "+p.Reason)
	}
	return all
}

var _ = Describe("Client", func() {
	It("has nothing against a good client", func() {
		Expect(validation.Client(webapp(), server(), nil, 0)).To(BeEmpty())
	})

	It("has nothing against a client that leaves out what it can", func() {
		c := &v1alpha1.OAuthClient{}
		c.Spec.RedirectURIs = []string{"https://app.example.com/callback"}
		Expect(validation.Client(c, server(), nil, 0)).To(BeEmpty())
	})

	DescribeTable("refuses what cannot be served, whether or not the API server has",
		func(spoil func(*v1alpha1.OAuthClientSpec), field, words string) {
			c := webapp()
			spoil(&c.Spec)
			problems := validation.Client(c, server(), nil, 0)
			Expect(complaints(problems)).To(Equal([]string{field + " Invalid"}))
			Expect(problems[0].Message).To(ContainSubstring(words))
			Expect(validation.Client(c, nil, nil, 0)).To(Equal(problems), "the same without an AuthorizationServer")
		},
		Entry("a name of two lines", func(s *v1alpha1.OAuthClientSpec) { s.ClientName = "a\nb" }, "spec.clientName", "one line"),
		Entry("a name written backwards", func(s *v1alpha1.OAuthClientSpec) { s.ClientName = "a\u202eb" }, "spec.clientName", "control characters"),
		Entry("a name with space around it", func(s *v1alpha1.OAuthClientSpec) { s.ClientName = " a" }, "spec.clientName", "space before or after"),
		Entry("a name with nothing to see in it", func(s *v1alpha1.OAuthClientSpec) { s.ClientName = "a\u200bb" }, "spec.clientName", "invisible characters"),
		Entry("a name with an Arabic letter mark", func(s *v1alpha1.OAuthClientSpec) { s.ClientName = "a\u061cb" }, "spec.clientName", "invisible characters"),
		Entry("a redirect URI", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIs[1] = "http://evil.example/" }, "spec.redirectURIs[1]", `"http://evil.example/" must be https`),
		Entry("no redirect URI", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIs = nil }, "spec.redirectURIs", "at least one"),
		Entry("redirect URIs without use", func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes, s.ResponseTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeClientCredentials}, nil
		}, "spec.redirectURIs", "remove redirectURIs"),
		Entry("refresh_token alone", func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes, s.ResponseTypes, s.RedirectURIs = []v1alpha1.GrantType{v1alpha1.GrantTypeRefreshToken}, nil, nil
		}, "spec.grantTypes", "needs authorization_code"),
		Entry("an unknown grant type", func(s *v1alpha1.OAuthClientSpec) { s.GrantTypes[1] = "password" }, "spec.grantTypes[1]", `"password" is not known`),
		Entry("a public client with client_credentials", func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
			s.GrantTypes[1] = v1alpha1.GrantTypeClientCredentials
		}, "spec.tokenEndpointAuthMethod", "public client"),
		Entry("an unknown method", func(s *v1alpha1.OAuthClientSpec) { s.TokenEndpointAuthMethod = "tls_client_auth" }, "spec.tokenEndpointAuthMethod", "not known"),
		Entry("an unknown response type", func(s *v1alpha1.OAuthClientSpec) { s.ResponseTypes[0] = "token" }, "spec.responseTypes[0]", "use code"),
		Entry("a response type without its grant", func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes, s.RedirectURIs = []v1alpha1.GrantType{v1alpha1.GrantTypeClientCredentials}, nil
		}, "spec.responseTypes", "authorization_code"),
		Entry("a scope with a quotation mark", func(s *v1alpha1.OAuthClientSpec) { s.Scopes[2] = `a"b` }, "spec.scopes[2]", "RFC 6749"),
		Entry("a scope with a space", func(s *v1alpha1.OAuthClientSpec) { s.Scopes[0] = "a b" }, "spec.scopes[0]", "RFC 6749"),
	)

	It("refuses a name that cannot be a label", func() {
		c := webapp()
		c.Name = strings.Repeat("a", 64)
		Expect(complaints(validation.Client(c, server(), nil, 0))).To(Equal([]string{"metadata.name Invalid"}))
	})

	It("refuses scopes that are not in the catalogue", func() {
		c, as := webapp(), server()
		as.Spec.Scopes = []v1alpha1.Scope{{Name: "openid"}, {Name: "calendar"}}
		Expect(complaints(validation.Client(c, as, nil, 0))).To(Equal([]string{"spec.scopes[1] Invalid", "spec.scopes[2] Invalid"}))
		c.Spec.Scopes = []string{"calendar", "OpenID"}
		problems := validation.Client(c, as, nil, 0)
		Expect(complaints(problems)).To(Equal([]string{"spec.scopes[1] Invalid"}), "case matters")
		Expect(problems[0].Message).To(ContainSubstring(`AuthorizationServer "main" has no scope "OpenID"`))
	})

	It("repeats long values in part only", func() {
		c := webapp()
		c.Spec.RedirectURIs[0] = "ftp://" + strings.Repeat("x", 1000)
		Expect(len(validation.Client(c, nil, nil, 0)[0].Message)).To(BeNumerically("<", 500))
	})
})

var _ = Describe("Message", func() {
	It("joins what there is", func() {
		Expect(validation.Message(nil)).To(BeEmpty())
		Expect(validation.Message([]validation.Problem{{Message: "a: b"}})).To(Equal("a: b"))
		Expect(validation.Message([]validation.Problem{{Message: "a: b"}, {Message: "c: d"}})).To(Equal("a: b; c: d"))
	})

	It("is bounded, and says how many it left out", func() {
		problems := make([]validation.Problem, 100)
		for i := range problems {
			problems[i].Message = strings.Repeat("ü", 50)
		}
		message := validation.Message(problems)
		Expect(len(message)).To(And(BeNumerically("<=", 1024), BeNumerically(">", 900)))
		Expect(message).To(MatchRegexp(`; and \d+ more$`))
		one := validation.Message([]validation.Problem{{Message: strings.Repeat("ü", 5000)}})
		Expect(len(one)).To(BeNumerically("<=", 1024))
		Expect(one).To(HaveSuffix("ü..."))
	})
})

func BenchmarkClient(b *testing.B) {
	c, as := webapp(), server(rule("all"), restricted())
	labels := map[string]string{"kubernetes.io/metadata.name": "team"}
	b.ReportAllocs()
	for b.Loop() {
		if problems := validation.Client(c, as, labels, 0); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
