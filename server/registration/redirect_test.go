package registration_test

import (
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/registration"
)

var _ = Describe("A registered redirect URI", func() {
	// RFC 6749 §3.1.2.3, RFC 9700 §2.1 and §4.1.3: exact string matching.
	DescribeTable("matches itself and nothing else",
		func(requested string) {
			for _, public := range []bool{false, true} {
				uri := "https://client.example/cb?tenant=a%2Fb"
				r := registration.CompileRedirectURI(uri, public)
				Expect(r.String()).To(Equal(uri))
				Expect(r.Matches(uri)).To(BeTrue())
				Expect(r.Matches(requested)).To(BeFalse())
			}
		},
		Entry("nothing", ""),
		Entry("scheme", "http://client.example/cb?tenant=a%2Fb"),
		Entry("case of scheme", "HTTPS://client.example/cb?tenant=a%2Fb"),
		Entry("case of host", "https://Client.example/cb?tenant=a%2Fb"),
		Entry("case of path", "https://client.example/CB?tenant=a%2Fb"),
		Entry("case of percent-encoding", "https://client.example/cb?tenant=a%2fb"),
		Entry("percent-decoded", "https://client.example/cb?tenant=a/b"),
		Entry("percent-encoded", "https://client.example/%63b?tenant=a%2Fb"),
		Entry("default port", "https://client.example:443/cb?tenant=a%2Fb"),
		Entry("any port", "https://client.example:8443/cb?tenant=a%2Fb"),
		Entry("trailing slash", "https://client.example/cb/?tenant=a%2Fb"),
		Entry("dot segment", "https://client.example/./cb?tenant=a%2Fb"),
		Entry("dot segments", "https://client.example/x/../cb?tenant=a%2Fb"),
		Entry("double slash", "https://client.example//cb?tenant=a%2Fb"),
		Entry("without query", "https://client.example/cb"),
		Entry("query added", "https://client.example/cb?tenant=a%2Fb&x=1"),
		Entry("fragment", "https://client.example/cb?tenant=a%2Fb#"),
		Entry("userinfo", "https://client.example@evil.example/cb?tenant=a%2Fb"),
		Entry("empty userinfo", "https://@client.example/cb?tenant=a%2Fb"),
		Entry("subdomain", "https://evil.client.example/cb?tenant=a%2Fb"),
		Entry("host as prefix", "https://client.example.evil.example/cb?tenant=a%2Fb"),
		Entry("dot behind host", "https://client.example./cb?tenant=a%2Fb"),
		Entry("backslash", `https:\\client.example/cb?tenant=a%2Fb`),
		Entry("space in front", " https://client.example/cb?tenant=a%2Fb"),
		Entry("line break behind", "https://client.example/cb?tenant=a%2Fb\n"),
		Entry("NUL behind", "https://client.example/cb?tenant=a%2Fb\x00"),
		Entry("other letter that looks alike", "https://сlient.example/cb?tenant=a%2Fb"),
	)

	// RFC 8252 §7.3: "The authorization server MUST allow any port to be
	// specified at the time of the request for loopback IP redirect URIs".
	DescribeTable("of a native client on loopback leaves the port open",
		func(registered, requested string) {
			Expect(registration.CompileRedirectURI(registered, true).Matches(requested)).To(BeTrue())
			if registered != requested {
				Expect(registration.CompileRedirectURI(registered, false).Matches(requested)).To(BeFalse(), "but not of a web client")
			}
		},
		Entry("IPv4", "http://127.0.0.1/cb", "http://127.0.0.1:50505/cb"),
		Entry("another port", "http://127.0.0.1:8000/cb", "http://127.0.0.1:50505/cb"),
		Entry("without port", "http://127.0.0.1:8000/cb", "http://127.0.0.1/cb"),
		Entry("IPv6", "http://[::1]/cb?x=1", "http://[::1]:50505/cb?x=1"),
		Entry("IPv6 without port", "http://[::1]:8000/cb", "http://[::1]/cb"),
		Entry("localhost", "http://localhost:8000", "http://localhost:18000"),
		Entry("itself", "http://localhost:8000", "http://localhost:8000"),
	)

	DescribeTable("of a native client on loopback leaves nothing else open",
		func(requested string) {
			for _, registered := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:8000/cb"} {
				Expect(registration.CompileRedirectURI(registered, true).Matches(requested)).To(BeFalse())
			}
		},
		Entry("other loopback address", "http://127.0.0.2:8000/cb"),
		Entry("other name for it", "http://localhost:8000/cb"),
		Entry("https", "https://127.0.0.1:8000/cb"),
		Entry("path", "http://127.0.0.1:8000/cb2"),
		Entry("query", "http://127.0.0.1:8000/cb?x=1"),
		Entry("fragment", "http://127.0.0.1:8000/cb#x"),
		Entry("port as userinfo", "http://127.0.0.1:8000@evil.example/cb"),
		Entry("port as userinfo, and a port", "http://127.0.0.1:80@evil.example:80/cb"),
		Entry("userinfo", "http://evil@127.0.0.1:8000/cb"),
		Entry("no number", "http://127.0.0.1:http/cb"),
		Entry("empty port", "http://127.0.0.1:/cb"),
		Entry("signed port", "http://127.0.0.1:-1/cb"),
		Entry("long port", "http://127.0.0.1:808000/cb"),
		Entry("two ports", "http://127.0.0.1:80:80/cb"),
		Entry("host behind", "http://127.0.0.1.evil.example:8000/cb"),
		Entry("backslash", `http://127.0.0.1:8000\@evil.example/cb`),
		Entry("line break", "http://127.0.0.1:80\r\n/cb"),
		Entry("decimal address", "http://2130706433:8000/cb"),
	)

	It("leaves no port open on other hosts", func() {
		for _, registered := range []string{"http://intranet:80/cb", "https://127.0.0.1/cb", "com.example:/cb"} {
			r := registration.CompileRedirectURI(registered, true)
			Expect(r.Matches(registered)).To(BeTrue())
			Expect(r.Matches(strings.Replace(registered, "/cb", ":8000/cb", 1))).To(BeFalse())
		}
		Expect(registration.CompileRedirectURI("http://intranet:80/cb", true).Matches("http://intranet:81/cb")).To(BeFalse())
	})
})

