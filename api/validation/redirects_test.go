package validation_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// routed returns a client that takes redirect URIs from elsewhere, which have
// come to these.
func routed(resolved ...string) *v1alpha1.OAuthClient {
	c := webapp()
	c.Spec.RedirectURIsFrom = []v1alpha1.RedirectURISource{
		{Kind: v1alpha1.RedirectURISourceIngress, Name: "web", Path: "/cb?from=ingress"},
		{Kind: v1alpha1.RedirectURISourceHTTPRoute, Name: "web.app-1", Path: "/"},
	}
	c.Status.RedirectURIs = resolved
	return c
}

var _ = Describe("redirect URIs from elsewhere", func() {
	It("are enough", func() {
		c := routed()
		c.Spec.RedirectURIs = nil
		Expect(validation.Client(c, server(), nil, 0)).To(BeEmpty())
	})

	DescribeTable("are refused where they come from nowhere", func(spoil func(*v1alpha1.OAuthClientSpec), field, words string) {
		c := routed()
		spoil(&c.Spec)
		problems := validation.Client(c, nil, nil, 0)
		Expect(complaints(problems)).To(Equal([]string{field + " Invalid"}))
		Expect(problems[0].Message).To(ContainSubstring(words))
	},
		Entry("another kind", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[0].Kind = "Service" }, "spec.redirectURIsFrom[0].kind", "use Ingress or HTTPRoute"),
		Entry("another namespace", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[1].Name = "other/web" }, "spec.redirectURIsFrom[1].name", "lower-case"),
		Entry("no name", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[1].Name = "" }, "spec.redirectURIsFrom[1].name", "lower-case"),
		Entry("no slash", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[0].Path = ".evil.example/" }, "spec.redirectURIsFrom[0].path", "begin with a slash"),
		Entry("a fragment", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[0].Path = "/#x" }, "spec.redirectURIsFrom[0].path", "remove #"),
		Entry("a wildcard", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[0].Path = "/*" }, "spec.redirectURIsFrom[0].path", "in full"),
		Entry("dot segments", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[0].Path = "/a/.." }, "spec.redirectURIsFrom[0].path", "that is meant"),
		Entry("a parameter of the response", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[0].Path = "/?%63ode" }, "spec.redirectURIsFrom[0].path", "remove code"),
		Entry("a long path", func(s *v1alpha1.OAuthClientSpec) { s.RedirectURIsFrom[0].Path = "/" + strings.Repeat("x", 512) }, "spec.redirectURIsFrom[0].path", "512 characters"),
		Entry("without use", func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes, s.ResponseTypes, s.RedirectURIs = []v1alpha1.GrantType{v1alpha1.GrantTypeClientCredentials}, nil, nil
		}, "spec.redirectURIsFrom", "remove redirectURIsFrom"),
	)

	It("are judged as those in the list, whoever has written the status", func() {
		problems := validation.Client(routed("https://app.example.com/cb", "http://evil.example/"), server(), nil, 0)
		Expect(complaints(problems)).To(Equal([]string{"spec.redirectURIsFrom Invalid"}))
		Expect(problems[0].Message).To(ContainSubstring(`has come to "http://evil.example/"`))
	})

	It("are bound by redirectHosts", func() {
		Expect(validation.Client(routed("https://app.example.com/cb"), server(restricted()), nil, 0)).To(BeEmpty())
		problems := validation.Client(routed("https://other.example.com/cb"), server(restricted()), nil, 0)
		Expect(complaints(problems)).To(Equal([]string{"spec.redirectURIsFrom NotAllowed"}))
		Expect(problems[0].Message).To(And(ContainSubstring("other.example.com"), ContainSubstring("restricted")))
	})

	It("do not count where the client does not ask for them any more", func() {
		c := routed("https://other.example.com/cb")
		c.Spec.RedirectURIsFrom = nil
		Expect(validation.Client(c, server(restricted()), nil, 0)).To(BeEmpty())
	})

	DescribeTable("are made of plain hosts alone", func(host, path, want string) {
		uri, ok := validation.RedirectURIOf(host, path)
		Expect(uri).To(Equal(want))
		Expect(ok).To(Equal(want != ""))
	},
		Entry("a host", "app.example.com", "/cb?a=b", "https://app.example.com/cb?a=b"),
		Entry("a host in capitals", "App.Example.com", "/Cb", "https://app.example.com/Cb"),
		Entry("one label", "app", "/", "https://app/"),
		Entry("no host", "", "/cb", ""),
		Entry("a wildcard", "*.example.com", "/cb", ""),
		Entry("a star", "*", "/cb", ""),
		Entry("a port", "app.example.com:8443", "/cb", ""),
		Entry("a user", "app.example.com@evil.example", "/cb", ""),
		Entry("a path in the host", "evil.example/.app.example.com", "/cb", ""),
		Entry("a query in the host", "evil.example?.app.example.com", "/cb", ""),
		Entry("a fragment in the host", "evil.example#.app.example.com", "/cb", ""),
		Entry("a backslash in the host", `evil.example\.app.example.com`, "/cb", ""),
		Entry("a space", "app.example.com ", "/cb", ""),
		Entry("a path without a slash", "app.example.com", "@evil.example", ""),
		Entry("an empty path", "app.example.com", "", ""),
		Entry("a fragment in the path", "app.example.com", "/cb#x", ""),
		Entry("too much in all", strings.Repeat(strings.Repeat("a", 63)+".", 16)+"example", "/"+strings.Repeat("x", 100), ""),
	)
})
