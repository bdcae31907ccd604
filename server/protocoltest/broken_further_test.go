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
	"sync"
)

// brokenFurther is broken where a browser sees it.
func brokenFurther() []mutation {
	const rfc, core, rp = "RFC 6749 §", "OpenID Connect Core §", "RP-Initiated Logout §"
	when := func(name string, change func(url.Values)) func(http.Handler) http.Handler {
		return query("/authorize", func(v url.Values) {
			if v.Has(name) {
				change(v)
			}
		})
	}
	ends := func(with string) func(http.Handler) http.Handler {
		return says("", func(rec *httptest.ResponseRecorder) {
			if at := rec.Header().Get("Location"); strings.HasPrefix(at, webCallback) {
				rec.Header().Set("Location", strings.Replace(at, webCallback, webCallback+with, 1))
			}
		})
	}
	return []mutation{
		{"codes are sent to an address that begins like the client's", rfc + "3.1-a GET", ends(".evil")},
		{"errors are sent to an address that begins like the client's", rfc + "3.1.1-a missing", ends(".evil")},
		{"tokens are in a fragment", "RFC 9700 §2.1.2-token", says("", func(rec *httptest.ResponseRecorder) {
			if at := rec.Header().Get("Location"); strings.HasPrefix(at, webCallback) {
				rec.Header().Set("Location", at+"#access_token=x")
			}
		})},
		{"a request without scope is another error", rfc + "3.3-c", query("/authorize", func(v url.Values) {
			if !v.Has("scope") {
				v.Set("response_type", "x")
			}
		})},
		{"the default scope is not said", rfc + "3.3-c", words("/token", `"scope":`, `"x":`)},
		{"a public client needs nobody's consent", rfc + "10.2-silent", location(func(v url.Values) {
			if v.Get("error") == "consent_required" {
				v.Del("error")
				v.Set("code", "x")
			}
		})},
		{"one browser's consent counts for all", rfc + "10.12-consent", shared},
		{"a consent needs nothing of the page", rfc + "10.12-consent", remembers},
		{"another site logs people out", rfc + "10.12-logout", loggedOut},
		{"the consent page can be framed", rfc + "10.13-consent", unframed},
		{"codes are short", rfc + "10.10-length", location(func(v url.Values) {
			if v.Has("code") {
				v.Set("code", v.Get("code")[:20])
			}
		})},
		{"all get the same tokens", rfc + "10.10-length", same},
		{"control characters are a fault", rfc + "A-token", faults("/token")},
		{"control characters are a fault", rfc + "A-authorization", faults("/authorize")},
		{"what is not ASCII is lost", rfc + "B", location(func(v url.Values) { v.Set("state", strings.ReplaceAll(v.Get("state"), "€", "?")) })},
		{"a form is posted anywhere", "Form Post Response Mode §2-unregistered", lenient(func(string) bool { return true })},
		{"a missing redirect_uri is the registered one", core + "3.1.2.1-redirect_uri", query("/authorize", func(v url.Values) { v.Set("redirect_uri", webCallback) })},
		{"a wish is an error", core + "3.1.2.1-wishes", when("acr_values", func(v url.Values) { v.Set("response_type", "x") })},
		{"everybody gets an ID token", core + "3.1.2.1-no openid", words("/token", `"token_type"`, `"id_token":"x","token_type"`)},
		{"logout ends no session", rp + "2-hint", header("/logout", "Set-Cookie", "")},
		{"a changed hint logs people out", rp + "2-changed hint", loggedOut},
		{"an access token is a hint", "RFC 9068 §5-hint", when("id_token_hint", func(v url.Values) { v.Del("id_token_hint") })},
	}
}