// FuzzRedirectMatch: what matches is the registered URI itself, or differs from a
// native client's loopback URI in the port alone, as a browser would read it.
func FuzzRedirectMatch(f *testing.F) {
	registered := []string{
		"https://client.example/cb?x=1", "http://127.0.0.1/cb", "http://127.0.0.1:8000/cb?x=1",
		"http://[::1]:8000/", "http://localhost", "com.example.app:/cb",
	}
	for _, uri := range registered {
		f.Add(uri)
	}
	f.Add("http://127.0.0.1:80@evil.example/cb")
	f.Add("http://localhost:65536?")
	f.Fuzz(func(t *testing.T, requested string) {
		for _, uri := range registered {
			if registration.CompileRedirectURI(uri, false).Matches(requested) != (requested == uri) {
				t.Fatalf("a web client's %q against %q", uri, requested)
			}
			if requested == uri || !registration.CompileRedirectURI(uri, true).Matches(requested) {
				continue
			}
			want, got := mustParse(t, uri), mustParse(t, requested)
			if !registration.Loopback(want.Hostname()) || want.Scheme != "http" || got.User != nil {
				t.Fatalf("%q matches %q", uri, requested)
			}
			want.Host, got.Host = want.Hostname(), got.Hostname()
			if *want != *got {
				t.Fatalf("%q matches %q", uri, requested)
			}
		}
	})
}

func mustParse(t *testing.T, uri string) *url.URL {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatalf("%q matched, but is no URI: %v", uri, err)
	}
	return u
}
