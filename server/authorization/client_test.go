package authorization_test

import (
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// What is wrong with the rest of a request is told to the client, by redirect,
// once the person is known.
var _ = Describe("Errors for the client", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser().signIn()
	})

	// told checks R(code): to the validated redirect URI, with the state and the
	// issuer (RFC 9207 §2), and with no code.
	told := func(query, code string) {
		GinkgoHelper()
		stranger := w.browser().raw(query)
		Expect(stranger.ByID("login")).NotTo(BeNil(), "RFC 9700 §4.11.2: the login comes before any redirect")

		a := b.raw(query)
		Expect(a.Status).To(Equal(303))
		Expect(a.Location).To(HavePrefix(callback + "?error="))
		Expect(a.Query.Get("error")).To(Equal(code), a.Query.Get("error_description"))
		Expect(a.Query.Get("error_description")).To(MatchRegexp(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`))
		Expect(a.Query["iss"]).To(Equal([]string{w.Settings.Issuer}))
		Expect(a.Query["state"]).To(Equal([]string{"xyz"}))
		Expect(a.Query).To(HaveLen(4), "OpenID Connect Core §3.1.2.6: and nothing else")
		Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
	}
	with := func(pairs ...string) string { return request(pairs...).Encode() }

	It("refuses a parameter sent twice, but resource (RFC 6749 §3.1, RFC 8707 §2)", func() {
		for _, name := range []string{"scope", "response_type", "nonce", "unknown", "code_challenge", "prompt"} {
			told(with(name, "a")+"&"+name+"=b", "invalid_request")
		}
		a := b.raw(with() + "&resource=" + calendarAPI + "&resource=" + filesAPI)
		Expect(a.ByID("consent")).NotTo(BeNil())
	})

	It("sends no state back when it was sent twice", func() {
		a := b.raw(with() + "&state=other")
		Expect(a.Query.Get("error")).To(Equal("invalid_request"))
		Expect(a.Query.Has("state")).To(BeFalse())
	})

	It("refuses a request without response_type (RFC 6749 §3.1.1)", func() {
		told(with("response_type", ""), "invalid_request")
		told(with("response_type", "")+"&response_type=", "invalid_request")
	})

	It("refuses response types that are not known", func() {
		for _, t := range []string{"token", "id_token", "code id_token", "id_token code", "CODE", "code code"} {
			told(with("response_type", t), "unsupported_response_type")
		}
	})

	It("refuses a client that may not use the code grant (RFC 6749 §4.1.2.1)", func() {
		w.Change(confidential, func(c *registration.Client) { c.ResponseTypes = nil })
		told(with(), "unauthorized_client")
		w.Change(confidential, func(c *registration.Client) {
			c.ResponseTypes = []string{"code"}
			c.GrantTypes = []string{oauth.GrantClientCredentials}
		})
		told(with(), "unauthorized_client")
	})

	It("refuses response modes other than query and form_post", func() {
		for _, mode := range []string{"fragment", "FORM_POST", "query.jwt"} {
			told(with("response_mode", mode), "invalid_request")
		}
		Expect(b.raw(with("response_mode", "query")).ByID("consent")).NotTo(BeNil())
	})

	It("refuses scopes that are malformed, unknown or not the client's (RFC 6749 §3.3)", func() {
		for _, scope := range []string{`openid "quoted"`, `back\slash`, "openid ümlaut", "openid\temail", "openid unknown", "openid admin", "OpenID"} {
			told(with("scope", scope), "invalid_scope")
		}
	})

	It("refuses a request without scope when there is no default (RFC 6749 §3.3)", func() {
		w.Change(confidential, func(c *registration.Client) { c.DefaultScope = nil })
		told(with("scope", ""), "invalid_scope")
		told(with("scope", "   "), "invalid_scope")
	})

	DescribeTable("refuses what is not S256 (RFC 7636 §4.3, §4.4.1, RFC 9700 §2.1.1)",
		func(challenge, method string) {
			query := with("code_challenge", challenge, "code_challenge_method", method)
			told(query, "invalid_request")
			Expect(b.raw(query).Query.Get("error_description")).To(ContainSubstring("code_challenge"), "§4.4.1: says what it is about")
		},
		Entry("plain", verifierS256, "plain"),
		Entry("no method, which means plain", verifierS256, ""),
		Entry("unknown method", verifierS256, "S512"),
		Entry("method in lower case", verifierS256, "s256"),
		Entry("method alone", "", "S256"),
		Entry("too short", verifierS256[1:], "S256"),
		Entry("too long", verifierS256+"A", "S256"),
		Entry("padded", verifierS256[1:]+"=", "S256"),
		Entry("base64 rather than base64url", "+"+verifierS256[1:], "S256"),
		Entry("none at all", "", ""),
	)

	It("lets a confidential client go without a challenge only with openid and a nonce (RFC 9700 §2.1.1)", func() {
		none := []string{"code_challenge", "", "code_challenge_method", ""}
		Expect(b.visit(request(append(none, "nonce", "n")...)).ByID("consent")).NotTo(BeNil())
		told(with(append(none, "nonce", "n", "scope", "email")...), "invalid_request")

		a := b.visit(request(append(none, "nonce", "n", "client_id", public, "redirect_uri", "http://127.0.0.1:7777/done")...))
		Expect(a.Query.Get("error")).To(Equal("invalid_request"))
		Expect(a.Location).To(HavePrefix("http://127.0.0.1:7777/done?error="))
	})

	It("refuses request objects and registration (OpenID Connect Core §3.1.2.6)", func() {
		told(with("request", "e30."), "request_not_supported")
		told(with("request_uri", "https://shop.example/r"), "request_uri_not_supported")
		told(with("registration", "{}"), "registration_not_supported")
	})

	It("refuses a max_age that is no number and a nonce that does not fit", func() {
		for _, age := range []string{"-1", "soon", "1.5", "99999999999999999999"} {
			told(with("max_age", age), "invalid_request")
		}
		told(with("nonce", strings.Repeat("n", 1025)), "invalid_request")
	})

	It("ignores what is not known and what is only a wish (RFC 6749 §3.1)", func() {
		a := b.visit(request("acr_values", "urn:x", "ui_locales", "de fr", "claims_locales", "de", "display", "popup", "claims", `{"id_token":{}}`,
			"vendor", "1", "prompt", "create"))
		Expect(a.ByID("consent")).NotTo(BeNil())
	})

	It("returns the state byte by byte, and none for an empty one (RFC 6749 §4.1.2, §3.1)", func() {
		for _, state := range []string{"&=%+ é", "a b+c%20", "\r\nSet-Cookie: evil=1\r\n\r\n<html>", "<script>alert(1)</script>", "#?/\\\"'\x00\x7f"} {
			a := b.visit(request("state", state, "scope", "nope"))
			Expect(a.Query["state"]).To(Equal([]string{state}))
			Expect(a.Location).NotTo(MatchRegexp(`[\r\n <>"]`))
			Expect(a.Header.Get("Set-Cookie")).To(BeEmpty())
		}
		a := b.raw(request("state", "", "scope", "nope").Encode() + "&state=")
		Expect(a.Query.Has("state")).To(BeFalse())
	})

	It("keeps the query of the registered redirect URI (RFC 6749 §3.1.2)", func() {
		a := b.visit(request("client_id", several, "redirect_uri", callback+"?tenant=a%2Fb&x=", "scope", "nope"))
		Expect(a.Location).To(HavePrefix(callback + "?tenant=a%2Fb&x=&error=invalid_scope&"))
	})

	It("answers a fault of its own with server_error or temporarily_unavailable (RFC 6749 §4.1.2.1)", func() {
		w.Directory.Fault = worldtest.Away
		a := b.visit(request("prompt", "none"))
		Expect(a.Query.Get("error")).To(Equal("server_error"))
		Expect(a.Location).NotTo(ContainSubstring(url.QueryEscape(worldtest.ErrAway.Error())))
		Expect(w.Log.String()).To(ContainSubstring(worldtest.ErrAway.Error()))
		w.Directory.Fault = nil

		ring := newRing(w.Now())
		var browserOnly keyring.Ring
		for _, k := range ring.Keys {
			if k.Use == keyring.UseBrowser {
				browserOnly.Keys = append(browserOnly.Keys, k)
			}
		}
		w.Keys.Store(worldtest.Compile(browserOnly))
		page := b.Login(b.visit(request()), "alice", "correct horse")
		a = b.Submit(page, "allow")
		Expect(a.Query.Get("error")).To(Equal("temporarily_unavailable"))
		Expect(a.Query.Get("state")).To(Equal("xyz"))
	})
})
