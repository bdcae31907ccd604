package protocoltest_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// brokenRequests misread authorization requests.
func brokenRequests() []mutation {
	asked := func(name, value string) func(http.Handler) http.Handler {
		return query("/authorize", func(v url.Values) { v.Set(name, value) })
	}
	without := func(name string) func(http.Handler) http.Handler {
		return query("/authorize", func(v url.Values) { v.Del(name) })
	}
	const core = "OpenID Connect Core §"
	return []mutation{
		{"GET is not answered", "RFC 6749 §3.1-a GET", denies("/authorize", http.MethodGet)},
		{"POST is not answered", core + "3.1.2.1-POST", denies("/authorize", http.MethodPost)},
		{"an empty parameter has a value", "RFC 6749 §3.1-d prompt", query("/authorize", func(v url.Values) {
			if v.Has("max_age") && v.Get("max_age") == "" {
				v.Set("max_age", "x")
			}
		})},
		{"an unknown parameter is an error", "RFC 6749 §3.1-e", query("/authorize", func(v url.Values) {
			if v.Has("x_unknown") {
				v.Del("response_type")
			}
		})},
		{"nobody's request is redirected", "RFC 6749 §3.1.2.4-no client", says("/authorize", func(rec *httptest.ResponseRecorder) {
			if rec.Code == http.StatusBadRequest {
				rec.Code = http.StatusSeeOther
				rec.Header().Set("Location", webCallback+"?error=invalid_request")
			}
		})},
		{"who refuses is not heard", "RFC 6749 §4.1.2.1-a access_denied", location(func(v url.Values) {
			if v.Get("error") == "access_denied" {
				v.Del("error")
				v.Set("code", "x")
			}
		})},
		{"pages repeat the redirect_uri", "RFC 6749 §10.14-redirect_uri", words("/authorize", "&lt;script&gt;", "<script>")},
		{"the state makes a header", "RFC 6749 §10.14-state", header("/", "X-Injected", "1")},
		{"a long request is a fault", "RFC 6749 §10-long request", faults("/authorize")},
		{"a relative resource is overlooked", "RFC 8707 §2-relative", without("resource")},
		{"a resource with a fragment is overlooked", "RFC 8707 §2-fragment", without("resource")},
		{"the resource is overlooked", "RFC 8707 §2-granted", without("resource")},
		{"an ID token is code", "RFC 9700 §2.1.2-id_token", asked("response_type", "code")},
		{"a code and a token are code", "RFC 9700 §2.1.2-code token", asked("response_type", "code")},
		{"none counts, whatever else", core + "3.1.2.1-prompt=none login", asked("prompt", "none")},
		{"an unknown claim is an error", core + "5.5-voluntary", asked("claims", "x")},
		{"malformed claims are overlooked", core + "5.5-malformed", without("claims")},
		{"the sub of claims is overlooked", core + "5.5.1-sub", without("claims")},
		{"no hint is good", core + "3.1.2.1-id_token_hint", asked("id_token_hint", "x")},
		{"a changed hint is overlooked", core + "3.1.2.1-id_token_hint changed", without("id_token_hint")},
		{"the answer is in the URL", "Form Post Response Mode §2", without("response_mode")},
		{"a link logs people out", "RP-Initiated Logout §2-confirm", loggedOut},
	}
}

// brokenGrants misread token requests.
func brokenGrants() []mutation {
	const rfc = "RFC 6749 §"
	used := map[string]bool{}
	return []mutation{
		{"Basic is not decoded", rfc + "2.3.1-b encoded", asks("/token", func(e *exchange) {
			if id, secret, ok := e.r.BasicAuth(); ok {
				e.r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
			}
		})},
		{"a code is used up by who cannot authenticate", rfc + "2.3.1-d", asks("/token", func(e *exchange) {
			if code := e.body.Get("code"); used[code] {
				e.body.Set("code", "x")
			} else {
				used[code] = true
			}
		})},
		{"an unknown parameter is an error", rfc + "3.2-b unknown", asks("/token", func(e *exchange) {
			for name := range e.body {
				if strings.HasPrefix(name, "x") {
					e.body.Del("grant_type")
				}
			}
		})},
		{"JSON is a fault", rfc + "3.2-c JSON", faults("/token")},
		{"a charset is an error", rfc + "3.2-c charset", asks("/token", func(e *exchange) {
			if strings.Contains(e.r.Header.Get("Content-Type"), "charset") {
				e.r.Header.Set("Content-Type", "text/plain")
			}
		})},
		{"a public client need not say who it is", rfc + "3.2.1-b missing", replays("/token", always)},
		{"no code is good", rfc + "4.1.3-a missing", replays("/token", grantType("authorization_code"))},
		{"errors are kept", rfc + "5.1-b error", header("/token", "Cache-Control", "")},
		{"a missing grant_type is another error", rfc + "5.2-c grant_type", words("/token", "invalid_request", "invalid_grant")},
		{"an unknown grant_type is another error", rfc + "5.2-c unsupported", words("/token", "unsupported_grant_type", "invalid_request")},
		{"no refresh token is good", rfc + "6-a", asks("/token", func(e *exchange) {
			if e.body.Get("grant_type") == "refresh_token" {
				e.body.Set("refresh_token", "x")
			}
		})},
		{"a missing refresh token is another error", rfc + "6-d missing", words("/token", "invalid_request", "invalid_grant")},
		{"many parameters are a fault", rfc + "10-many parameters", faults("/token")},
		{"a long body is a fault", rfc + "10-long body", faults("/token")},
		{"no verifier is good", "RFC 7636 §4.6-S256", set("code_verifier", "x")},
		{"anybody revokes", "RFC 7009 §2.1-other", asks("/revoke", authentic)},
	}
}

