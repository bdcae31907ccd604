package introspection_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
)

var _ = Describe("A signed response", func() {
	var (
		w *world
		g grant.Grant
	)
	BeforeEach(func() {
		w = newWorld()
		g = w.grant(web)
	})
	ask := func(caller, token string, accept ...string) answer {
		r := w.request(caller, url.Values{"token": {token}})
		r.Header["Accept"] = accept
		return w.do(r)
	}
	const signed = "application/token-introspection+jwt"

	// open checks the signature with the published keys.
	open := func(a answer) (claims map[string]any) {
		GinkgoHelper()
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Header.Get("Content-Type")).To(Equal(signed))
		Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
		jws, err := jose.ParseSignedCompact(a.Raw, []jose.SignatureAlgorithm{jose.RS256})
		Expect(err).NotTo(HaveOccurred())
		Expect(jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType]).To(Equal("token-introspection+jwt"))
		set := w.Keys.Load().Public(w.Now())
		payload, err := jws.Verify(set.Key(jws.Signatures[0].Protected.KeyID)[0])
		Expect(err).NotTo(HaveOccurred())
		Expect(json.Unmarshal(payload, &claims)).To(Succeed())
		return claims
	}

	It("RFC 9701 §5: is for the caller, with the answer inside, and nothing that another kind of token has", func() {
		token := w.AccessToken(g, calendarAPI)
		claims := open(ask(calendar, token, signed))
		plain := expectActive(w.introspect(calendar, token))
		Expect(claims).To(Equal(map[string]any{
			"iss": "https://auth.example.com", "aud": calendar, "iat": float64(w.Now().Unix()), "token_introspection": plain,
		}), "no exp and no sub")
	})

	It("RFC 9701 §5: says of a token that is not active, or not for the caller, that and nothing else", func() {
		inactive := map[string]any{"active": false}
		Expect(open(ask(files, w.AccessToken(g, calendarAPI), signed))["token_introspection"]).To(Equal(inactive))
		Expect(open(ask(web, "x", signed))["token_introspection"]).To(Equal(inactive))
		token := w.AccessToken(g)
		w.Advance(time.Hour)
		Expect(open(ask(web, token, signed))["token_introspection"]).To(Equal(inactive))
	})

	It("RFC 9701 §8.1: is taken for no other kind of token", func() {
		response := ask(web, w.AccessToken(g), signed).Raw
		_, err := accesstoken.Read(w.Settings, w.Keys.Load(), response, w.Now())
		Expect(err).To(MatchError(accesstoken.ErrInvalid))
		_, err = accesstoken.ReadHint(w.Settings, w.Keys.Load(), response, w.Now())
		Expect(err).To(MatchError(accesstoken.ErrHint))
		expectInactive(w.introspect(web, response))
	})

	It("RFC 9701 §4: errors stay JSON", func() {
		a := ask(app, w.AccessToken(g), signed)
		expectError(a, 401, "invalid_client")
		Expect(a.Header.Get("Content-Type")).To(Equal("application/json"))
	})

	DescribeTable("RFC 9701 §4, RFC 9110 §12.5.1: is made for", func(yes bool, accept ...string) {
		a := ask(web, "x", accept...)
		want := "application/json"
		if yes {
			want = signed
		}
		Expect(a.Header.Get("Content-Type")).To(Equal(want))
	},
		Entry("its media type", true, signed),
		Entry("its media type in capitals", true, "Application/Token-Introspection+JWT"),
		Entry("its media type among others", true, "text/html, "+signed+";q=0.5, */*;q=0.1"),
		Entry("its media type in a second header", true, "text/html", signed),
		Entry("its media type as good as JSON", true, "application/json, "+signed),
		Entry("not where JSON is liked better", false, "application/json, "+signed+";q=0.9"),
		Entry("not where it is refused", false, signed+";q=0"),
		Entry("not where the weight is none", false, signed+";q=x", signed+";q=NaN", signed+";q=2", signed+";q=-1"),
		Entry("not for a wildcard", false, "*/*", "application/*"),
		Entry("not for JSON", false, "application/json"),
		Entry("not for nothing", false),
	)
})
