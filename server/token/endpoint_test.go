package token_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

var _ = Describe("The token endpoint", func() {
	var w *world

	BeforeEach(func() { w = newWorld() })

	It("RFC 6749 §3.2: takes POST and nothing else", func() {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			r := w.request("team.web", pairs("grant_type", "authorization_code", "code", w.code("team.web"),
				"redirect_uri", callback, "code_verifier", verifier))
			r.Method = method
			a := w.do(r)
			expectError(a, http.StatusMethodNotAllowed, "invalid_request")
			Expect(a.Header.Get("Allow")).To(Equal("POST"))
		}
	})

	It("RFC 6749 §3.2: reads a form and nothing else", func() {
		for _, mediaType := range []string{"", "application/json", "multipart/form-data; boundary=x", "text/plain", ";;"} {
			r := w.request("team.job", pairs("grant_type", "client_credentials"))
			r.Header.Set("Content-Type", mediaType)
			expectError(w.do(r), http.StatusBadRequest, "invalid_request")
		}
	})

	It("RFC 6749 §3.2: accepts a charset beside the media type", func() {
		r := w.request("team.job", pairs("grant_type", "client_credentials"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
		Expect(w.do(r).Status).To(Equal(http.StatusOK))
	})

	It("RFC 6749 §3.2: does not read the query", func() {
		r := w.request("team.job", pairs())
		r.URL.RawQuery = "grant_type=client_credentials"
		expectError(w.do(r), http.StatusBadRequest, "invalid_request")

		r = w.request("team.job", pairs("grant_type", "client_credentials"))
		r.URL.RawQuery = "grant_type=password&scope=admin&client_id=team.web&%zz"
		Expect(w.do(r).Status).To(Equal(http.StatusOK))
	})

	It("RFC 6749 §2.3.1: does not take credentials from the query", func() {
		r := httptest.NewRequest("POST", "/token?"+pairs("client_id", "team.form", "client_secret", w.Secrets["team.form"]).Encode(),
			strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		expectError(w.do(r), http.StatusUnauthorized, "invalid_client")
	})

	It("RFC 6749 §3.2: refuses a parameter that is sent twice, known or not", func() {
		for _, name := range []string{"grant_type", "scope", "foo"} {
			form := pairs("grant_type", "client_credentials", "scope", "read", "foo", "bar")
			form.Add(name, form.Get(name))
			expectError(w.post("team.job", form), http.StatusBadRequest, "invalid_request")
		}
	})

	It("RFC 6749 §3.2: takes an empty parameter for omitted, and ignores what it does not know", func() {
		a := w.post("team.job", pairs("grant_type", "client_credentials", "scope", "", "scope", "", "audience", "x", "<script>", `"`))
		Expect(a.Status).To(Equal(http.StatusOK))
		expectError(w.post("team.job", pairs("grant_type", "")), http.StatusBadRequest, "invalid_request")
	})

	It("RFC 6749 §5.2: has an answer to each grant_type that it does not serve", func() {
		expectError(w.post("team.job", pairs("scope", "read")), http.StatusBadRequest, "invalid_request")
		for _, grantType := range []string{"password", "implicit", "AUTHORIZATION_CODE", "urn:ietf:params:oauth:grant-type:saml2-bearer", "\x00é\""} {
			a := w.post("team.job", pairs("grant_type", grantType))
			expectError(a, http.StatusBadRequest, "unsupported_grant_type")
			Expect(a.Raw).NotTo(ContainSubstring(grantType))
		}
	})

	It("RFC 6749 §5.2: unauthorized_client for a grant_type that the client is not registered for", func() {
		expectError(w.post("team.web", pairs("grant_type", "client_credentials")), http.StatusBadRequest, "unauthorized_client")
		expectError(w.redeem("team.job", w.code("team.job")), http.StatusBadRequest, "unauthorized_client")
		expectError(w.refresh("team.brief", "x"), http.StatusBadRequest, "unauthorized_client")
	})

	It("RFC 6749 §3.2.1: authenticates a confidential client with every grant", func() {
		for _, grantType := range []string{"authorization_code", "refresh_token", "client_credentials", oauth.GrantDeviceCode, oauth.GrantTokenExchange, "unheard-of"} {
			form := pairs("grant_type", grantType, "client_id", "team.web", "code", w.code("team.web"),
				"redirect_uri", callback, "code_verifier", verifier)
			a := w.do(w.request("", form))
			expectError(a, http.StatusUnauthorized, "invalid_client")
		}
	})

	It("RFC 6749 §5.2: answers a bad Authorization header with 401 and the scheme to use", func() {
		r := w.request("team.web", pairs("grant_type", "client_credentials"))
		r.SetBasicAuth("team.web", "wrong")
		a := w.do(r)
		expectError(a, http.StatusUnauthorized, "invalid_client")
		Expect(a.Header.Get("WWW-Authenticate")).To(Equal(`Basic realm="https://auth.example.com/main"`))
	})

	It("RFC 6749 §2.3.1: slows down who guesses, and never the client itself", func() {
		worldtest.ExpectGuessesSlowed(func() answer {
			r := w.request("team.job", pairs("grant_type", "client_credentials"))
			r.SetBasicAuth("team.job", "guess")
			return w.do(r)
		})
		Expect(w.post("team.job", pairs("grant_type", "client_credentials")).Status).To(Equal(http.StatusOK))
	})

	It("answers broken and hostile bodies with invalid_request", func() {
		for _, body := range []string{
			"grant_type=%zz", "%zz=1", "grant_type=%ff%fe", strings.Repeat("a=b&", 5000), "a=" + strings.Repeat("x", 1<<17),
		} {
			r := httptest.NewRequest("POST", "/token", strings.NewReader(body))
			r.Header = w.request("team.job", url.Values{}).Header
			expectError(w.do(r), http.StatusBadRequest, "invalid_request")
		}
	})

	It("answers server_error while there are no keys, and creates nothing", func() {
		code := w.code("team.web")
		set := w.Keys.Load()
		w.Keys.Store(&keys.Set{})
		expectError(w.post("team.job", pairs("grant_type", "client_credentials")), http.StatusInternalServerError, "server_error")
		w.Keys.Store(set)
		Expect(w.redeem("team.web", code).Status).To(Equal(http.StatusOK))
	})

	It("answers 503 while the store is away, logs why, and the code stays good", func() {
		code := w.code("team.web")
		w.Grants.Before = worldtest.Away
		worldtest.ExpectUnavailable(w.redeem("team.web", code))
		Expect(w.Log.String()).To(ContainSubstring(worldtest.ErrAway.Error()))
		w.Grants.Before = nil
		Expect(w.redeem("team.web", code).Status).To(Equal(http.StatusOK))
	})

	It("Fetch §3.3: lets scripts of other origins in, without cookies", func() {
		r := httptest.NewRequest("OPTIONS", "/token", nil)
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Access-Control-Request-Method", "POST")
		a := w.do(r)
		Expect(a.Status).To(Equal(http.StatusNoContent))
		Expect(a.Header.Get("Access-Control-Allow-Origin")).To(Equal("*"))
		Expect(a.Header.Get("Access-Control-Allow-Methods")).To(Equal("POST"))
		Expect(a.Header).NotTo(HaveKey("Access-Control-Allow-Credentials"))

		r = w.request("team.job", pairs("grant_type", "client_credentials"))
		r.Header.Set("Origin", "https://app.example.com")
		a = w.do(r)
		Expect(a.Status).To(Equal(http.StatusOK))
		Expect(a.Header.Get("Access-Control-Allow-Origin")).To(Equal("*"))
	})

	It("logs no secret, code or token", func() {
		code := w.code("team.web")
		first := w.redeem("team.web", code)
		second := w.refresh("team.web", first.Text("refresh_token"))
		w.redeem("team.web", code)
		w.refresh("team.web", second.Text("refresh_token"))
		Expect(w.Log.String()).To(ContainSubstring("misused"))
		for _, secret := range []string{
			code, verifier, w.Secrets["team.web"],
			first.Text("access_token"), first.Text("refresh_token"), first.Text("id_token"), second.Text("access_token"),
		} {
			Expect(secret).NotTo(BeEmpty())
			Expect(w.Log.String()).NotTo(ContainSubstring(secret))
		}
	})
})
