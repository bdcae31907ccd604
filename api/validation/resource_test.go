package validation_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

const calendarAPI = "https://calendar.example.com/api"

// withResources returns an AuthorizationServer that has resources.
func withResources(rules ...v1alpha1.PolicyRule) *v1alpha1.AuthorizationServer {
	as := server(rules...)
	as.Spec.Resources = []v1alpha1.Resource{
		{Identifier: calendarAPI, DisplayName: "Calendar", Scopes: []string{"email"}, ServedBy: []v1alpha1.OAuthClientReference{{Namespace: "apis", Name: "calendar"}}},
		{Identifier: "urn:example:files"},
	}
	return as
}

var _ = Describe("The resources of an AuthorizationServer", func() {
	It("are nothing to complain of", func() {
		Expect(validation.AuthorizationServer(withResources())).To(BeEmpty())
	})

	DescribeTable("RFC 8707 §2: have identifiers that are absolute URIs without fragment:", func(identifier string, good bool) {
		as := server()
		as.Spec.Resources = []v1alpha1.Resource{{Identifier: identifier}}
		if good {
			Expect(validation.AuthorizationServer(as)).To(BeEmpty())
			return
		}
		Expect(complaints(validation.AuthorizationServer(as))).To(Equal([]string{"spec.resources[0].identifier Invalid"}))
	},
		Entry("a URL", "https://a.example.com:8443/b/c?d=e%20f", true),
		Entry("a URN", "urn:example:a", true),
		Entry("the longest", "urn:"+strings.Repeat("a", 252), true),
		Entry("longer", "urn:"+strings.Repeat("a", 253), false),
		Entry("nothing", "", false),
		Entry("a path", "/api", false),
		Entry("a name", "calendar", false),
		Entry("a scheme alone", "https:", false),
		Entry("a scheme in capitals", "HTTPS://a.example.com", false),
		Entry("a fragment", "https://a.example.com#b", false),
		Entry("an empty fragment", "https://a.example.com#", false),
		Entry("a space", "https://a.example.com/b c", false),
		Entry("a line break", "https://a.example.com/\n", false),
		Entry("a quotation mark", `https://a.example.com/"`, false),
		Entry("no ASCII", "https://ä.example.com", false),
		Entry("half an escape", "https://a.example.com/%2", false),
	)

	DescribeTable("refuses", func(spoil func(*v1alpha1.Resource), field string) {
		as := withResources()
		spoil(&as.Spec.Resources[1])
		Expect(complaints(validation.AuthorizationServer(as))).To(Equal([]string{"spec.resources[1]" + field + " Invalid"}))
	},
		Entry("one that is there already", func(r *v1alpha1.Resource) { r.Identifier = calendarAPI }, ".identifier"),
		Entry("a name that misleads", func(r *v1alpha1.Resource) { r.DisplayName = "a\u202eb" }, ".displayName"),
		Entry("a scope that is not in the catalogue", func(r *v1alpha1.Resource) { r.Scopes = []string{"email", "none"} }, ".scopes[1]"),
		Entry("no scope at all", func(r *v1alpha1.Resource) { r.Scopes = []string{} }, ".scopes"),
		Entry("a client of no namespace", func(r *v1alpha1.Resource) { r.ServedBy = []v1alpha1.OAuthClientReference{{Name: "a"}} }, ".servedBy[0]"),
		Entry("a client whose namespace has a dot, as if another's", func(r *v1alpha1.Resource) {
			r.ServedBy = []v1alpha1.OAuthClientReference{{Namespace: "a.b", Name: "c"}}
		}, ".servedBy[0]"),
	)

	It("reach every client when they change, and none when only who serves them does", func() {
		before, after := withResources(), withResources()
		Expect(validation.TouchesAll(before, after)).To(BeFalse())
		after.Spec.Resources[0].ServedBy = nil
		Expect(validation.TouchesAll(before, after)).To(BeFalse())
		after.Spec.Resources = after.Spec.Resources[1:]
		Expect(validation.TouchesAll(before, after)).To(BeTrue())
	})
})

var _ = Describe("The resources of a client", func() {
	It("RFC 8707 §2: are those of its AuthorizationServer", func() {
		c := webapp()
		c.Spec.Resources = []string{calendarAPI, "urn:example:files"}
		Expect(validation.Client(c, withResources(), nil, 0)).To(BeEmpty())
		c.Spec.Resources = []string{calendarAPI, calendarAPI + "/"}
		problems := validation.Client(c, withResources(), nil, 0)
		Expect(complaints(problems)).To(Equal([]string{"spec.resources[1] Invalid"}))
		Expect(problems[0].Message).To(ContainSubstring("has no resource"))
	})

	It("are allowed by a rule that lists them, or lists none", func() {
		c := webapp()
		c.Spec.Resources = []string{calendarAPI, "urn:example:files"}
		Expect(validation.Client(c, withResources(rule("all")), nil, 0)).To(BeEmpty())
		narrow := rule("narrow")
		narrow.Resources = []string{calendarAPI}
		problems := validation.Client(c, withResources(narrow), nil, 0)
		Expect(complaints(problems)).To(Equal([]string{"spec.resources[1] NotAllowed"}))
		Expect(problems[0].Rules).To(Equal([]string{"narrow"}))
		other := rule("other")
		other.Resources = []string{"urn:example:files"}
		Expect(validation.Client(c, withResources(narrow, other), nil, 0)).To(BeEmpty(), "rules add up")
	})

	It("a rule names resources in full", func() {
		bad, empty := rule("bad"), rule("empty")
		bad.Resources, empty.Resources = []string{"*"}, []string{}
		Expect(complaints(validation.AuthorizationServer(withResources(bad, empty)))).To(Equal([]string{
			"spec.policy.rules[0].resources[0] Invalid", "spec.policy.rules[1].resources Invalid",
		}))
	})
})
