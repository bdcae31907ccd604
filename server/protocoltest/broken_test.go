package protocoltest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/protocoltest"
)

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 Appendix B

func mutations() []mutation {
	return slices.Concat(brokenAuthentication(), brokenAuthorization(), brokenRedirects(), brokenTokens(), brokenRest(), brokenAssertions(), brokenExchange(), brokenDevices(),
		brokenRequests(), brokenGrants(), brokenAnswers(), brokenSecretly(), brokenFurther(), brokenFurtherTokens())
}

func brokenAuthentication() []mutation {
	return []mutation{
		{"a client_id is enough", "RFC 6749 §2.2-a", asks("/token", webOnly)},
		{"one of two authentications counts", "RFC 6749 §2.3-b", asks("/token", webOnly)},
		{"any method authenticates", "RFC 6749 §2.3-c", asks("/token", webOnly)},
		{"the name of the scheme counts in one case", "RFC 6749 §2.3.1-a", asks("/token", func(e *exchange) {
			if !strings.HasPrefix(e.r.Header.Get("Authorization"), "Basic ") {
				e.r.Header.Del("Authorization")
			}
		})},
		{"bad base64 authenticates", "RFC 6749 §2.3.1-b base64", asks("/token", authentic)},
		{"bad base64 is a fault", "RFC 6749 §2.3.1-b base64", status("/token", 401, 500)},
		{"no colon authenticates", "RFC 6749 §2.3.1-b colon", asks("/token", authentic)},
		{"a bad escape authenticates", "RFC 6749 §2.3.1-b escape", asks("/token", authentic)},
		{"a wrong secret authenticates", "RFC 6749 §2.3.1-wrong", asks("/token", authentic)},
		{"the secret is taken from the URL", "RFC 6749 §2.3.1-c", asks("/token", func(e *exchange) {
			if e.r.URL.Query().Has("client_secret") {
				authentic(e)
			}
		})},
		{"another client_id than that of the header is overlooked", "RFC 6749 §2.3.1-f", asks("/token", func(e *exchange) { e.body.Del("client_id") })},
		{"a refresh needs no secret", "RFC 6749 §3.2.1-a", asks("/token", webOnly)},
		{"the challenge is missing", "RFC 6749 §5.2-b", header("/token", "WWW-Authenticate", "")},
		{"the challenge is of another scheme", "RFC 6749 §5.2-b", header("/token", "WWW-Authenticate", "Bearer")},
		{"revocation authenticates nobody", "RFC 7009 §2.1-authentication", asks("/revoke", webOnly)},
		{"introspection authenticates nobody", "RFC 7662 §2.1-authentication", asks("/introspect", authentic)},
	}
}

