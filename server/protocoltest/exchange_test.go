package protocoltest_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
)

// isExchange reports whether a request is of token exchange.
var isExchange = grantType("urn:ietf:params:oauth:grant-type:token-exchange")

// swaps changes token exchange requests before the server sees them.
func swaps(change func(*exchange)) func(http.Handler) http.Handler {
	return asks("/token", func(e *exchange) {
		if isExchange(e.r, e.body) {
			change(e)
		}
	})
}

// amends changes the claims of access tokens that the server gives; their
// signature is worth nothing then.
func amends(old, instead string) func(http.Handler) http.Handler {
	parts := regexp.MustCompile(`"access_token":"([^."]+)\.([^."]+)\.`)
	return says("/token", func(rec *httptest.ResponseRecorder) {
		body := rec.Body.String()
		if !strings.Contains(body, "issued_token_type") {
			rec.Body = bytes.NewBufferString(body)
			return
		}
		body = parts.ReplaceAllStringFunc(body, func(found string) string {
			part := parts.FindStringSubmatch(found)
			claims, _ := base64.RawURLEncoding.DecodeString(part[2])
			changed := regexp.MustCompile(old).ReplaceAllString(string(claims), instead)
			return `"access_token":"` + part[1] + "." + base64.RawURLEncoding.EncodeToString([]byte(changed)) + "."
		})
		rec.Body = bytes.NewBufferString(body)
	})
}

func brokenExchange() []mutation {
	drop := func(name string) func(http.Handler) http.Handler {
		return swaps(func(e *exchange) { e.body.Del(name) })
	}
	fill := func(name, value string, when func(url.Values) bool) func(http.Handler) http.Handler {
		return swaps(func(e *exchange) {
			if when(e.body) {
				e.body.Set(name, value)
			}
		})
	}
	const id = "RFC 8693 §"
	accessToken := "urn:ietf:params:oauth:token-type:access_token"
	return []mutation{
		{"what is missing is taken from before", id + "2.1-missing", replays("/token", isExchange)},
		{"a token needs no type", id + "2.1-type", fill("subject_token_type", accessToken, func(v url.Values) bool { return !v.Has("subject_token_type") })},
		{"any text is a token", id + "2.1-bad", replays("/token", isExchange)},
		{"the type of an actor is ignored", id + "2.1-actor", drop("actor_token_type")},
		{"any target is known", id + "2.2.2-target", fill("resource", "urn:example:second", func(url.Values) bool { return true })},
		{"the kind that is asked for is ignored", id + "2.2.2-requested", drop("requested_token_type")},
		{"it is not said what was issued", id + "2.2.1-answer", words("/token", "issued_token_type", "issued")},
		{"what is issued may be kept", id + "2.2.1-answer", header("/token", "Cache-Control", "max-age=60")},
		{"there is a refresh token", id + "2.2.1-refresh", words("/token", `"issued_token_type"`, `"refresh_token":"x","issued_token_type"`)},
		{"nobody acts", id + "4.1-act", amends(`"act":`, `"acts":`)},
		{"the token is for both", id + "4.1-act", amends(`"aud":"[^"]*"`, `"aud":["urn:example:first","urn:example:second"]`)},
		{"the token lasts", id + "4.1-act", amends(`"exp":`, `"exp":9`)},
		{"a refresh token is one of access", id + "2.1-kind", replays("/token", isExchange)},
		{"anybody exchanges", id + "2.1-authentication", swaps(func(e *exchange) { e.r.SetBasicAuth("team.api", "api") })},
		{"a token for others is good", id + "5-audience", replays("/token", isExchange)},
		{"a token that was revoked is good", id + "5-revoked", asks("/revoke", func(e *exchange) { e.body.Set("token", "x") })},
		{"any scope is given", id + "2.1-scope", drop("scope")},
	}
}