// brokenFurtherTokens is broken where a client sees it.
func brokenFurtherTokens() []mutation {
	const rfc = "RFC 6749 §"
	firstHeader := func(e *exchange) {
		if all := e.r.Header["Authorization"]; len(all) > 1 {
			e.r.Header["Authorization"] = all[:1]
		}
	}
	onCode, logins := grantType("authorization_code"), 0
	return []mutation{
		{"the first of two headers counts", rfc + "2.3-b headers", asks("/token", firstHeader)},
		{"guessing costs nothing", rfc + "2.3.1-d throttled", status("/token", 429, 401)},
		{"who guesses locks the client out", rfc + "2.3.1-d throttled", lockedOut},
		{"of parallel uses of a code all but one are a fault", rfc + "4.1.2-b parallel", status("/token", 400, 500)},
		{"parallel uses of a code have no answer", rfc + "4.1.2-b parallel", hangsUp},
		{"the grant type of another is another error", rfc + "5.2-c unauthorized", words("/token", "unauthorized_client", "invalid_grant")},
		{"errors are text", rfc + "6-d", header("/token", "Content-Type", "text/plain")},
		{"a token needs no scope", "RFC 6750 §3.1-insufficient_scope", status("/userinfo", 403, 200)},
		{"a token for another resource is good", "RFC 6750 §3.1-audience", status("/userinfo", 401, 200)},
		{"the first of two headers counts", "RFC 6750 §2-headers", asks("/userinfo", firstHeader)},
		{"GET revokes", "RFC 7009 §2.1-GET", asks("/revoke", posted)},
		{"revocation leaves the access token", "RFC 7009 §2.1-access token", status("/userinfo", 401, 200)},
		{"a long verifier redeems", "RFC 7636 §4.1-long", replays("/token", onCode)},
		{"anybody learns of a token", "RFC 7662 §2.1-public", says("/introspect", func(rec *httptest.ResponseRecorder) {
			rec.Code, rec.Body = http.StatusOK, bytes.NewBufferString(`{"active":true}`)
		})},
		{"a revoked token is active", "RFC 7662 §2.2-revoked", words("/introspect", "false", "true")},
		{"iat is overlooked", "RFC 7523 §3-iat", asks("/token", vouched)},
		{"an assertion is good for many at once", "RFC 7523 §3-parallel", asks("/token", vouched)},
		{"a client's own token is a person's", "RFC 9068 §2.2-client", rewrites("access_token", 1, `"sub":"team.web"`, func() string { return `"sub":"alice-1"` })},
		{"a person is somebody else each time", "OpenID Connect Core §2-sub", rewrites("id_token", 1, `"sub":"`, func() string { logins++; return `"sub":"` + strconv.Itoa(logins) })},
		{"a sub is long", "OpenID Connect Core §2-sub", rewrites("id_token", 1, `"sub":"`, func() string { return `"sub":"` + strings.Repeat("x", 255) })},
		{"an older refresh token is good", "RFC 9700 §4.14.2-older", forgives},
		{"an older refresh token ends nothing", "RFC 9700 §4.14.2-older", overlooks},
		{"the signed answer is plain", "RFC 9701 §5-answer", header("/introspect", "Content-Type", "application/json")},
		{"the signed answer is for anybody", "RFC 9701 §5-answer", insideOf("/introspect", `"aud":"team.web"`, `"aud":"x"`)},
		{"the signed answer can be an ID token", "RFC 9701 §5-answer", insideOf("/introspect", `"iss":`, `"exp":9999999999,"iss":`)},
		{"the signed answer says more", "RFC 9701 §5-inactive", insideOf("/introspect", `"active":false`, `"active":false,"sub":"x"`)},
		{"the signed answer is for who cannot authenticate", "RFC 9701 §4-authentication", asks("/introspect", authentic)},
		{"an endpoint is not there", "RFC 8414 §2-endpoints", words("/.well-known/", `/introspect"`, `/nowhere"`)},
		{"a grant type is listed that is not there", "RFC 8414 §2-grant types", words("/.well-known/", `"client_credentials"`, `"client_credentials","password"`)},
		{"OpenID Connect finds no metadata", "OpenID Connect Discovery §4-place", faults("/openid-configuration")},
		{"a token request widens", "RFC 8707 §2.2-wider", asks("/token", func(e *exchange) { e.body.Del("resource") })},
	}
}

// lockedOut refuses a client from the moment that somebody has guessed too often.
func lockedOut(next http.Handler) http.Handler {
	locked := false
	return says("/token", func(rec *httptest.ResponseRecorder) {
		if locked = locked || rec.Code == http.StatusTooManyRequests; locked {
			rec.Code = http.StatusTooManyRequests
			rec.Header().Set("Retry-After", "60")
			rec.Body = bytes.NewBufferString(`{"error":"invalid_client"}`)
		}
	})(next)
}

// hangsUp ends the connection where a code should be redeemed.
func hangsUp(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// remembers fills in what a form of a page lacks, and overlooks where it comes from.
func remembers(next http.Handler) http.Handler {
	hidden := regexp.MustCompile(`name="state" value="([^"]*)"`)
	last := ""
	page := says("", func(rec *httptest.ResponseRecorder) {
		if found := hidden.FindStringSubmatch(rec.Body.String()); found != nil {
			last = found[1]
		}
	})(next)
	return asks("/consent", func(e *exchange) {
		e.r.Header.Del("Origin")
		e.r.Header.Del("Sec-Fetch-Site")
		if !e.body.Has("state") {
			e.body.Set("state", last)
		}
	})(page)
}

// same gives everybody the tokens of the first.
func same(next http.Handler) http.Handler {
	tokens := ""
	return says("/token", func(rec *httptest.ResponseRecorder) {
		if rec.Code == http.StatusOK && tokens == "" {
			tokens = rec.Body.String()
		}
		rec.Body = bytes.NewBufferString(tokens)
	})(next)
}

// forgives answers a refresh that the server refuses with the last tokens that it gave.
func forgives(next http.Handler) http.Handler {
	var last *httptest.ResponseRecorder
	return says("/token", func(rec *httptest.ResponseRecorder) {
		if rec.Code == http.StatusOK {
			last = httptest.NewRecorder()
			last.Body.Write(rec.Body.Bytes())
		} else if last != nil {
			rec.Code, rec.Body = http.StatusOK, bytes.NewBuffer(bytes.Clone(last.Body.Bytes()))
		}
	})(next)
}

// overlooks refuses a refresh token that was used, and keeps that from the server.
func overlooks(next http.Handler) http.Handler {
	var mutex sync.Mutex
	used := map[string]bool{}
	return asks("/token", func(e *exchange) {
		mutex.Lock()
		defer mutex.Unlock()
		if token := e.body.Get("refresh_token"); token != "" && used[token] {
			e.body.Set("refresh_token", "x-used")
		} else {
			used[token] = true
		}
	})(next)
}

// insideOf changes the claims of an answer that is a JWT.
func insideOf(path, old, instead string) func(http.Handler) http.Handler {
	return says(path, func(rec *httptest.ResponseRecorder) {
		parts := strings.Split(rec.Body.String(), ".")
		if len(parts) != 3 {
			rec.Body = bytes.NewBufferString(strings.Join(parts, "."))
			return
		}
		claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
		parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), old, instead, 1)))
		rec.Body = bytes.NewBufferString(strings.Join(parts, "."))
	})
}
