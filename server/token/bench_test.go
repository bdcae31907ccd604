package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
)

// benchWorld is a world for a benchmark. Its clock stands.
func benchWorld(b *testing.B) *world {
	b.Helper()
	b.ReportAllocs()
	return newWorld()
}

// serve sends one request, and nothing else that costs time.
func serve(b *testing.B, handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		b.Fatal(rec.Code, rec.Body.String())
	}
	return rec
}

// floor is what any token endpoint does: net/http reads a form, something is
// signed with ES256, and JSON is written.
func floor(b *testing.B) http.Handler {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			b.Fatal(err)
		}
		digest := sha256.Sum256([]byte(r.PostForm.Get("grant_type")))
		signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			b.Fatal(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": signature, "token_type": "Bearer", "expires_in": 600})
	})
}

func BenchmarkFloor(b *testing.B) {
	w := benchWorld(b)
	handler := floor(b)
	for b.Loop() {
		b.StopTimer()
		r := w.request("team.job", pairs("grant_type", "client_credentials", "scope", "read"))
		b.StartTimer()
		serve(b, handler, r)
	}
}

func BenchmarkClientCredentials(b *testing.B) {
	w := benchWorld(b)
	for b.Loop() {
		b.StopTimer()
		r := w.request("team.job", pairs("grant_type", "client_credentials", "scope", "read"))
		b.StartTimer()
		serve(b, w.endpoint, r)
	}
}

// BenchmarkCodeGrant is the request of RFC 6749 §4.1.3 without an ID token.
func BenchmarkCodeGrant(b *testing.B) { benchmarkCode(b, oauth.Scope{"read"}) }

// BenchmarkCodeGrantIDToken is the same with an ID token, that is with an RS256
// signature.
func BenchmarkCodeGrantIDToken(b *testing.B) { benchmarkCode(b, oauth.Scope{"openid", "read"}) }

func benchmarkCode(b *testing.B, scope oauth.Scope) {
	w := benchWorld(b)
	for b.Loop() {
		b.StopTimer()
		code := w.code("team.web", func(c *grant.Code) { c.Scope = scope })
		r := w.request("team.web", pairs("grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier))
		b.StartTimer()
		serve(b, w.endpoint, r)
	}
}

func BenchmarkRefresh(b *testing.B) {
	w := benchWorld(b)
	token := w.redeem("team.web", w.code("team.web", func(c *grant.Code) { c.Scope = oauth.Scope{"read"} })).Text("refresh_token")
	for b.Loop() {
		b.StopTimer()
		r := w.request("team.web", pairs("grant_type", "refresh_token", "refresh_token", token))
		b.StartTimer()
		rec := serve(b, w.endpoint, r)
		b.StopTimer()
		var body struct {
			RefreshToken string `json:"refresh_token"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			b.Fatal(err)
		}
		token = body.RefreshToken
		b.StartTimer()
	}
}