// brokenAnswers say other things than they should.
func brokenAnswers() []mutation {
	logins := 0
	return []mutation{
		{"the name of the scheme counts in one case", "RFC 6750 §2.1-case", asks("/userinfo", func(e *exchange) {
			if !strings.HasPrefix(e.r.Header.Get("Authorization"), "Bearer ") {
				e.r.Header.Del("Authorization")
			}
		})},
		{"userinfo answers no POST", "OpenID Connect Core §5.3.1-POST", denies("/userinfo", http.MethodPost)},
		{"introspection answers GET", "RFC 7662 §2.1-GET", says("/introspect", func(rec *httptest.ResponseRecorder) {
			rec.Code, rec.Body = http.StatusOK, bytes.NewBufferString(`{"active":false}`)
		})},
		{"a good token is not active", "RFC 7662 §2.2-active", words("/introspect", `"active":true`, `"active":false`)},
		{"anybody learns of a token", "RFC 7662 §4-other", asks("/introspect", authentic)},
		{"the metadata are elsewhere", "RFC 8414 §3.1-place", faults("/.well-known/oauth-authorization-server")},
		{"an endpoint has no TLS", "RFC 8414 §2-https", words("/.well-known/", `"token_endpoint":"https://`, `"token_endpoint":"http://evil.example/`)},
		{"access tokens are of another type", "RFC 9068 §2.1-typ", rewrites("access_token", 0, "at.jwt", func() string { return "JWT" })},
		{"access tokens have no jti", "RFC 9068 §2.2-claims", rewrites("access_token", 1, `"jti":`, func() string { return `"x":` })},
		{"ID tokens have no auth_time", "OpenID Connect Core §2-auth_time", rewrites("id_token", 1, `"auth_time":`, func() string { return `"x":` })},
		{"a refresh is a login", "OpenID Connect Core §12.2-refresh", rewrites("id_token", 1, `"auth_time":`, func() string {
			logins++
			return `"auth_time":` + strconv.Itoa(logins) + `,"x":`
		})},
	}
}

// denies answers one method with 405.
func denies(path, method string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, path) && r.Method == method {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// faults makes every answer of a path a fault of the server's.
func faults(path string) func(http.Handler) http.Handler {
	return says(path, func(rec *httptest.ResponseRecorder) {
		rec.Code = http.StatusInternalServerError
		rec.Header().Del("Location")
	})
}

// loggedOut forgets who is logged in once the logout was asked for.
func loggedOut(next http.Handler) http.Handler {
	out := false
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if out && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/authorize") {
			r.Header.Del("Cookie")
			out = false
		}
		out = out || strings.HasSuffix(r.URL.Path, "/logout")
		next.ServeHTTP(w, r)
	})
}

// rewrites changes the header (0) or the claims (1) of tokens; their signature is
// worth nothing then.
func rewrites(name string, part int, old string, instead func() string) func(http.Handler) http.Handler {
	token := regexp.MustCompile(`"` + name + `":"([^."]+\.[^."]+\.[^."]*)"`)
	change := regexp.MustCompile(old)
	return says("/token", func(rec *httptest.ResponseRecorder) {
		body := token.ReplaceAllStringFunc(rec.Body.String(), func(found string) string {
			parts := strings.Split(token.FindStringSubmatch(found)[1], ".")
			raw, _ := base64.RawURLEncoding.DecodeString(parts[part])
			parts[part] = base64.RawURLEncoding.EncodeToString([]byte(change.ReplaceAllString(string(raw), instead())))
			return `"` + name + `":"` + strings.Join(parts, ".") + `"`
		})
		rec.Body = bytes.NewBufferString(body)
	})
}
