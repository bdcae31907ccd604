package protocoltest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// secretly has the server do at a path what it then refuses: nobody sees the
// answer, and the code or refresh token is used up.
func secretly(path string, wrong func(*http.Request, url.Values) bool, right func(*exchange)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)
			form, _ := url.ParseQuery(string(raw))
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(bytes.NewReader(raw))
			r.Body = io.NopCloser(bytes.NewReader(raw))
			next.ServeHTTP(w, r)
			if strings.HasSuffix(again.URL.Path, path) && wrong(again, form) {
				asks(path, right)(next).ServeHTTP(httptest.NewRecorder(), again)
			}
		})
	}
}

// unsound reports whether a request does not authenticate the confidential client
// by its Authorization header, or does more than that.
func unsound(r *http.Request, v url.Values) bool {
	id, secret, ok := r.BasicAuth()
	return !ok || id != "team.web" || secret != url.QueryEscape("a secret:+%") || v.Has("client_secret") || v.Has("client_id") || len(r.Header["Authorization"]) > 1
}

func notPost(r *http.Request, _ url.Values) bool { return r.Method != http.MethodPost }

// posted makes a request one that is posted.
func posted(e *exchange) {
	e.r.Method = http.MethodPost
	if e.raw == "" {
		e.body = e.r.URL.Query()
	}
	e.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
}

// brokenSecretly grant what they say that they refuse.
func brokenSecretly() []mutation {
	const rfc = "RFC 6749 §"
	var all []mutation
	for _, item := range []string{
		"2.2-a", "2.3-b", "2.3-b headers", "2.3-c", "2.3.1-b base64", "2.3.1-b colon", "2.3.1-b escape", "2.3.1-wrong", "2.3.1-c", "2.3.1-f",
	} {
		all = append(all, mutation{"the code is used up by who cannot authenticate", rfc + item, secretly("/token", unsound, authentic)})
	}
	refused := func(item string, wrong func(*http.Request, url.Values) bool, right func(*exchange)) mutation {
		return mutation{"what is refused is done all the same", item, secretly("/token", wrong, right)}
	}
	return append(all,
		refused(rfc+"3.2-a GET", notPost, posted), refused(rfc+"3.2-a PUT", notPost, posted),
		refused(rfc+"3.2-b twice", func(_ *http.Request, v url.Values) bool {
			for _, values := range v {
				if len(values) > 1 {
					return true
				}
			}
			return false
		}, func(e *exchange) { first(e.body) }),
		refused(rfc+"3.2-c query", func(r *http.Request, _ url.Values) bool { return r.URL.Query().Has("grant_type") }, func(e *exchange) { e.body = e.r.URL.Query() }),
		refused(rfc+"3.2.1-a", func(r *http.Request, v url.Values) bool {
			return unsound(r, v) && v.Get("grant_type") == "refresh_token"
		}, authentic),
		refused(rfc+"3.2.1-b missing", func(r *http.Request, v url.Values) bool {
			return r.Header.Get("Authorization") == "" && !v.Has("client_id")
		}, func(e *exchange) { e.body.Set("client_id", "team.cli") }),
		refused(rfc+"6-a other", func(_ *http.Request, v url.Values) bool {
			return v.Get("client_id") == "team.other" && v.Has("refresh_token")
		}, authentic),
		refused(rfc+"6-b", func(_ *http.Request, v url.Values) bool { return v.Has("scope") }, func(e *exchange) { e.body.Del("scope") }),
		refused("RFC 8707 §2.2-wider", func(_ *http.Request, v url.Values) bool { return v.Has("resource") }, func(e *exchange) { e.body.Del("resource") }),
		mutation{"who cannot authenticate revokes", "RFC 7009 §2.1-authentication", secretly("/revoke", unsound, authentic)},
		mutation{"GET revokes in secret", "RFC 7009 §2.1-GET", secretly("/revoke", notPost, posted)},
		mutation{"a code is used up by a wrong verifier", rfc + "4.1.2-b kept", usedUp()},
	)
}

// usedUp takes a code for used once it was seen.
func usedUp() func(http.Handler) http.Handler {
	used := map[string]bool{}
	return asks("/token", func(e *exchange) {
		if code := e.body.Get("code"); used[code] {
			e.body.Set("code", "x")
		} else {
			used[code] = true
		}
	})
}
