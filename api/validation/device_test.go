package validation_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

var _ = Describe("A client with the device code grant", func() {
	device := func(edit func(*v1alpha1.OAuthClientSpec)) []validation.Problem {
		c := webapp()
		c.Spec.RedirectURIs, c.Spec.ResponseTypes, c.Spec.GrantTypes = nil, nil, []v1alpha1.GrantType{v1alpha1.GrantTypeDeviceCode}
		if edit != nil {
			edit(&c.Spec)
		}
		return validation.Client(c, nil, nil, 0)
	}

	It("needs no redirect URI, and may be public, confidential, and registered for refresh tokens", func() {
		Expect(device(nil)).To(BeEmpty())
		Expect(device(func(s *v1alpha1.OAuthClientSpec) { s.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone })).To(BeEmpty())
		Expect(device(func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes = append(s.GrantTypes, v1alpha1.GrantTypeRefreshToken)
		})).To(BeEmpty())
	})

	It("OpenID Connect Core §8.1: is not pairwise, because nothing says for which sector it would speak", func() {
		problems := device(func(s *v1alpha1.OAuthClientSpec) { s.SubjectType = v1alpha1.SubjectTypePairwise })
		Expect(problems).To(ConsistOf(HaveField("Message", ContainSubstring("only a client with the grant type authorization_code has"))))
		problems = device(func(s *v1alpha1.OAuthClientSpec) {
			s.SubjectType, s.SectorIdentifierURI = v1alpha1.SubjectTypePairwise, "https://victim.example.com/sector.json"
		})
		Expect(problems).To(ConsistOf(HaveField("Field", "spec.subjectType")), "a document that lists no redirect URI of it vouches for nothing")
		Expect(device(func(s *v1alpha1.OAuthClientSpec) {
			s.SubjectType, s.RedirectURIs = v1alpha1.SubjectTypePairwise, []string{"https://app.example.com/callback"}
			s.GrantTypes = append(s.GrantTypes, v1alpha1.GrantTypeAuthorizationCode)
		})).To(BeEmpty(), "with a redirect URI it may be")
	})

	It("has it only where the policy allows the grant type", func() {
		c := webapp()
		c.Spec.RedirectURIs, c.Spec.ResponseTypes, c.Spec.GrantTypes = nil, nil, []v1alpha1.GrantType{v1alpha1.GrantTypeDeviceCode}
		rule := v1alpha1.PolicyRule{Name: "all", GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode}}
		Expect(validation.Client(c, server(rule), nil, 0)).To(ConsistOf(And(
			HaveField("Field", "spec.grantTypes[0]"), HaveField("Reason", v1alpha1.ReasonNotAllowed))))
		rule.GrantTypes = append(rule.GrantTypes, v1alpha1.GrantTypeDeviceCode)
		Expect(validation.Client(c, server(rule), nil, 0)).To(BeEmpty())
	})

	DescribeTable("lifetimes.deviceCode is from one minute to half an hour", func(lifetime time.Duration, good bool) {
		as := server()
		as.Spec.Lifetimes.DeviceCode = &metav1.Duration{Duration: lifetime}
		if good {
			Expect(validation.AuthorizationServer(as)).To(BeEmpty())
			return
		}
		Expect(validation.AuthorizationServer(as)).To(ConsistOf(HaveField("Field", "spec.lifetimes.deviceCode")))
	},
		Entry("59s", 59*time.Second, false), Entry("1m", time.Minute, true),
		Entry("30m", 30*time.Minute, true), Entry("30m1s", 30*time.Minute+time.Second, false),
	)
})
