package validation_test

import (
	"math/rand/v2"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// rule returns a rule that allows everything to every namespace.
func rule(name string) v1alpha1.PolicyRule { return v1alpha1.PolicyRule{Name: name} }

// restricted returns a rule that restricts everything, to what webapp asks for.
func restricted() v1alpha1.PolicyRule {
	return v1alpha1.PolicyRule{
		Name:                     "restricted",
		Scopes:                   []string{"openid", "profile", "email"},
		GrantTypes:               []v1alpha1.GrantType{"authorization_code", "refresh_token"},
		TokenEndpointAuthMethods: []v1alpha1.TokenEndpointAuthMethod{"client_secret_basic"},
		RedirectHosts:            []string{"app.example.com", "127.0.0.1"},
	}
}

// labelled narrows a rule to namespaces with that label.
func labelled(r v1alpha1.PolicyRule, key, value string) v1alpha1.PolicyRule {
	r.NamespaceSelector.MatchLabels = map[string]string{key: value}
	return r
}

var _ = Describe("the policy", func() {
	It("allows everything where there is none, and nothing where it is empty", func() {
		as := server()
		Expect(validation.Client(webapp(), as, nil, 0)).To(BeEmpty())
		as.Spec.Policy = &v1alpha1.Policy{}
		problems := validation.Client(webapp(), as, map[string]string{"a": "b"}, 0)
		Expect(complaints(problems)).To(Equal([]string{"metadata.namespace NotAllowed"}))
		Expect(problems[0].Message).To(ContainSubstring(`no policy rule of AuthorizationServer "main" selects the namespace "team"`))
	})

	It("does not restrict what a rule leaves out", func() {
		Expect(validation.Client(webapp(), server(rule("all")), nil, 0)).To(BeEmpty())
	})

	It("allows what a rule lists", func() {
		Expect(validation.Client(webapp(), server(restricted()), nil, 0)).To(BeEmpty())
	})

	DescribeTable("names the field and the rules",
		func(ask func(*v1alpha1.OAuthClientSpec), field, words string) {
			c := webapp()
			ask(&c.Spec)
			problems := validation.Client(c, server(restricted(), labelled(rule("elsewhere"), "a", "b")), nil, 0)
			Expect(complaints(problems)).To(Equal([]string{field + " NotAllowed"}))
			Expect(problems[0].Message).To(And(ContainSubstring(words), ContainSubstring("(rules: restricted)")))
			Expect(problems[0].Rules).To(Equal([]string{"restricted"}))
		},
		Entry("scope", func(s *v1alpha1.OAuthClientSpec) { s.Scopes = append(s.Scopes, "groups") }, "spec.scopes[3]", `the scope "groups"`),
		Entry("grant type", func(s *v1alpha1.OAuthClientSpec) { s.GrantTypes[1] = "client_credentials" }, "spec.grantTypes[1]", `"client_credentials"`),
		Entry("method", func(s *v1alpha1.OAuthClientSpec) { s.TokenEndpointAuthMethod = "none" }, "spec.tokenEndpointAuthMethod", `"none"`),
		Entry("host", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIs[1] = "https://evil.example:8443/" }, "spec.redirectURIs[1]", `the redirect host "evil.example"`),
		Entry("scheme", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIs[0] = "com.example.app:/cb" }, "spec.redirectURIs[0]", `the redirect host "com.example.app:"`),
	)

	It("judges what is asked for by leaving it out", func() {
		c, r := webapp(), restricted()
		c.Spec.Scopes, r.Scopes = nil, []string{"openid"}
		problems := validation.Client(c, server(r), nil, 0)
		Expect(complaints(problems)).To(Equal([]string{"spec.scopes NotAllowed"}))
		Expect(problems[0].Message).To(ContainSubstring(`"profile"`))
	})

	It("adds rules up, item by item", func() {
		one, other := restricted(), restricted()
		one.Name, one.Scopes = "one", []string{"openid", "profile"}
		other.Name, other.Scopes, other.GrantTypes = "other", []string{"email"}, nil
		Expect(validation.Client(webapp(), server(one, other), nil, 0)).To(BeEmpty())
		Expect(complaints(validation.Client(webapp(), server(one), nil, 0))).To(Equal([]string{"spec.scopes[2] NotAllowed"}))
	})

	It("asks only the rules that select the namespace", func() {
		as := server(labelled(rule("team"), "team", "a"), restricted())
		c := webapp()
		c.Spec.Scopes = []string{"groups"}
		Expect(validation.Client(c, as, map[string]string{"team": "a"}, 0)).To(BeEmpty())
		for _, ns := range []map[string]string{nil, {}, {"team": "b"}, {"Team": "a"}} {
			Expect(complaints(validation.Client(c, as, ns, 0))).To(Equal([]string{"spec.scopes[0] NotAllowed"}), "%v", ns)
		}
	})

	It("concludes nothing from labels that it does not know", func() {
		r := rule("not-elsewhere")
		r.NamespaceSelector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "team", Operator: metav1.LabelSelectorOpDoesNotExist}}
		Expect(validation.Client(webapp(), server(r), map[string]string{}, 0)).To(BeEmpty())
		Expect(complaints(validation.Client(webapp(), server(r), nil, 0))).To(Equal([]string{"metadata.namespace NotAllowed"}))
		Expect(validation.Client(webapp(), server(rule("all")), nil, 0)).To(BeEmpty())
	})

	DescribeTable("compares hosts", func(pattern, uri string, allowed bool) {
		c, r := webapp(), restricted()
		c.Spec.RedirectURIs, r.RedirectHosts = []string{uri}, []string{pattern}
		Expect(validation.AuthorizationServer(server(r))).To(BeEmpty(), "the pattern itself")
		if allowed {
			Expect(validation.Client(c, server(r), nil, 0)).To(BeEmpty())
		} else {
			Expect(complaints(validation.Client(c, server(r), nil, 0))).To(Equal([]string{"spec.redirectURIs[0] NotAllowed"}))
		}
	},
		Entry("exactly", "a.example.com", "https://a.example.com/cb", true),
		Entry("whatever the port", "a.example.com", "https://a.example.com:8443/cb", true),
		Entry("whatever the case", "A.example.com", "https://a.EXAMPLE.com/cb", true),
		Entry("not below", "example.com", "https://a.example.com/cb", false),
		Entry("not as a suffix", "example.com", "https://evilexample.com/cb", false),
		Entry("not as a prefix", "example.com", "https://example.com.evil.example/cb", false),
		Entry("one label below", "*.example.com", "https://a.example.com/cb", true),
		Entry("one label below, whatever the case", "*.Example.com", "https://A.example.COM", true),
		Entry("not two labels below", "*.example.com", "https://a.b.example.com/cb", false),
		Entry("not the domain itself", "*.example.com", "https://example.com/cb", false),
		Entry("not as a suffix of a label", "*.example.com", "https://evilexample.com/cb", false),
		Entry("not in the path", "example.com", "https://evil.example/example.com", false),
		Entry("not in the query", "example.com", "https://evil.example?//example.com", false),
		Entry("IPv6 in brackets", "[::1]", "http://[::1]:8080/cb", true),
		Entry("a private-use scheme", "com.example.app:", "com.example.app:/cb", true),
		Entry("not another scheme", "com.example.app:", "com.example.apps:/cb", false),
		Entry("not a scheme as a host", "com.example.app", "com.example.app:/cb", false),
		Entry("not a host as a scheme", "com.example.app:", "https://com.example.app/cb", false),
		Entry("not the host of a private-use scheme", "callback", "com.example.app://callback", false),
	)

	It("selects namespaces as LabelSelectorAsSelector does", func() {
		random := rand.New(rand.NewPCG(1, 2))
		words := []string{"a", "b", "c"}
		word := func() string { return words[random.IntN(len(words))] }
		operators := []metav1.LabelSelectorOperator{"In", "NotIn", "Exists", "DoesNotExist", "Nonsense"}
		for range 5000 {
			var selector metav1.LabelSelector
			for range random.IntN(2) {
				selector.MatchLabels = map[string]string{word(): word()}
			}
			for range random.IntN(3) {
				e := metav1.LabelSelectorRequirement{Key: word(), Operator: operators[random.IntN(len(operators))]}
				for range random.IntN(3) {
					e.Values = append(e.Values, word())
				}
				selector.MatchExpressions = append(selector.MatchExpressions, e)
			}
			namespace := map[string]string{}
			for range random.IntN(3) {
				namespace[word()] = word()
			}
			r := rule("r")
			r.NamespaceSelector = selector
			reference, err := metav1.LabelSelectorAsSelector(&selector)
			want := err == nil && reference.Matches(labels.Set(namespace))
			selected := validation.Message(validation.Client(webapp(), server(r), namespace, 0)) == ""
			Expect(selected).To(Equal(want), "%v in %v", selector, namespace)
			valid := validation.Message(validation.AuthorizationServer(server(r))) == ""
			Expect(valid).To(Equal(err == nil), "%v", selector)
		}
	})
})
