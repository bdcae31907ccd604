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
		Entry("dot behind host and port", "https://client.example.:443/cb?tenant=a%2Fb"),
		Entry("dot that is encoded", "https://client%2eexample/cb?tenant=a%2Fb"),
		Entry("encoded slash as a slash", "https://client.example%2Fcb?tenant=a%2Fb"),
		Entry("encoded traversal", "https://client.example/x/%2e%2e/cb?tenant=a%2Fb"),
		Entry("encoded traversal with slash", "https://client.example/x%2f..%2fcb?tenant=a%2Fb"),
		Entry("IDN: full-width dot", "https://client．example/cb?tenant=a%2Fb"),
		Entry("IDN: ideographic dot", "https://client。example/cb?tenant=a%2Fb"),
		Entry("IDN: full-width letters", "https://ｃｌｉｅｎｔ.example/cb?tenant=a%2Fb"),
		Entry("IDN: soft hyphen, which is dropped", "https://cli\u00adent.example/cb?tenant=a%2Fb"),
		Entry("IDN: zero width joiner", "https://cli\u200dent.example/cb?tenant=a%2Fb"),
		Entry("IDN: punycode of ASCII", "https://xn--client-.example/cb?tenant=a%2Fb"),
		Entry("full-width solidus", "https://client.example／cb?tenant=a%2Fb"),
		Entry("full-width question mark", "https://client.example/cb？tenant=a%2Fb"),
		Entry("other letter that looks alike", "https://сlient.example/cb?tenant=a%2Fb"),
	)

	// Nothing is parsed, so no two spellings of one address are the same: not even
	// those that a browser would open as one.
	DescribeTable("IDN, IPv6: matches no other spelling of its host",
		func(uri, requested string) {
			for _, public := range []bool{false, true} {
				Expect(registration.CompileRedirectURI(uri, public).Matches(requested)).To(BeFalse())
				Expect(registration.CompileRedirectURI(requested, public).Matches(uri)).To(BeFalse())
			}
		},
		Entry("punycode as Unicode", "https://xn--bcher-kva.example/cb", "https://bücher.example/cb"),
		Entry("punycode as decomposed Unicode", "https://xn--bcher-kva.example/cb", "https://bu\u0308cher.example/cb"),
		Entry("punycode as percent-encoded Unicode", "https://xn--bcher-kva.example/cb", "https://b%C3%BCcher.example/cb"),
		Entry("punycode in capitals", "https://xn--bcher-kva.example/cb", "https://XN--BCHER-KVA.example/cb"),
		Entry("punycode that looks alike", "https://xn--bcher-kva.example/cb", "https://xn--bchr-6ra0b.example/cb"),
		Entry("sharp s as ss", "https://strasse.example/cb", "https://straße.example/cb"),
		Entry("IPv6 written out", "https://[2001:db8::7]/cb", "https://[2001:db8:0:0:0:0:0:7]/cb"),
		Entry("IPv6 with zeros", "https://[2001:db8::7]/cb", "https://[2001:0db8::0007]/cb"),
		Entry("IPv6 in capitals", "https://[2001:db8::7]/cb", "https://[2001:DB8::7]/cb"),
		Entry("IPv6 with a zone", "https://[fe80::7]/cb", "https://[fe80::7%25eth0]/cb"),
		Entry("IPv6 without brackets", "https://[2001:db8::7]/cb", "https://2001:db8::7/cb"),
		Entry("IPv6 with its default port", "https://[2001:db8::7]/cb", "https://[2001:db8::7]:443/cb"),
		Entry("IPv4 in IPv6", "http://127.0.0.1/cb", "http://[::ffff:127.0.0.1]/cb"),
		Entry("IPv4 in IPv6, in hexadecimal", "http://127.0.0.1/cb", "http://[::ffff:7f00:1]/cb"),
		Entry("IPv6 loopback written out", "http://[::1]/cb", "http://[0:0:0:0:0:0:0:1]/cb"),
		Entry("IPv6 loopback with a zone", "http://[::1]/cb", "http://[::1%25lo]:8000/cb"),
		Entry("IPv6 loopback with a raw zone", "http://[::1]/cb", "http://[::1%lo]:8000/cb"),
		Entry("IPv6 loopback as IPv4", "http://[::1]/cb", "http://127.0.0.1/cb"),
		Entry("IPv4 with two parts", "http://127.0.0.1/cb", "http://127.1/cb"),
		Entry("IPv4 in hexadecimal", "http://127.0.0.1/cb", "http://0x7f.1/cb"),
		Entry("IPv4 in hexadecimal, whole", "http://127.0.0.1/cb", "http://0x7f000001:8000/cb"),
		Entry("IPv4 in octal", "http://127.0.0.1/cb", "http://0177.0.0.1:8000/cb"),
		Entry("IPv4 as a number", "http://127.0.0.1/cb", "http://2130706433/cb"),
		Entry("IPv4 with a dot behind", "http://127.0.0.1/cb", "http://127.0.0.1.:8000/cb"),
		Entry("IPv4 with full-width dots", "http://127.0.0.1/cb", "http://127。0。0。1:8000/cb"),
		Entry("IPv4 in full-width digits", "http://127.0.0.1/cb", "http://１２７.0.0.1:8000/cb"),
		Entry("a loopback address that is not 127.0.0.1", "http://127.0.0.1/cb", "http://0.0.0.0:8000/cb"),
		Entry("localhost with a dot behind", "http://localhost/cb", "http://localhost.:8000/cb"),
		Entry("localhost in capitals", "http://localhost/cb", "http://LOCALHOST:8000/cb"),
		Entry("localhost below a name", "http://localhost/cb", "http://x.localhost:8000/cb"),
		Entry("userinfo: localhost:80@evil", "http://localhost/cb", "http://localhost:80@evil.example/cb"),
		Entry("userinfo: localhost:80@evil:80", "http://localhost/cb", "http://localhost:80@evil.example:80/cb"),
		Entry("userinfo: an encoded @", "http://localhost/cb", "http://localhost:80%40evil.example/cb"),
		Entry("userinfo: a tab before the @", "http://localhost/cb", "http://localhost:80\t@evil.example/cb"),
		Entry("port in full-width digits", "http://localhost/cb", "http://localhost:８０/cb"),
	)

	It("wildcards: a star that somebody has got into a registration is a star and nothing else", func() {
		for _, uri := range []string{"https://*.client.example/cb", "https://client.example/*", "*", "https://client.example/cb?x=*", "http://127.0.0.1:*/cb"} {
			for _, public := range []bool{false, true} {
				r := registration.CompileRedirectURI(uri, public)
				Expect(r.Matches(uri)).To(BeTrue())
				for _, requested := range []string{"https://evil.client.example/cb", "https://client.example/evil", "https://evil.example/", "https://client.example/cb?x=evil", "http://127.0.0.1:80/cb"} {
					Expect(r.Matches(requested)).To(BeFalse(), "%s by %s", requested, uri)
				}
			}
		}
	})

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
