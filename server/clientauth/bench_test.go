package clientauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/oauth"
)

// BenchmarkAuthenticate measures what it costs to authenticate a client by its
// secret: with one, with the second of two as during a rotation, and with a wrong
// one.
func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld()
	w.auth = clientauth.New(clientauth.Options{Registry: &w.registry, Verifiers: &w.verifiers})
	w.register("team.web", oauth.AuthMethodBasic, "s3cret")
	w.register("team.two", oauth.AuthMethodBasic, "old", "s3cret")
	for name, credentials := range map[string]string{
		"one": "team.web:s3cret", "second": "team.two:s3cret", "wrong": "team.web:wrong",
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodPost, "/token", http.NoBody)
			r.Header.Set("Authorization", basic(credentials))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.auth.Authenticate(r, oauth.Params{}); (err == nil) == (name == "wrong") {
					b.Fatal(err)
				}
			}
		})
	}
}
