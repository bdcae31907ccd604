package v1alpha1_test

import (
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

func anys(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}

// The metadata of OpenID Connect, asked of the API server and of the validator.
var _ = Describe("An OAuthClient's OpenID metadata", func() {
	// judge expects both to find fault with those fields and no others.
	judge := func(ctx SpecContext, how func(*v1alpha1.OAuthClientSpec), faults ...string) {
		GinkgoHelper()
		c := &v1alpha1.OAuthClient{Spec: v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://app.example.com/cb"}}}
		how(&c.Spec)
		spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&c.Spec)
		Expect(err).NotTo(HaveOccurred())
		o := object("OAuthClient", "some", "")
		for name, value := range spec { // nothing that is left out
			if m, ok := value.(map[string]any); value == nil || (ok && len(m) == 0) {
				delete(spec, name)
			}
		}
		o.Object["spec"] = spec
		err = offer(ctx, o)
		found := slices.DeleteFunc(fields(err), func(f string) bool { return f == "<nil>" }) // "some rules were not checked"
		Expect(found).To(HaveExactElements(anys(faults)...), "%v", err)
		Expect(fieldsOf(validation.Client(c, nil, nil, 0))).To(HaveExactElements(anys(faults)...), "%v", validation.Client(c, nil, nil, 0))
	}

	It("is accepted where it is in order", func(ctx SpecContext) {
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) {
			s.OpenIDClientMetadata = v1alpha1.OpenIDClientMetadata{
				ClientURI: "https://example.com", PolicyURI: "https://example.com/privacy?lang=en#cookies", TOSURI: "https://192.0.2.1:8443/tos",
				SubjectType: "pairwise", IDTokenSignedResponseAlg: "ES256", UserinfoSignedResponseAlg: "RS256",
				DefaultMaxAge:          &metav1.Duration{},
				PostLogoutRedirectURIs: []string{"https://app.example.com/bye", "http://localhost/bye", "com.example.app:/bye"},
				BackchannelLogoutURI:   "https://app.example.com/logout?tenant=1", BackchannelLogoutSessionRequired: true,
			}
		})
	})

	It("has pages and a logout URI that are on https, without what a reader could take for something else", func(ctx SpecContext) {
		for _, uri := range []string{
			"http://example.com", "javascript:alert(1)", "https://", "https://a@example.com", "https://example.com@evil.example", "//example.com",
			"https://[::1]/", "https://example.com:0/", "https://exa mple.com", `https://example.com/"><script>`, "https://example.com/%zz", "https://*.example.com", "data:text/html,x",
			"https://example.com/a\nb", "HTTPS://example.com",
		} {
			judge(ctx, func(s *v1alpha1.OAuthClientSpec) {
				s.ClientURI, s.PolicyURI, s.TOSURI, s.BackchannelLogoutURI = uri, uri, uri, uri
			},
				"spec.backchannelLogoutURI", "spec.clientURI", "spec.policyURI", "spec.tosURI")
		}
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) { s.BackchannelLogoutURI = "https://example.com/#x" }, "spec.backchannelLogoutURI")
		for _, uri := range []string{"http://example.com/", "https://example.com/#x", "https://a@example.com/", "https://[::1]/", "https://*.example.com/", "https://"} {
			judge(ctx, func(s *v1alpha1.OAuthClientSpec) { s.SubjectType, s.SectorIdentifierURI = "pairwise", uri }, "spec.sectorIdentifierURI")
		}
	})

	It("has addresses for after a logout that are as strict as redirect URIs", func(ctx SpecContext) {
		for _, uri := range []string{"http://example.com", "https://example.com/*", "https://example.com/#x", "https://a@example.com/", "https://example.com/../x", "javascript:alert(1)", "https://example.com/?state=x"} {
			judge(ctx, func(s *v1alpha1.OAuthClientSpec) { s.PostLogoutRedirectURIs = []string{uri} }, "spec.postLogoutRedirectURIs[0]")
		}
	})

	It("is refused where a value is not known or out of bounds", func(ctx SpecContext) {
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) { s.SubjectType = "secret" }, "spec.subjectType")
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) { s.IDTokenSignedResponseAlg = "none" }, "spec.idTokenSignedResponseAlg")
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) { s.UserinfoSignedResponseAlg = "HS256" }, "spec.userinfoSignedResponseAlg")
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) { s.DefaultMaxAge = &metav1.Duration{Duration: 8761 * time.Hour} }, "spec.defaultMaxAge")
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) {
			s.SubjectType = "pairwise"
			s.RedirectURIsFrom = []v1alpha1.RedirectURISource{{Kind: "Ingress", Name: "web", Path: "/cb"}}
		}, "spec.subjectType")
	})

	It("has a sector identifier URI only for pairwise subjects", func(ctx SpecContext) {
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) {
			s.SubjectType, s.SectorIdentifierURI = "pairwise", "https://example.com:8443/sector.json?of=1"
			s.RedirectURIs = []string{"https://a.example/cb", "https://b.example/cb", "com.example.app:/cb"}
		})
		for _, subjectType := range []v1alpha1.SubjectType{"", "public"} {
			judge(ctx, func(s *v1alpha1.OAuthClientSpec) {
				s.SubjectType, s.SectorIdentifierURI = subjectType, "https://example.com/sector.json"
			}, "spec.sectorIdentifierURI")
		}
		judge(ctx, func(s *v1alpha1.OAuthClientSpec) {
			s.SubjectType, s.SectorIdentifierURI = "pairwise", "https://example.com/sector.json"
			s.RedirectURIsFrom = []v1alpha1.RedirectURISource{{Kind: "Ingress", Name: "web", Path: "/cb"}}
		}, "spec.subjectType")
	})

	// OpenID Connect Core §8.1. The API server cannot compare hosts.
	It("is pairwise only where all redirect URIs are of one host", func() {
		for _, uris := range [][]string{
			{"https://a.example/cb", "https://b.example/cb"},
			{"https://a.example/cb", "com.example.app:/cb"},
			{"com.example.app:/cb"},
		} {
			c := &v1alpha1.OAuthClient{Spec: v1alpha1.OAuthClientSpec{RedirectURIs: uris}}
			Expect(validation.Client(c, nil, nil, 0)).To(BeEmpty())
			c.Spec.SubjectType = v1alpha1.SubjectTypePairwise
			Expect(fieldsOf(validation.Client(c, nil, nil, 0))).To(Equal([]string{"spec.subjectType"}), "%v", uris)

			c.Spec.SectorIdentifierURI = "https://Sector.example:8443/list"
			Expect(validation.Client(c, nil, nil, 0)).To(BeEmpty(), "%v", uris)
			sector, ok := validation.Sector(c)
			Expect(ok).To(BeTrue())
			Expect(sector).To(Equal("sector.example"))
		}
		c := &v1alpha1.OAuthClient{Spec: v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://A.example/cb", "https://a.example:8443/x"}}}
		sector, ok := validation.Sector(c)
		Expect(ok).To(BeTrue())
		Expect(sector).To(Equal("a.example"))
	})
})