func brokenAuthorization() []mutation {
	return []mutation{
		{"the first of two client_id counts", "RFC 6749 §3.1-f client_id", query("/authorize", first)},
		{"the first of two redirect_uri counts", "RFC 6749 §3.1-f redirect_uri", query("/authorize", first)},
		{"the first of two parameters counts", "RFC 6749 §3.1-f", query("/authorize", first)},
		{"an empty state comes back", "RFC 6749 §3.1-d state", location(func(v url.Values) {
			if !v.Has("state") {
				v.Set("state", "")
			}
		})},
		{"a missing response_type is code", "RFC 6749 §3.1.1-a missing", query("/authorize", func(v url.Values) { v.Set("response_type", "code") })},
		{"an unknown response_type is code", "RFC 6749 §3.1.1-a unknown", query("/authorize", func(v url.Values) { v.Set("response_type", "code") })},
		{"the implicit grant is code", "RFC 9700 §2.1.2-token", query("/authorize", func(v url.Values) { v.Set("response_type", "code") })},
		{"a bad scope is left out", "RFC 6749 §3.3-a", query("/authorize", func(v url.Values) { v.Set("scope", "openid") })},
		{"an unknown scope is left out", "RFC 6749 §3.3-a unknown", query("/authorize", func(v url.Values) { v.Set("scope", "openid") })},
		{"the state is changed", "RFC 6749 §4.1.2-d", location(func(v url.Values) { v.Set("state", strings.ToLower(v.Get("state"))+"x") })},
		{"the state is missing in errors", "RFC 6749 §4.1.2-d error", location(func(v url.Values) {
			if v.Has("error") {
				v.Del("state")
			}
		})},
		{"iss is missing", "RFC 9207 §2-success", location(func(v url.Values) { v.Del("iss") })},
		{"iss has a slash more", "RFC 9207 §2-success", location(func(v url.Values) { v.Set("iss", v.Get("iss")+"/") })},
		{"iss is missing in errors", "RFC 9207 §2-error", location(func(v url.Values) {
			if v.Has("error") {
				v.Del("iss")
			}
		})},
		{"a forwarded host makes another issuer", "RFC 9700 §4.13-host", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if host := r.Header.Get("X-Forwarded-Host"); host != "" {
					next = words("/.well-known/", `"issuer":"https://`, `"issuer":"https://`+host+"/")(next)
				}
				next.ServeHTTP(w, r)
			})
		}},
		{"the flag of iss is missing", "RFC 9207 §3-flag", words("/.well-known/", "iss_parameter_supported", "x")},
		{"307 after a form", "RFC 9700 §4.12-303", status("/", 303, 307)},
		{"302 after a form", "RFC 9700 §4.12-303", status("/", 303, 302)},
		{"scripts of others may authorize", "RFC 9700 §2.1-CORS", header("/authorize", "Access-Control-Allow-Origin", "*")},
		{"a token is in the URL", "RFC 9700 §4.3.1-token in URL", location(func(v url.Values) { v.Set("access_token", "x") })},
		{"prompt=login is overlooked", "OpenID Connect Core §3.1.2.1-prompt=login", query("/authorize", func(v url.Values) { v.Del("prompt") })},
		{"max_age is overlooked", "OpenID Connect Core §3.1.2.1-max_age", query("/authorize", func(v url.Values) { v.Del("max_age") })},
		{"prompt=none shows a page", "OpenID Connect Core §3.1.2.1-prompt=none", query("/authorize", func(v url.Values) { v.Del("prompt") })},
		{"request is overlooked", "OpenID Connect Core §3.1.2.6-request", query("/authorize", func(v url.Values) { v.Del("request") })},
		{"request_uri is overlooked", "OpenID Connect Core §3.1.2.6-request_uri", query("/authorize", func(v url.Values) { v.Del("request_uri") })},
		{"a resource is overlooked", "RFC 8707 §2-unknown", query("/authorize", func(v url.Values) { v.Del("resource") })},
		{"a missing code_challenge is overlooked", "RFC 7636 §4.4.1-missing", query("/authorize", s256)},
		{"plain is taken", "RFC 7636 §4.3-plain", query("/authorize", s256)},
		{"no method is S256", "RFC 7636 §4.3-absent", query("/authorize", s256)},
		{"an unknown method is S256", "RFC 7636 §4.4.1-method", query("/authorize", s256)},
		{"one browser's cookies count for all", "RFC 6749 §10.12-login", shared},
		{"anybody gets a code", "RFC 6749 §3.1-b", sendsOn("code=x")},
		{"errors are told before the login", "RFC 9700 §4.11.2-login", sendsOn("error=invalid_scope")},
		{"the login page can be framed", "RFC 6749 §10.13-login", unframed},
		{"the error page can be framed", "RFC 6749 §10.13-error", unframed},
	}
}

// sendsOn answers authorization requests without asking who is there.
func sendsOn(query string) func(http.Handler) http.Handler {
	return says("/authorize", func(rec *httptest.ResponseRecorder) {
		rec.Code = http.StatusSeeOther
		rec.Header().Set("Location", webCallback+"?"+query)
	})
}

