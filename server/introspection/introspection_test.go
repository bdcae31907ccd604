package introspection_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/resourceowner"
)

var _ = Describe("Introspection", func() {
	var (
		w *world
		g grant.Grant
	)
	BeforeEach(func() {
		w = newWorld()
		g = w.grant(web)
	})

	Describe("of an access token", func() {
		It("RFC 7662 §2.2: tells the client that it was issued to", func() {
			members := expectActive(w.introspect(web, w.accessToken(g)))
			Expect(members["jti"]).NotTo(BeEmpty())
			delete(members, "jti")
			Expect(members).To(Equal(map[string]any{
				"active": true, "token_type": "Bearer", "client_id": web, "scope": "openid files:read calendar:read",
				"sub": "ada-1", "aud": "https://auth.example.com", "iss": "https://auth.example.com",
				"iat": float64(w.now.Unix()), "exp": float64(w.now.Add(10 * time.Minute).Unix()),
			}), "and no username")
		})

		It("RFC 7662 §2.2: tells those who serve a resource that it is for, of the scope what that understands", func() {
			token := w.accessToken(g, calendarAPI, filesAPI)
			members := expectActive(w.introspect(calendar, token))
			Expect(members).To(HaveKeyWithValue("aud", []any{calendarAPI, filesAPI}))
			Expect(members).To(HaveKeyWithValue("scope", "openid files:read calendar:read"))
			Expect(expectActive(w.introspect(files, token))).To(HaveKeyWithValue("scope", "files:read"))
		})

		It("RFC 7662 §4: tells nobody else, in exactly two words", func() {
			forCalendar := w.accessToken(g, calendarAPI)
			expectInactive(w.introspect(files, forCalendar), "serves another resource")
			expectInactive(w.introspect(job, forCalendar), "serves none")
			for _, stranger := range []string{calendar, files, job} {
				expectInactive(w.introspect(stranger, w.accessToken(g)), "for the issuer")
			}
			other := w.grant(app)
			expectInactive(w.introspect(web, w.accessToken(other, calendarAPI)))
		})

		It("RFC 7662 §2.2: tells of a token for the issuer those whom the AuthorizationServer names for it", func() {
			w.settings.Resources[0].Identifier = w.settings.Issuer
			expectActive(w.introspect(calendar, w.accessToken(g)))
			expectInactive(w.introspect(files, w.accessToken(g)))
		})

		It("RFC 7662 §2.2: is not active once it has expired", func() {
			token := w.accessToken(g)
			w.now = w.now.Add(10*time.Minute - time.Second)
			expectActive(w.introspect(web, token))
			w.now = w.now.Add(time.Second)
			expectInactive(w.introspect(web, token))
		})

		It("RFC 7662 §4: is not active from the moment that its grant is revoked or gone", func() {
			token := w.accessToken(g, calendarAPI)
			expectActive(w.introspect(calendar, token))
			Expect(w.grants.Revoke(context.Background(), g.Key(), grant.RevokedByClient)).To(Succeed())
			expectInactive(w.introspect(calendar, token))
			expectInactive(w.introspect(web, token))
			never := g
			never.ID = grant.NewID()
			expectInactive(w.introspect(web, w.accessToken(never)))
		})

		It("is not active when the person may no longer log in", func() {
			delete(w.people.known, "ada-1")
			expectInactive(w.introspect(web, w.accessToken(g)))
		})

		It("is not active when its client is deleted, or made anew under the same name", func() {
			token := w.accessToken(g, calendarAPI)
			own := w.sign(accesstoken.ForClient(w.settings, w.clients[web], oauth.Scope{"files:read"}, w.now).For(w.settings, []string{calendarAPI}))
			expectActive(w.introspect(calendar, own))
			w.clients[web].UID = "another"
			expectInactive(w.introspect(calendar, token))
			delete(w.clients, web)
			expectInactive(w.introspect(calendar, token))
			expectInactive(w.introspect(calendar, own))
		})

		It("is not active when it says other than its grant", func() {
			claims := accesstoken.ForGrant(w.settings, w.clients[web], g, g.Scope, w.now)
			claims.Subject = "bob-2"
			expectInactive(w.introspect(web, w.sign(claims)))
			claims = accesstoken.ForClient(w.settings, w.clients[web], nil, w.now)
			claims.Subject = "ada-1"
			expectInactive(w.introspect(web, w.sign(claims)))
			g2 := w.grant(web)
			g2.Issuer = "other"
			g2.ID = grant.NewID()
			Expect(w.grants.Create(context.Background(), g2)).To(Succeed())
			expectInactive(w.introspect(web, w.accessToken(g2)), "of another issuer")
		})

		It("OpenID Connect Core §8.1: has the sub that its client knows the person by", func() {
			w.clients[web].OpenID.SubjectType = oauth.SubjectTypePairwise
			w.clients[web].OpenID.Sector = "app.example.com"
			claims := accesstoken.ForGrant(w.settings, w.clients[web], g, g.Scope, w.now)
			subject, err := accesstoken.Subject(w.keys.Load(), w.clients[web], g.Subject)
			Expect(err).NotTo(HaveOccurred())
			claims.Subject = subject
			Expect(expectActive(w.introspect(web, w.sign(claims)))).To(HaveKeyWithValue("sub", subject))
			Expect(expectActive(w.introspect(web, w.refreshToken(g)))).To(HaveKeyWithValue("sub", subject))
		})

		It("RFC 6749 §4.4: of a client for itself has its client_id as sub", func() {
			own := w.sign(accesstoken.ForClient(w.settings, w.clients[job], oauth.Scope{"files:read"}, w.now).For(w.settings, []string{filesAPI}))
			Expect(expectActive(w.introspect(files, own))).To(And(HaveKeyWithValue("sub", job), HaveKeyWithValue("client_id", job)))
		})
	})

	Describe("of a refresh token", func() {
		It("RFC 7662 §2.2: tells its own client, with no token_type", func() {
			Expect(expectActive(w.introspect(web, w.refreshToken(g)))).To(Equal(map[string]any{
				"active": true, "client_id": web, "scope": "openid files:read calendar:read", "sub": "ada-1",
				"iss": "https://auth.example.com", "iat": float64(w.now.Unix()), "exp": float64(w.now.Add(time.Hour).Unix()),
			}))
		})

		It("RFC 7662 §4: tells nobody else, whatever they serve", func() {
			for _, stranger := range []string{calendar, files, job} {
				expectInactive(w.introspect(stranger, w.refreshToken(g)))
			}
		})

		It("is not active once it was replaced and the grace is over, and asking does the grant no harm", func() {
			first := w.refreshToken(g)
			moved, err := w.grants.Advance(context.Background(), g.Key(), 0, w.now, w.now.Add(time.Hour))
			Expect(err).NotTo(HaveOccurred())
			expectActive(w.introspect(web, first))
			w.now = w.now.Add(30 * time.Second)
			expectInactive(w.introspect(web, first))
			expectActive(w.introspect(web, w.refreshToken(moved)))
			ahead := moved
			ahead.Generation++
			expectInactive(w.introspect(web, w.refreshToken(ahead)))
		})

		It("is not active when the grant is over, or was tampered with", func() {
			token := w.refreshToken(g)
			other := g
			other.Scope = oauth.Scope{"admin"}
			expectInactive(w.introspect(web, w.refreshToken(other)))
			w.now = w.now.Add(time.Hour)
			expectInactive(w.introspect(web, token))
		})
	})

	It("RFC 7662 §2.2: is not active what is no token, or one of another kind", func() {
		idToken, err := accesstoken.IDToken{
			Client: w.clients[web], Grant: g, Person: &resourceowner.Person{}, Scope: g.Scope,
		}.Sign(w.settings, w.keys.Load(), w.now)
		Expect(err).NotTo(HaveOccurred())
		for _, token := range []string{
			"x", "a.b.c", strings.Repeat("A", 60<<10), w.refreshToken(g) + "A", w.accessToken(g)[1:], idToken, "é\x00\"",
		} {
			expectInactive(w.introspect(web, token))
		}
	})

	It("RFC 7662 §4: is not active what another has signed, though it says what ours says", func() {
		token := w.accessToken(g)
		stranger := newWorld()
		other, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseSignES256}, {Use: keyring.UseRefresh}}, epoch.Add(-time.Hour))
		Expect(err).NotTo(HaveOccurred())
		set, err := keys.Compile(other)
		Expect(err).NotTo(HaveOccurred())
		stranger.keys.Store(set)
		foreign, signature := stranger.accessToken(g), strings.LastIndex(token, ".")
		for _, forged := range []string{
			foreign, stranger.refreshToken(g), token[:signature], token[:signature+1],
			token[:signature] + foreign[strings.LastIndex(foreign, "."):],
		} {
			expectInactive(w.introspect(web, forged))
		}
		expectActive(w.introspect(web, token))
	})

	It("RFC 6749 §2.3.1: slows down who guesses a secret here, and never the client itself", func() {
		guess := func() *httptest.ResponseRecorder {
			r := w.request(calendar, url.Values{"token": {"x"}})
			r.SetBasicAuth(calendar, "guess")
			return w.do(r)
		}
		for range 10 {
			expectError(guess(), 401, "invalid_client")
		}
		rec := guess()
		expectError(rec, 429, "invalid_client")
		Expect(rec.Header().Get("Retry-After")).NotTo(BeEmpty())
		expectActive(w.introspect(calendar, w.accessToken(g, calendarAPI)))
	})

	It("RFC 7662 §2.1: finds the token whatever the hint says", func() {
		for _, hint := range []string{"access_token", "refresh_token", "urn:unknown"} {
			expectActive(w.introspect(web, w.refreshToken(g), "token_type_hint", hint))
			expectActive(w.introspect(web, w.accessToken(g), "token_type_hint", hint))
		}
	})

	It("RFC 7662 §2.1: 401 for whoever does not authenticate, a public client among them", func() {
		token := w.accessToken(w.grant(app))
		rec := w.introspect(app, token)
		expectError(rec, 401, "invalid_client")
		Expect(rec.Header().Get("WWW-Authenticate")).To(HavePrefix("Basic realm="))
		r := w.request(calendar, url.Values{"token": {token}})
		r.SetBasicAuth(calendar, "wrong")
		expectError(w.do(r), 401, "invalid_client")
		r = w.request(calendar, url.Values{"token": {token}, "client_id": {calendar}})
		r.Header.Del("Authorization")
		expectError(w.do(r), 401, "invalid_client")
		r = w.request(calendar, url.Values{"token": {token}})
		r.Header.Set("Authorization", "Bearer "+token)
		expectError(w.do(r), 401, "invalid_client")
	})

	It("RFC 7662 §2.1: takes POST, a form, one token, and nothing of the URL", func() {
		token := w.accessToken(g)
		for _, method := range []string{"GET", "PUT", "DELETE", "HEAD", "OPTIONS"} {
			r := w.request(web, url.Values{"token": {token}})
			r.Method = method
			rec := w.do(r)
			Expect(rec.Code).To(Equal(http.StatusMethodNotAllowed))
			Expect(rec.Header().Get("Allow")).To(Equal("POST"))
		}
		r := w.request(web, url.Values{})
		r.URL.RawQuery = "token=" + token
		expectError(w.do(r), 400, "invalid_request")
		expectError(w.do(w.request(web, url.Values{"token": {token, token}})), 400, "invalid_request")
		r = w.request(web, url.Values{"token": {token}})
		r.Header.Set("Content-Type", "application/json")
		expectError(w.do(r), 400, "invalid_request")
		expectError(w.introspect(web, strings.Repeat("A", 70<<10)), 400, "invalid_request")
	})

	It("has no CORS: a script cannot keep a secret", func() {
		r := httptest.NewRequest(http.MethodOptions, "/introspect", http.NoBody)
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Access-Control-Request-Method", "POST")
		Expect(w.do(r).Header()).NotTo(HaveKey("Access-Control-Allow-Origin"))
		Expect(w.introspect(web, "x").Header()).NotTo(HaveKey("Access-Control-Allow-Origin"))
	})

	DescribeTable("is 503 with Retry-After, and neither active nor inactive, while nobody can tell", func(fail func()) {
		access, refresh := w.accessToken(g, calendarAPI), w.refreshToken(g)
		fail()
		for caller, token := range map[string]string{calendar: access, web: refresh} {
			rec := w.introspect(caller, token)
			expectError(rec, 503, "temporarily_unavailable")
			Expect(rec.Header().Get("Retry-After")).NotTo(BeEmpty())
			Expect(rec.Body.String()).NotTo(ContainSubstring("10.0.0.7"))
		}
	},
		Entry("because of the store", func() { w.grants.fails = errAway }),
		Entry("because of the directory", func() { w.people.fails = errAway }),
		Entry("because there are no keys", func() { w.keys.Store(&keys.Set{}) }),
	)

	It("is 503 while the registry cannot tell of the token's client", func() {
		token := w.accessToken(w.grant(away), calendarAPI)
		expectError(w.introspect(calendar, token), 503, "temporarily_unavailable")
	})

	It("RFC 6749 §10.3: logs no token and no secret", func() {
		refresh, access := w.refreshToken(g), w.accessToken(g)
		w.introspect(web, refresh)
		w.introspect(job, access)
		w.introspect(app, access)
		w.grants.fails = errAway
		w.introspect(web, access)
		Expect(w.log.String()).NotTo(BeEmpty())
		for _, secret := range []string{refresh, access, w.secrets[web], w.secrets[job]} {
			Expect(w.log.String()).NotTo(ContainSubstring(secret))
		}
	})
})
