package validation_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

var _ = Describe("Issuer", func() {
	It("accepts and refuses", func() {
		accepted, err := lines("issuers-accepted.txt")
		Expect(err).NotTo(HaveOccurred())
		Expect(accepted).NotTo(BeEmpty())
		for _, issuer := range accepted {
			Expect(validation.Issuer(issuer)).To(Succeed(), issuer)
		}
		refused, err := lines("issuers-refused.txt")
		Expect(err).NotTo(HaveOccurred())
		Expect(refused).NotTo(BeEmpty())
		for _, issuer := range refused {
			Expect(validation.Issuer(issuer)).NotTo(Succeed(), issuer)
		}
	})
})

var _ = Describe("AuthorizationServer", func() {
	It("has nothing against a full one", func() {
		as := server(restricted())
		as.Spec.DisplayName = "Wonderland"
		as.Spec.IDTokenSigningAlg = v1alpha1.SigningAlgES256
		as.Spec.Scopes = []v1alpha1.Scope{{Name: "openid", Default: true}, {Name: "calendar", Description: "Read your calendar"}}
		as.Spec.Lifetimes.RefreshTokenGrace = &metav1.Duration{}
		as.Spec.Lifetimes.Session = &metav1.Duration{Duration: 720 * time.Hour}
		Expect(validation.AuthorizationServer(as)).To(BeEmpty())
	})

	DescribeTable("refuses", func(spoil func(*v1alpha1.AuthorizationServerSpec), field, words string) {
		as := server(restricted())
		spoil(&as.Spec)
		problems := validation.AuthorizationServer(as)
		Expect(complaints(problems)).To(Equal([]string{field + " Invalid"}))
		Expect(problems[0].Message).To(ContainSubstring(words))
	},
		Entry("the issuer", func(s *v1alpha1.AuthorizationServerSpec) { s.Issuer += "/" }, "spec.issuer", "no trailing slash"),
		Entry("the name", func(s *v1alpha1.AuthorizationServerSpec) { s.DisplayName = "a\x00" }, "spec.displayName", "plain text"),
		Entry("the algorithm", func(s *v1alpha1.AuthorizationServerSpec) { s.IDTokenSigningAlg = "none" }, "spec.idTokenSigningAlg", "RS256 or ES256"),
		Entry("a scope", func(s *v1alpha1.AuthorizationServerSpec) { s.Scopes = []v1alpha1.Scope{{Name: "a b"}} }, "spec.scopes[0].name", "RFC 6749"),
		Entry("a scope twice", func(s *v1alpha1.AuthorizationServerSpec) { s.Scopes = []v1alpha1.Scope{{Name: "a"}, {Name: "a"}} }, "spec.scopes[1].name", "once"),
		Entry("the words of a scope", func(s *v1alpha1.AuthorizationServerSpec) {
			s.Scopes = []v1alpha1.Scope{{Name: "a", Description: "a\u2028b"}}
		}, "spec.scopes[0].description", "plain text"),
		Entry("no time", func(s *v1alpha1.AuthorizationServerSpec) { s.Lifetimes.AccessToken = &metav1.Duration{} }, "spec.lifetimes.accessToken", "from 1s"),
		Entry("too long a time", func(s *v1alpha1.AuthorizationServerSpec) {
			s.Lifetimes.AuthorizationCode = &metav1.Duration{Duration: 11 * time.Minute}
		}, "spec.lifetimes.authorizationCode", "to 10m"),
		Entry("parts of a second", func(s *v1alpha1.AuthorizationServerSpec) {
			s.Lifetimes.Session = &metav1.Duration{Duration: 1500 * time.Millisecond}
		}, "spec.lifetimes.session", "whole seconds"),
		Entry("the name of a rule", func(s *v1alpha1.AuthorizationServerSpec) { s.Policy.Rules[0].Name = "A b" }, "spec.policy.rules[0].name", "lower-case"),
		Entry("two rules of a name", func(s *v1alpha1.AuthorizationServerSpec) { s.Policy.Rules = append(s.Policy.Rules, s.Policy.Rules[0]) }, "spec.policy.rules[1].name", "another rule"),
		Entry("a selector", func(s *v1alpha1.AuthorizationServerSpec) {
			s.Policy.Rules[0].NamespaceSelector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like", Values: []string{"b"}}}
		}, "spec.policy.rules[0].namespaceSelector.matchExpressions[0].operator", "Like"),
		Entry("the scope of a rule", func(s *v1alpha1.AuthorizationServerSpec) { s.Policy.Rules[0].Scopes[1] = `\` }, "spec.policy.rules[0].scopes[1]", "RFC 6749"),
		Entry("an empty list", func(s *v1alpha1.AuthorizationServerSpec) { s.Policy.Rules[0].Scopes = []string{} }, "spec.policy.rules[0].scopes", "leave it out"),
		Entry("a host with a port", func(s *v1alpha1.AuthorizationServerSpec) { s.Policy.Rules[0].RedirectHosts[0] = "a.example:80" }, "spec.policy.rules[0].redirectHosts[0]", "without port"),
		Entry("a host with a deep star", func(s *v1alpha1.AuthorizationServerSpec) { s.Policy.Rules[0].RedirectHosts[0] = "a.*.example" }, "spec.policy.rules[0].redirectHosts[0]", "redirect host"),
		Entry("a star alone", func(s *v1alpha1.AuthorizationServerSpec) { s.Policy.Rules[0].RedirectHosts[0] = "*" }, "spec.policy.rules[0].redirectHosts[0]", "redirect host"),
		Entry("half an IPv6 address", func(s *v1alpha1.AuthorizationServerSpec) { s.Policy.Rules[0].RedirectHosts[0] = "[::1::]" }, "spec.policy.rules[0].redirectHosts[0]", "in brackets"),
	)
})

// born returns an AuthorizationServer made that many hours after the first.
func born(name string, hours int, isDefault bool) *v1alpha1.AuthorizationServer {
	as := server()
	as.Name = name
	as.CreationTimestamp = metav1.NewTime(time.Date(2026, 1, 1, hours, 0, 0, 0, time.UTC))
	if isDefault {
		as.Annotations = map[string]string{v1alpha1.AnnotationDefault: "true"}
	}
	return as
}

var _ = Describe("IssuerOwner", func() {
	It("is the oldest, and the first by name of one age", func() {
		a, b, c := born("a", 2, false), born("b", 1, false), born("c", 1, false)
		all := []*v1alpha1.AuthorizationServer{a, c, b}
		for _, as := range all {
			Expect(validation.IssuerOwner(as, all).Name).To(Equal("b"))
		}
		b.Spec.Issuer = "https://other.example.com"
		Expect(validation.IssuerOwner(a, all).Name).To(Equal("c"))
		Expect(validation.IssuerOwner(b, all).Name).To(Equal("b"))
		Expect(validation.IssuerOwner(a, nil).Name).To(Equal("a"))
	})

	It("knows issuers that cannot be told apart by their requests", func() {
		a, b := born("a", 2, false), born("b", 1, false)
		a.Spec.Issuer, b.Spec.Issuer = "https://localhost/team", "http://localhost/team"
		all := []*v1alpha1.AuthorizationServer{a, b}
		Expect(validation.IssuerOwner(a, all).Name).To(Equal("b"))
		b.Spec.Issuer = "http://localhost/other"
		Expect(validation.IssuerOwner(a, all).Name).To(Equal("a"))
	})
})

var _ = Describe("ResolveAuthorizationServer", func() {
	old, young, other := born("old", 1, true), born("young", 2, true), born("other", 3, false)
	all := []*v1alpha1.AuthorizationServer{old, young, other}

	DescribeTable("finds", func(ref, status string, servers []*v1alpha1.AuthorizationServer, want string) {
		c := webapp()
		if ref != "" {
			c.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: ref}
		}
		c.Status.AuthorizationServer = status
		as, p := validation.ResolveAuthorizationServer(c, servers)
		Expect(p).To(BeNil())
		Expect(as.Name).To(Equal(want))
	},
		Entry("the one that is named", "other", "old", all, "other"),
		Entry("the newest default", "", "", all, "young"),
		Entry("the one that the client has, be it no default any more", "", "other", all, "other"),
		Entry("the default where the one it has is gone", "", "gone", all, "young"),
		Entry("the first by name of defaults of one age", "", "", []*v1alpha1.AuthorizationServer{born("z", 1, true), born("y", 1, true)}, "y"),
	)

	It("says what is missing", func() {
		c := webapp()
		_, p := validation.ResolveAuthorizationServer(c, []*v1alpha1.AuthorizationServer{other})
		Expect(*p).To(And(HaveField("Field", "spec.authorizationServerRef"), HaveField("Reason", v1alpha1.ReasonAuthorizationServerNotFound),
			HaveField("Message", ContainSubstring(v1alpha1.AnnotationDefault))))
		c.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: "gone"}
		c.Status.AuthorizationServer = "other"
		_, p = validation.ResolveAuthorizationServer(c, all)
		Expect(*p).To(And(HaveField("Field", "spec.authorizationServerRef.name"), HaveField("Message", ContainSubstring(`no AuthorizationServer "gone"`))))
	})
})

var _ = Describe("User", func() {
	alice := func() *v1alpha1.OAuthUser {
		u := &v1alpha1.OAuthUser{}
		u.Spec = v1alpha1.OAuthUserSpec{
			Username: "alice", Name: "Alice Liddell", Email: "alice@example.com", Groups: []string{"tea-party"},
			PasswordSecretRef: v1alpha1.SecretKeyReference{Name: "alice-password", Key: "password-hash"},
		}
		return u
	}

	It("has nothing against a person", func() {
		Expect(validation.User(alice())).To(BeEmpty())
	})

	DescribeTable("refuses", func(spoil func(*v1alpha1.OAuthUserSpec), field string) {
		u := alice()
		spoil(&u.Spec)
		Expect(complaints(validation.User(u))).To(Equal([]string{field + " Invalid"}))
	},
		Entry("nobody", func(s *v1alpha1.OAuthUserSpec) { s.Username = "" }, "spec.username"),
		Entry("a username with space", func(s *v1alpha1.OAuthUserSpec) { s.Username = "alice " }, "spec.username"),
		Entry("a username with a control character", func(s *v1alpha1.OAuthUserSpec) { s.Username = "al\tice" }, "spec.username"),
		Entry("a name of two lines", func(s *v1alpha1.OAuthUserSpec) { s.Name = "a\nb" }, "spec.name"),
		Entry("an address without @", func(s *v1alpha1.OAuthUserSpec) { s.Email = "alice" }, "spec.email"),
		Entry("an address with two", func(s *v1alpha1.OAuthUserSpec) { s.Email = "a@b@c" }, "spec.email"),
		Entry("an address with space", func(s *v1alpha1.OAuthUserSpec) { s.Email = "a b@c" }, "spec.email"),
		Entry("an empty group", func(s *v1alpha1.OAuthUserSpec) { s.Groups[0] = "" }, "spec.groups[0]"),
		Entry("no Secret", func(s *v1alpha1.OAuthUserSpec) { s.PasswordSecretRef.Name = "" }, "spec.passwordSecretRef.name"),
		Entry("a key with a slash", func(s *v1alpha1.OAuthUserSpec) { s.PasswordSecretRef.Key = "a/b" }, "spec.passwordSecretRef.key"),
	)
})