// shared gives every browser the cookies of the last one, and overlooks where
// forms come from.
func shared(next http.Handler) http.Handler {
	var last []*http.Cookie
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, header := range []string{"Origin", "Sec-Fetch-Site", "Cookie"} {
			r.Header.Del(header)
		}
		for _, cookie := range last {
			r.AddCookie(cookie)
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		for _, cookie := range rec.Result().Cookies() {
			last = append(slices.DeleteFunc(last, func(c *http.Cookie) bool { return c.Name == cookie.Name }), cookie)
		}
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

func s256(v url.Values) {
	v.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
	v.Set("code_challenge_method", "S256")
}

func unframed(h http.Handler) http.Handler {
	return header("/", "Content-Security-Policy", "")(header("/", "X-Frame-Options", "")(h))
}

// brokenRedirects is one broken comparison for every way to differ.
func brokenRedirects() []mutation {
	var all []mutation
	for _, c := range protocoltest.Cases() {
		if c.Document == "RFC 6749" && c.Section == "3.1.2.3" {
			all = append(all, mutation{"any redirect_uri is redirected to", c.ID(), lenient(func(string) bool { return true })})
		}
	}
	return append(all,
		mutation{"redirect URIs are compared by their beginning", "RFC 6749 §3.1.2.3-b a path below", lenient(func(s string) bool { return strings.HasPrefix(s, webCallback) })},
		mutation{"redirect URIs are compared by their host", "RFC 6749 §3.1.2.3-b the path in capitals", lenient(func(s string) bool { return strings.HasPrefix(s, "https://app.example.com/") })},
		mutation{"redirect URIs are compared without regard to case", "RFC 6749 §3.1.2.3-b the host in capitals", lenient(func(s string) bool { return strings.EqualFold(s, webCallback) })},
		mutation{"an unknown client is redirected", "RFC 6749 §3.1.2.4-client", says("/authorize", func(rec *httptest.ResponseRecorder) {
			if rec.Code == http.StatusBadRequest {
				rec.Code = http.StatusSeeOther
				rec.Header().Set("Location", webCallback+"?error=invalid_request")
			}
		})},
		mutation{"the port of a loopback URI counts", "RFC 8252 §7.3-port", says("/authorize", func(rec *httptest.ResponseRecorder) {
			rec.Header().Del("Location")
			rec.Code = http.StatusBadRequest
		})},
		mutation{"the path of a loopback URI is free", "RFC 8252 §7.3-path", lenient(func(s string) bool { return strings.HasSuffix(s, "/donex") })},
		mutation{"the host of a loopback URI counts by its beginning", "RFC 8252 §7.3-host", lenient(func(s string) bool { return strings.HasPrefix(s, "http://127.0.0.1") })},
		mutation{"userinfo is taken for a host", "RFC 8252 §8.3-userinfo", lenient(func(s string) bool { return strings.HasPrefix(s, "http://127.0.0.1") })},
	)
}

func brokenTokens() []mutation {
	onCode, onRefresh := grantType("authorization_code"), grantType("refresh_token")
	return []mutation{
		{"a code is good twice", "RFC 6749 §4.1.2-b", replays("/token", onCode)},
		{"a code is good for many at once", "RFC 6749 §4.1.2-b parallel", replays("/token", onCode)},
		{"any code is good", "RFC 6749 §4.1.3-a unknown", replays("/token", onCode)},
		{"the code of another client is good", "RFC 6749 §4.1.3-a other", replays("/token", onCode)},
		{"the code of another is good for a public client", "RFC 6749 §3.2.1-b other", replays("/token", onCode)},
		{"any redirect_uri redeems", "RFC 6749 §4.1.3-b different", set("redirect_uri", webCallback)},
		{"no redirect_uri redeems", "RFC 6749 §4.1.3-b missing", set("redirect_uri", webCallback)},
		{"any verifier redeems", "RFC 7636 §4.6-wrong", set("code_verifier", verifier)},
		{"no verifier redeems", "RFC 7636 §4.6-missing", set("code_verifier", verifier)},
		{"the challenge redeems", "RFC 7636 §4.6-challenge", set("code_verifier", verifier)},
		{"a short verifier redeems", "RFC 7636 §4.1-short", replays("/token", onCode)},
		{"a verifier without a challenge is overlooked", "RFC 9700 §4.8.2-downgrade", query("/authorize", s256)},
		{"the first of two parameters counts", "RFC 6749 §3.2-b twice", asks("/token", func(e *exchange) { first(e.body) })},
		{"the query is read", "RFC 6749 §3.2-c query", asks("/token", func(e *exchange) {
			if q := e.r.URL.Query(); q.Has("grant_type") {
				e.body = q
			}
		})},
		{"GET gives tokens", "RFC 6749 §3.2-a GET", asks("/token", func(e *exchange) {
			if e.r.Method == http.MethodGet {
				e.r.Method, e.body = http.MethodPost, e.r.URL.Query()
				e.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
		})},
		{"PUT gives tokens", "RFC 6749 §3.2-a PUT", asks("/token", func(e *exchange) { e.r.Method = http.MethodPost })},
		{"the password grant is there", "RFC 9700 §2.4-password", replays("/token", grantType("password"))},
		{"a public client gets tokens of its own", "RFC 6749 §4.4-public", replays("/token", always)},
		{"client credentials come with a refresh token", "RFC 6749 §4.4.3-refresh", words("/token", `"token_type"`, `"refresh_token":"x","token_type"`)},
		{"tokens are kept", "RFC 6749 §5.1-b", header("/token", "Cache-Control", "")},
		{"old caches keep tokens", "RFC 6749 §5.1-b", header("/token", "Pragma", "")},
		{"expires_in is a string", "RFC 6749 §5.1-a", words("/token", `"expires_in":60`, `"expires_in":"60"`)},
		{"errors are text", "RFC 6749 §5.2-a", header("/token", "Content-Type", "text/plain")},
		{"errors repeat what was sent", "RFC 6749 §5.2-d", words("/token", `"error_description":"`, `"error_description":"\"<script>`)},
		{"the refresh token of another is good", "RFC 6749 §6-a other", replays("/token", onRefresh)},
		{"any refresh token is good", "RFC 6749 §6-d", replays("/token", onRefresh)},
		{"a wider scope is left out", "RFC 6749 §6-b", asks("/token", func(e *exchange) { e.body.Del("scope") })},
		{"a narrow refresh narrows for good", "RFC 6749 §6-c", asks("/token", func(e *exchange) {
			if e.body.Get("grant_type") == "refresh_token" {
				e.body.Set("scope", "openid")
			}
		})},
		{"refresh tokens are not rotated", "RFC 9700 §4.14.2-reuse", replays("/token", onRefresh)},
		{"the nonce is missing", "OpenID Connect Core §3.1.3.7-ID token", query("/authorize", func(v url.Values) { v.Del("nonce") })},
	}
}

func brokenRest() []mutation {
	return []mutation{
		{"userinfo has no challenge", "RFC 6750 §3-none", header("/userinfo", "WWW-Authenticate", "")},
		{"a bare challenge has an error", "RFC 6750 §3-none", header("/userinfo", "WWW-Authenticate", `Bearer error="invalid_token"`)},
		{"a bad token is good", "RFC 6750 §3.1-invalid_token", status("/userinfo", 401, 200)},
		{"a forged token is good", "RFC 6750 §3.1-signature", status("/userinfo", 401, 200)},
		{"a token that was sent twice is good", "RFC 6750 §2-two", asks("/userinfo", func(e *exchange) { e.body.Del("access_token") })},
		{"a token in the URL is good", "RFC 6750 §2.3-query", asks("/userinfo", func(e *exchange) {
			if t := e.r.URL.Query().Get("access_token"); t != "" {
				e.r.Header.Set("Authorization", "Bearer "+t)
			}
			e.r.URL.RawQuery = ""
		})},
		{"an ID token is good as an access token", "RFC 9068 §5-ID token", status("/userinfo", 401, 200)},
		{"what was revoked with the code is good", "RFC 6749 §4.1.2-b revoked", status("/userinfo", 401, 200)},
		{"userinfo is of another", "OpenID Connect Core §5.3.2-sub", words("/userinfo", `"sub":"`, `"sub":"x`)},
		{"the issuer has a slash more", "RFC 8414 §3.3-issuer", words("/.well-known/", `","authorization_endpoint"`, `/","authorization_endpoint"`)},
		{"PKCE is not listed", "RFC 8414 §2-S256", words("/.well-known/", "S256", "plain")},
		{"an empty list", "RFC 8414 §3.2-empty", words("/.well-known/", `{"issuer"`, `{"x":[],"issuer"`)},
		{"a private key is published", "RFC 8414 §2-keys", words("/jwks", `"kty":`, `"d":"x","kty":`)},
		{"two keys of one name", "RFC 8414 §2-keys", words("/jwks", `"kid":`, `"kid":"x","x":`)},
		{"none authenticates", "RFC 8414 §2-none", words("/.well-known/", `auth_signing_alg_values_supported":[`, `auth_signing_alg_values_supported":["none",`)},
		{"an unknown token cannot be revoked", "RFC 7009 §2.2-unknown", status("/revoke", 200, 400)},
		{"revocation does nothing", "RFC 7009 §2.1-refresh", asks("/revoke", func(e *exchange) { e.body.Set("token", "x") })},
		{"revocation leaves access tokens", "RFC 7009 §2.1-access", status("/userinfo", 401, 200)},
		{"an unknown token is active", "RFC 7662 §2.2-unknown", words("/introspect", "false", "true")},
		{"more than active is said", "RFC 7662 §2.2-unknown", words("/introspect", "false", `false,"sub":"x"`)},
		{"pages send a referrer", "RFC 9700 §4.2.4-referrer", header("/authorize", "Referrer-Policy", "")},
		{"pages repeat what was sent", "RFC 6749 §10.14-client_id", words("/authorize", "&lt;script&gt;", "<script>")},
		{"the login page repeats what was sent", "RFC 6749 §10.14-login_hint", words("/", "&lt;script&gt;", "<script>")},
		{"an error page leads on", "RFC 6749 §10.15-error", words("/authorize", "<h1", `<a href="https://evil.example/">on</a><h1`)},
		{"logout leads anywhere", "RP-Initiated Logout §3-redirect", header("/logout", "Location", "https://evil.example/after")},
	}
}

// notOffered are the documents that the server does not support.
var notOffered = []string{"RFC 9126", "RFC 9449"}

var _ = Describe("A server that is broken in one thing", func() {
	It("is there for every case of what the server supports", func() {
		caught := map[string]bool{}
		for _, m := range mutations() {
			caught[m.caught] = true
		}
		for _, c := range protocoltest.Cases() {
			if !slices.Contains(notOffered, c.Document) {
				Expect(caught).To(HaveKey(c.ID()))
			}
		}
	})

	It("has one for at least the fifty clauses that matter most", func() {
		clauses := map[string]bool{}
		for _, m := range mutations() {
			clauses[m.caught] = true
		}
		Expect(len(clauses)).To(BeNumerically(">=", 50))
	})

	for _, m := range mutations() {
		It(m.caught+" sees that "+m.breaks, func(ctx SpecContext) {
			index := slices.IndexFunc(protocoltest.Cases(), func(c protocoltest.Case) bool { return c.ID() == m.caught })
			Expect(index).To(BeNumerically(">=", 0), "there is no such case")
			one := protocoltest.Cases()[index : index+1]
			world := newWorld()
			sound := protocoltest.Run(ctx, world.config, one)[0]
			Expect(sound.Outcome).To(Equal(protocoltest.Pass), sound.Reason)
			world.stand(m.before)
			broken := protocoltest.Run(ctx, world.config, one)[0]
			Expect(broken.Outcome).To(Equal(protocoltest.Fail), "%s", broken.Reason)
			Expect(broken.Reason).NotTo(BeEmpty())
			GinkgoWriter.Println(broken.Reason)
		})
	}
})
