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
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

var _ = Describe("Revocation", func() {
	var w *world
	BeforeEach(func() { w = newWorld() })

	DescribeTable("RFC 7009 §2.1: a refresh token takes its grant with it", func(client string) {
		g, other := w.grant(client), w.grant(client)
		expectDone(w.revoke(client, w.refreshToken(g)))
		Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
		Expect(w.reason(other)).To(BeEmpty(), "nothing else")
	},
		Entry("of a client with Basic", web), Entry("with a secret in the body", job), Entry("public", app))

	It("RFC 7009 §2.1: an access token takes its grant with it, whatever resource it is for", func() {
		for _, resources := range [][]string{nil, {"https://api.example.com"}} {
			g := w.grant(web)
			expectDone(w.revoke(web, w.accessToken(g, resources...)))
			Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
		}
	})

	It("RFC 7009 §2.1: a refresh token that was replaced ends the grant too", func() {
		g := w.grant(web)
		first := w.refreshToken(g)
		_, err := w.grants.Advance(context.Background(), g.Key(), 0, w.now, w.now.Add(time.Hour))
		Expect(err).NotTo(HaveOccurred())
		w.now = w.now.Add(10 * time.Minute)
		expectDone(w.revoke(web, first))
		Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
	})

	It("RFC 7009 §2.2: revoking twice is 200, and the first reason stays", func() {
		g := w.grant(web)
		Expect(w.grants.Store.Revoke(context.Background(), g.Key(), grant.LoggedOut)).To(Succeed())
		expectDone(w.revoke(web, w.refreshToken(g)))
		Expect(w.reason(g)).To(Equal(grant.LoggedOut))
	})

	It("RFC 7009 §2.1: finds the token whatever the hint says, and ignores a hint that it does not know", func() {
		for _, hint := range []string{"access_token", "refresh_token", "id_token", "urn:unknown", "<script>"} {
			a, b := w.grant(web), w.grant(web)
			expectDone(w.revoke(web, w.refreshToken(a), "token_type_hint", hint))
			expectDone(w.revoke(web, w.accessToken(b), "token_type_hint", hint))
			Expect(w.reason(a)).To(Equal(grant.RevokedByClient), hint)
			Expect(w.reason(b)).To(Equal(grant.RevokedByClient), hint)
		}
	})

	It("RFC 7009 §2.2: 200 for what is no token, has expired, or is of a grant that is gone", func() {
		g := w.grant(web)
		never := g
		never.ID = grant.NewID()
		for _, token := range []string{
			"x", "a.b.c", strings.Repeat("A", 60<<10), w.refreshToken(g) + "A", w.accessToken(g)[1:],
			w.refreshToken(never), w.accessToken(never), "é\x00\"",
		} {
			expectDone(w.revoke(web, token))
		}
		access := w.accessToken(g)
		w.now = w.now.Add(10 * time.Minute)
		expectDone(w.revoke(web, access))
		Expect(w.reason(g)).To(BeEmpty())
	})

	It("RFC 7009 §2.1: another client's token stays", func() {
		g := w.grant(web)
		for _, thief := range []string{job, app} {
			expectDone(w.revoke(thief, w.refreshToken(g)))
			expectError(w.revoke(thief, w.accessToken(g)), 400, "invalid_grant")
		}
		Expect(w.reason(g)).To(BeEmpty())
	})

	It("RFC 7009 §2.2.1: unsupported_token_type for an access token that rests on no grant", func() {
		own := w.sign(accesstoken.ForClient(w.settings, w.clients[job], oauth.Scope{"read"}, w.now))
		expectError(w.revoke(job, own), 400, "unsupported_token_type")
		expectError(w.revoke(web, own), 400, "invalid_grant")
		w.now = w.now.Add(10 * time.Minute)
		expectDone(w.revoke(job, own))
	})

	It("RFC 7009 §2.2.1: unsupported_token_type for one that another was exchanged for, whose grant is another client's", func() {
		g := w.grant(web)
		first := accesstoken.ForGrant(w.settings, w.clients[web], g, g.Scope, w.now)
		token := w.sign(first.Exchanged(w.settings, w.clients[job], first.Subject, "urn:api", nil, w.now))
		expectError(w.revoke(job, token), 400, "unsupported_token_type")
		expectError(w.revoke(web, token), 400, "invalid_grant")
		Expect(w.reason(g)).To(BeEmpty())
	})

	Describe("authenticates the client as the token endpoint does", func() {
		It("RFC 7009 §2.1: a confidential client with its secret", func() {
			g := w.grant(web)
			r := w.request(web, url.Values{"token": {w.refreshToken(g)}})
			r.SetBasicAuth(web, "wrong")
			rec := w.do(r)
			expectError(rec, 401, "invalid_client")
			Expect(rec.Header().Get("WWW-Authenticate")).To(HavePrefix("Basic realm="))

			r = w.request(web, url.Values{"token": {w.refreshToken(g)}, "client_id": {web}})
			r.Header.Del("Authorization")
			expectError(w.do(r), 401, "invalid_client")
			Expect(w.reason(g)).To(BeEmpty())
		})

		It("RFC 6749 §2.3.1, RFC 7009 §5: and slows down who guesses, never the client itself", func() {
			g := w.grant(web)
			guess := func() *httptest.ResponseRecorder {
				r := w.request(web, url.Values{"token": {w.refreshToken(g)}})
				r.SetBasicAuth(web, "guess")
				return w.do(r)
			}
			for range 10 {
				expectError(guess(), 401, "invalid_client")
			}
			rec := guess()
			expectError(rec, 429, "invalid_client")
			Expect(rec.Header().Get("Retry-After")).NotTo(BeEmpty())
			Expect(w.reason(g)).To(BeEmpty())
			expectDone(w.revoke(web, w.refreshToken(g)))
			Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
		})

		It("RFC 7009 §2.1: a public client with its client_id, and nobody without", func() {
			g := w.grant(app)
			r := w.request(app, url.Values{})
			r.Body = http.NoBody
			expectError(w.do(r), 401, "invalid_client")
			expectError(w.revoke(app, w.refreshToken(g), "client_secret", "x"), 401, "invalid_client")
			Expect(w.reason(g)).To(BeEmpty())
		})
	})

	It("RFC 7009 §2.1: takes POST, a form, one token, and nothing of the URL", func() {
		g := w.grant(web)
		token := w.refreshToken(g)
		for _, method := range []string{"GET", "PUT", "DELETE", "HEAD"} {
			r := w.request(web, url.Values{"token": {token}})
			r.Method = method
			rec := w.do(r)
			Expect(rec.Code).To(Equal(http.StatusMethodNotAllowed))
			Expect(rec.Header().Get("Allow")).To(Equal("POST"))
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
			for _, token := range []string{w.refreshToken(g), w.accessToken(g)} {
				rec := w.revoke(web, token)
				expectError(rec, 503, "temporarily_unavailable")
				Expect(rec.Header().Get("Retry-After")).NotTo(BeEmpty())
				Expect(rec.Body.String()).NotTo(ContainSubstring("10.0.0.7"))
			}
		},
			Entry("when it fails before the step", func() { w.grants.before = errAway }),
			Entry("when nobody knows whether the step was taken", func() { w.grants.after = errAway }),
		)

		It("is 503 while there are no keys to read tokens with", func() {
			token := w.refreshToken(w.grant(web))
			w.keys.Store(&keys.Set{})
			expectError(w.revoke(web, token), 503, "temporarily_unavailable")
		})

		It("goes on when the client hangs up", func() {
			g := w.grant(web)
			r := w.request(web, url.Values{"token": {w.refreshToken(g)}})
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			expectDone(w.do(r.WithContext(ctx)))
			Expect(w.reason(g)).To(Equal(grant.RevokedByClient))
		})
	})

	It("costs no write for what is no token of the client's", func() {
		g := w.grant(web)
		w.revoke(web, "x")
		w.revoke(job, w.accessToken(g))
		Expect(w.grants.revocations).To(BeZero())
	})

	It("RFC 7009 §2.3: lets scripts of other origins in", func() {
		r := httptest.NewRequest(http.MethodOptions, "/revoke", http.NoBody)
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Access-Control-Request-Method", "POST")
		rec := w.do(r)
		Expect(rec.Code).To(Equal(http.StatusNoContent))
		Expect(rec.Header().Get("Access-Control-Allow-Methods")).To(Equal("POST"))
		Expect(rec.Header()).NotTo(HaveKey("Access-Control-Allow-Credentials"))
		Expect(w.revoke(web, "x").Header().Get("Access-Control-Allow-Origin")).To(Equal("*"))
	})

	It("RFC 6749 §10.3: logs no token and no secret", func() {
		g := w.grant(web)
		refresh, access := w.refreshToken(g), w.accessToken(g)
		w.revoke(job, access)
		w.revoke(web, refresh)
		w.revoke(web, access)
		w.grants.before = errAway
		w.revoke(web, refresh)
		Expect(w.log.String()).To(ContainSubstring(g.ID))
		for _, secret := range []string{refresh, access, w.secrets[web], w.secrets[job]} {
			Expect(w.log.String()).NotTo(ContainSubstring(secret))
		}
	})
})
