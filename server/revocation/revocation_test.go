package revocation_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

var _ = Describe("Revocation", func() {
	var w *world
	BeforeEach(func() { w = newWorld() })

	DescribeTable("RFC 7009 §2.1: a refresh token takes its grant with it", func(client string) {
		g, other := w.grant(client), w.grant(client)
		expectDone(w.revoke(client, w.RefreshToken(g)))
		Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
		Expect(w.reason(other)).To(BeEmpty(), "nothing else")
	},
		Entry("of a client with Basic", web), Entry("with a secret in the body", job), Entry("public", app))

	It("RFC 7009 §2.1: an access token takes its grant with it, whatever resource it is for", func() {
		for _, resources := range [][]string{nil, {"https://api.example.com"}} {
			g := w.grant(web)
			expectDone(w.revoke(web, w.AccessToken(g, resources...)))
			Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
		}
	})

	It("RFC 7009 §2.1: a refresh token that was replaced ends the grant too", func() {
		g := w.grant(web)
		first := w.RefreshToken(g)
		_, err := w.Grants.Advance(context.Background(), g.Key(), 0, w.Now(), w.Now().Add(time.Hour))
		Expect(err).NotTo(HaveOccurred())
		w.Advance(10 * time.Minute)
		expectDone(w.revoke(web, first))
		Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
	})

	It("RFC 7009 §2.2: revoking twice is 200, and the first reason stays", func() {
		g := w.grant(web)
		Expect(w.Grants.Store.Revoke(context.Background(), g.Key(), grant.LoggedOut)).To(Succeed())
		expectDone(w.revoke(web, w.RefreshToken(g)))
		Expect(w.reason(g)).To(Equal(grant.LoggedOut))
	})

	It("RFC 7009 §2.1: finds the token whatever the hint says, and ignores a hint that it does not know", func() {
		for _, hint := range []string{"access_token", "refresh_token", "id_token", "urn:unknown", "<script>"} {
			a, b := w.grant(web), w.grant(web)
			expectDone(w.revoke(web, w.RefreshToken(a), "token_type_hint", hint))
			expectDone(w.revoke(web, w.AccessToken(b), "token_type_hint", hint))
			Expect(w.reason(a)).To(Equal(grant.RevokedByClient), hint)
			Expect(w.reason(b)).To(Equal(grant.RevokedByClient), hint)
		}
	})

	It("RFC 7009 §2.2: 200 for what is no token, has expired, or is of a grant that is gone", func() {
		g := w.grant(web)
		never := g
		never.ID = grant.NewID()
		for _, token := range []string{
			"x", "a.b.c", strings.Repeat("A", 60<<10), w.RefreshToken(g) + "A", w.AccessToken(g)[1:],
			w.RefreshToken(never), w.AccessToken(never), "é\x00\"",
		} {
			expectDone(w.revoke(web, token))
		}
		access := w.AccessToken(g)
		w.Advance(10 * time.Minute)
		expectDone(w.revoke(web, access))
		Expect(w.reason(g)).To(BeEmpty())
	})

	It("RFC 7009 §2.1: another client's token stays", func() {
		g := w.grant(web)
		for _, thief := range []string{job, app} {
			expectDone(w.revoke(thief, w.RefreshToken(g)))
			expectError(w.revoke(thief, w.AccessToken(g)), 400, "invalid_grant")
		}
		Expect(w.reason(g)).To(BeEmpty())
	})

	It("RFC 7009 §2.2.1: unsupported_token_type for an access token that rests on no grant", func() {
		own := w.Sign(accesstoken.ForClient(w.Settings, w.Clients[job], oauth.Scope{"read"}, w.Now()))
		expectError(w.revoke(job, own), 400, "unsupported_token_type")
		expectError(w.revoke(web, own), 400, "invalid_grant")
		w.Advance(10 * time.Minute)
		expectDone(w.revoke(job, own))
	})

	It("RFC 7009 §2.2.1: unsupported_token_type for one that another was exchanged for, whose grant is another client's", func() {
		g := w.grant(web)
		first := accesstoken.ForGrant(w.Settings, w.Clients[web], g, g.Scope, w.Now())
		token := w.Sign(first.Exchanged(w.Settings, w.Clients[job], first.Subject, "urn:api", nil, w.Now()))
		expectError(w.revoke(job, token), 400, "unsupported_token_type")
		expectError(w.revoke(web, token), 400, "invalid_grant")
		Expect(w.reason(g)).To(BeEmpty())
	})

	Describe("authenticates the client as the token endpoint does", func() {
		It("RFC 7009 §2.1: a confidential client with its secret", func() {
			g := w.grant(web)
			r := w.request(web, url.Values{"token": {w.RefreshToken(g)}})
			r.SetBasicAuth(web, "wrong")
			a := w.do(r)
			expectError(a, 401, "invalid_client")
			Expect(a.Header.Get("WWW-Authenticate")).To(HavePrefix("Basic realm="))

			r = w.request(web, url.Values{"token": {w.RefreshToken(g)}, "client_id": {web}})
			r.Header.Del("Authorization")
			expectError(w.do(r), 401, "invalid_client")
			Expect(w.reason(g)).To(BeEmpty())
		})

		It("RFC 6749 §2.3.1, RFC 7009 §5: and slows down who guesses, never the client itself", func() {
			g := w.grant(web)
			worldtest.ExpectGuessesSlowed(func() answer {
				r := w.request(web, url.Values{"token": {w.RefreshToken(g)}})
				r.SetBasicAuth(web, "guess")
				return w.do(r)
			})
			Expect(w.reason(g)).To(BeEmpty())
			expectDone(w.revoke(web, w.RefreshToken(g)))
			Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
		})

		It("RFC 7009 §2.1: a public client with its client_id, and nobody without", func() {
			g := w.grant(app)
			r := w.request(app, url.Values{})
			r.Body = http.NoBody
			expectError(w.do(r), 401, "invalid_client")
			expectError(w.revoke(app, w.RefreshToken(g), "client_secret", "x"), 401, "invalid_client")
			Expect(w.reason(g)).To(BeEmpty())
		})
	})

	It("RFC 7009 §2.1: takes POST, a form, one token, and nothing of the URL", func() {
		g := w.grant(web)
		token := w.RefreshToken(g)
		for _, method := range []string{"GET", "PUT", "DELETE", "HEAD"} {
			r := w.request(web, url.Values{"token": {token}})
			r.Method = method
			a := w.do(r)
			Expect(a.Status).To(Equal(http.StatusMethodNotAllowed))
			Expect(a.Header.Get("Allow")).To(Equal("POST"))
		}
		r := w.request(web, url.Values{})
		r.URL.RawQuery = "token=" + token
		expectError(w.do(r), 400, "invalid_request")
		expectError(w.revoke(web, ""), 400, "invalid_request")
		expectError(w.do(w.request(web, url.Values{"token": {token, token}})), 400, "invalid_request")
		r = w.request(web, url.Values{"token": {token}})
		r.Header.Set("Content-Type", "application/json")
		expectError(w.do(r), 400, "invalid_request")
		expectError(w.revoke(web, strings.Repeat("A", 70<<10)), 400, "invalid_request")
		Expect(w.reason(g)).To(BeEmpty())
	})

	Describe("revocation that ignores a store error", func() {
		DescribeTable("RFC 7009 §2.2.1: is 503 with Retry-After, never 200", func(fail func()) {
			g := w.grant(web)
			fail()
			for _, token := range []string{w.RefreshToken(g), w.AccessToken(g)} {
				worldtest.ExpectUnavailable(w.revoke(web, token))
			}
		},
			Entry("when it fails before the step", func() { w.Grants.Before = worldtest.Away }),
			Entry("when nobody knows whether the step was taken", func() { w.Grants.After = worldtest.Away }),
		)

		It("is 503 while there are no keys to read tokens with", func() {
			token := w.RefreshToken(w.grant(web))
			w.Keys.Store(&keys.Set{})
			expectError(w.revoke(web, token), 503, "temporarily_unavailable")
		})

		It("goes on when the client hangs up", func() {
			g := w.grant(web)
			r := w.request(web, url.Values{"token": {w.RefreshToken(g)}})
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			expectDone(w.do(r.WithContext(ctx)))
			Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
		})
	})

	It("costs no write for what is no token of the client's", func() {
		g := w.grant(web)
		writes := w.Grants.Writes.Load()
		w.revoke(web, "x")
		w.revoke(job, w.AccessToken(g))
		Expect(w.Grants.Writes.Load()).To(Equal(writes))
	})

	It("RFC 7009 §2.3: lets scripts of other origins in", func() {
		r := httptest.NewRequest(http.MethodOptions, "/revoke", http.NoBody)
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Access-Control-Request-Method", "POST")
		a := w.do(r)
		Expect(a.Status).To(Equal(http.StatusNoContent))
		Expect(a.Header.Get("Access-Control-Allow-Methods")).To(Equal("POST"))
		Expect(a.Header).NotTo(HaveKey("Access-Control-Allow-Credentials"))
		Expect(w.revoke(web, "x").Header.Get("Access-Control-Allow-Origin")).To(Equal("*"))
	})

	It("RFC 6749 §10.3: logs no token and no secret", func() {
		g := w.grant(web)
		refresh, access := w.RefreshToken(g), w.AccessToken(g)
		w.revoke(job, access)
		w.revoke(web, refresh)
		w.revoke(web, access)
		w.Grants.Before = worldtest.Away
		w.revoke(web, refresh)
		Expect(w.Log.String()).To(ContainSubstring(g.ID))
		for _, secret := range []string{refresh, access, w.Secrets[web], w.Secrets[job]} {
			Expect(w.Log.String()).NotTo(ContainSubstring(secret))
		}
	})
})
