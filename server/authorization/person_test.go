package authorization_test

import (
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/registration"
)

// What is wrong before client and redirect URI are certain is told to the person:
// a page without a redirect, whether somebody is logged in or not.
var _ = Describe("Errors for the person", func() {
	var w *world
	BeforeEach(func() { w = newWorld("") })

	refused := func(query string, status int, code string) {
		GinkgoHelper()
		for _, b := range []*browser{w.browser(), w.browser().signIn()} {
			a := b.alone().raw(query)
			Expect(a.Status).To(Equal(status), a.Location)
			Expect(a.Location).To(BeEmpty())
			Expect(a.ErrorCode()).To(Equal(code))
			Expect(a.Text("error-title")).NotTo(BeEmpty())
			Expect(a.Text("error-text")).NotTo(BeEmpty())
		}
	}

	It("refuses two client_id or redirect_uri (RFC 6749 §3.1)", func() {
		refused(request().Encode()+"&client_id="+confidential, 400, "invalid_request")
		refused(request().Encode()+"&redirect_uri=https%3A%2F%2Fevil.example", 400, "invalid_request")
	})

	It("refuses an unknown client, and none (RFC 6749 §4.1.2.1)", func() {
		refused(request("client_id", "shop.nobody").Encode(), 400, "unknown_client")
		refused(request("client_id", "\x00\xf0\x9f\x92\xa9").Encode(), 400, "unknown_client")
		refused(request("client_id", "").Encode(), 400, "invalid_request")
		refused("", 400, "invalid_request")
	})

	It("refuses a client whose registration is not accepted, and says who can help", func() {
		w.Clients["shop.bad"] = nil
		refused(request("client_id", "shop.bad").Encode(), 400, "refused_client")
		Expect(w.browser().visit(request("client_id", "shop.bad")).Body).To(ContainSubstring("conditions of its OAuthClient"))
	})

	It("answers 503 when it cannot find out about the client, and keeps the reason to itself", func() {
		b := w.browser()
		w.Registry.Fault = worldtest.Away
		a := b.visit(request())
		Expect(a.Status).To(Equal(http.StatusServiceUnavailable))
		Expect(a.ErrorCode()).To(Equal("server_error"))
		Expect(a.Body).NotTo(ContainSubstring(worldtest.ErrAway.Error()))
		Expect(w.Log.String()).To(ContainSubstring(worldtest.ErrAway.Error()))
	})

	DescribeTable("refuses a redirect URI that differs in anything (RFC 6749 §3.1.2.3, RFC 9700 §2.1)",
		func(uri string) { refused(request("redirect_uri", uri).Encode(), 400, "invalid_redirect_uri") },
		Entry("case of the path", "https://shop.example/Callback"),
		Entry("case of the host", "https://SHOP.example/callback"),
		Entry("case of the scheme", "HTTPS://shop.example/callback"),
		Entry("trailing slash", "https://shop.example/callback/"),
		Entry("longer path", "https://shop.example/callback/more"),
		Entry("shorter path", "https://shop.example/"),
		Entry("dot segments", "https://shop.example/a/../callback"),
		Entry("query added", "https://shop.example/callback?next=1"),
		Entry("empty query added", "https://shop.example/callback?"),
		Entry("fragment added", "https://shop.example/callback#x"),
		Entry("default port", "https://shop.example:443/callback"),
		Entry("port", "https://shop.example:8443/callback"),
		Entry("userinfo", "https://shop.example@evil.example/callback"),
		Entry("userinfo in front", "https://user@shop.example/callback"),
		Entry("percent-encoding", "https://shop.example/%63allback"),
		Entry("other host", "https://evil.example/callback"),
		Entry("host as prefix", "https://shop.example.evil.example/callback"),
		Entry("backslash", `https://shop.example\@evil.example/callback`),
		Entry("plain http", "http://shop.example/callback"),
		Entry("no scheme", "//shop.example/callback"),
		Entry("script", "javascript:alert(1)//"),
		Entry("data", "data:text/html,<script>alert(1)</script>"),
		Entry("space behind", "https://shop.example/callback "),
		Entry("line break", "https://shop.example/callback\r\nX-Evil: 1"),
		Entry("NUL", "https://shop.example/callback\x00"),
		Entry("trailing dot", "https://shop.example./callback"),
		Entry("trailing dot and port", "https://shop.example.:443/callback"),
		Entry("encoded slash", "https://shop.example%2Fcallback"),
		Entry("encoded slash in the path", "https://shop.example/a%2F..%2Fcallback"),
		Entry("encoded traversal", "https://shop.example/a/%2e%2e/callback"),
		Entry("userinfo: localhost:80@evil", "http://localhost:80@evil.example/callback"),
		Entry("userinfo with an encoded @", "https://shop.example%40evil.example/callback"),
		Entry("IDN: full-width dot", "https://shop．example/callback"),
		Entry("IDN: ideographic dot", "https://shop。example/callback"),
		Entry("IDN: Cyrillic look-alike", "https://ѕhop.example/callback"),
		Entry("IDN: punycode look-alike", "https://xn--hop-5cd.example/callback"),
		Entry("IDN: soft hyphen", "https://sh\u00adop.example/callback"),
		Entry("IPv6", "https://[::1]/callback"),
		Entry("IPv6 with a zone", "https://[fe80::1%25shop.example]/callback"),
		Entry("wildcard", "https://*.example/callback"),
		Entry("wildcard in the path", "https://shop.example/*"),
	)

	DescribeTable("IPv6, IDN: refuses other spellings of a program on the device, whose port alone is open (RFC 8252 §7.3)",
		func(uri string) {
			refused(request("client_id", public, "redirect_uri", uri).Encode(), 400, "invalid_redirect_uri")
		},
		Entry("IPv6", "http://[::1]:8000/done"),
		Entry("IPv4 in IPv6", "http://[::ffff:127.0.0.1]:8000/done"),
		Entry("IPv4 in IPv6, in hexadecimal", "http://[::ffff:7f00:1]:8000/done"),
		Entry("IPv6 with a zone", "http://[::1%25lo]:8000/done"),
		Entry("two parts", "http://127.1:8000/done"),
		Entry("hexadecimal", "http://0x7f.1:8000/done"),
		Entry("octal", "http://0177.0.0.1:8000/done"),
		Entry("a number", "http://2130706433:8000/done"),
		Entry("full-width digits", "http://１２７.0.0.1:8000/done"),
		Entry("full-width dots", "http://127。0。0。1:8000/done"),
		Entry("a dot behind", "http://127.0.0.1.:8000/done"),
		Entry("localhost", "http://localhost:8000/done"),
		Entry("port as userinfo", "http://127.0.0.1:80@evil.example/done"),
		Entry("port as userinfo, and a port", "http://127.0.0.1:80@evil.example:80/done"),
		Entry("port in full-width digits", "http://127.0.0.1:８０/done"),
	)

	It("uses the only registered redirect URI when none is sent (RFC 6749 §3.1.2.3)", func() {
		a := w.browser().visit(request("redirect_uri", "", "scope", "email"))
		Expect(a.ByID("login")).NotTo(BeNil())
	})

	It("refuses none where several are registered, or for OpenID Connect (Core §3.1.2.1)", func() {
		refused(request("client_id", several, "redirect_uri", "", "scope", "email").Encode(), 400, "invalid_redirect_uri")
		refused(request("redirect_uri", "").Encode(), 400, "invalid_redirect_uri")
	})

	It("refuses a client that has registered none", func() {
		w.Change(confidential, func(c *registration.Client) { c.RedirectURIs = nil })
		a := w.browser().visit(request())
		Expect(a.Status).To(Equal(400))
		Expect(a.ErrorCode()).To(Equal("invalid_redirect_uri"))
	})

	It("refuses what it cannot read (RFC 6749 Appendix B)", func() {
		refused("client_id=%zz", 400, "invalid_request")
		refused(request().Encode()+"&x=%ff", 400, "invalid_request")
		refused(request("state", strings.Repeat("s", 20_000)).Encode(), 400, "invalid_request")
	})

	It("refuses other methods", func() {
		for _, method := range []string{"HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"} {
			a := w.browser().Do(method, w.Settings.Issuer+"/authorize?"+request().Encode(), "")
			Expect(a.Status).To(Equal(http.StatusMethodNotAllowed), method)
			Expect(a.Header.Get("Allow")).To(Equal("GET, POST"))
		}
		Expect(w.browser().Do("GET", w.Settings.Issuer+"/consent", "").Header.Get("Allow")).To(Equal("POST"))
		Expect(w.browser().Do("GET", w.Settings.Issuer+"/login", "").Header.Get("Allow")).To(Equal("POST"))
		Expect(w.browser().Do("POST", w.Settings.Issuer+"/continue", "a=b").Header.Get("Allow")).To(Equal("GET"))
	})

	It("shows a page as long as there are no keys", func() {
		w.Keys.Store(&keys.Set{})
		a := w.browser().visit(request())
		Expect(a.Status).To(Equal(http.StatusServiceUnavailable))
		Expect(a.ErrorCode()).To(Equal("temporarily_unavailable"))
	})

	It("shows a page when nobody can say who is logged in", func() {
		b := w.browser().signIn()
		w.Directory.Fault = worldtest.Away
		a := b.visit(request())
		Expect(a.Status).To(Equal(http.StatusServiceUnavailable))
		Expect(a.ErrorCode()).To(Equal("server_error"))
		Expect(a.Body).NotTo(ContainSubstring(worldtest.ErrAway.Error()))
	})
})
