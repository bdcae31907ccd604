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
	"oauth-operator.dev/server/internal/worldtest"
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
			members := expectActive(w.introspect(web, w.AccessToken(g)))
			Expect(members["jti"]).NotTo(BeEmpty())
			delete(members, "jti")
			Expect(members).To(Equal(map[string]any{
				"active": true, "token_type": "Bearer", "client_id": web, "scope": "openid files:read calendar:read",
				"sub": "ada-1", "aud": "https://auth.example.com", "iss": "https://auth.example.com",
				"iat": float64(w.Now().Unix()), "exp": float64(w.Now().Add(10 * time.Minute).Unix()),
			}), "and no username")
		})

		It("RFC 7662 §2.2: tells those who serve a resource that it is for, of the scope what that understands", func() {
			token := w.AccessToken(g, calendarAPI, filesAPI)
			members := expectActive(w.introspect(calendar, token))
			Expect(members).To(HaveKeyWithValue("aud", []any{calendarAPI, filesAPI}))
			Expect(members).To(HaveKeyWithValue("scope", "openid files:read calendar:read"))
			Expect(expectActive(w.introspect(files, token))).To(HaveKeyWithValue("scope", "files:read"))
		})

		It("RFC 7662 §4: tells nobody else, in exactly two words", func() {
			forCalendar := w.AccessToken(g, calendarAPI)
			expectInactive(w.introspect(files, forCalendar), "serves another resource")
			expectInactive(w.introspect(job, forCalendar), "serves none")
			for _, stranger := range []string{calendar, files, job} {
				expectInactive(w.introspect(stranger, w.AccessToken(g)), "for the issuer")
			}
			other := w.grant(app)
			expectInactive(w.introspect(web, w.AccessToken(other, calendarAPI)))
		})

		It("RFC 7662 §2.2: tells of a token for the issuer those whom the AuthorizationServer names for it", func() {
			w.Settings.Resources[0].Identifier = w.Settings.Issuer
			expectActive(w.introspect(calendar, w.AccessToken(g)))
			expectInactive(w.introspect(files, w.AccessToken(g)))
		})

		It("RFC 7662 §2.2: is not active once it has expired", func() {
			token := w.AccessToken(g)
			w.Advance(10*time.Minute - time.Second)
			expectActive(w.introspect(web, token))
			w.Advance(time.Second)
			expectInactive(w.introspect(web, token))
		})

		It("RFC 7662 §4: is not active from the moment that its grant is revoked or gone", func() {
			token := w.AccessToken(g, calendarAPI)
			expectActive(w.introspect(calendar, token))
			Expect(w.Grants.Revoke(context.Background(), g.Key(), grant.RevokedByClient)).To(Succeed())
			expectInactive(w.introspect(calendar, token))
			expectInactive(w.introspect(web, token))
			never := g
			never.ID = grant.NewID()
			expectInactive(w.introspect(web, w.AccessToken(never)))
		})

		It("is not active when the person may no longer log in", func() {
			delete(w.People, "ada-1")
			expectInactive(w.introspect(web, w.AccessToken(g)))
		})

		It("is not active when its client is deleted, or made anew under the same name", func() {
			token := w.AccessToken(g, calendarAPI)
			own := w.Sign(accesstoken.ForClient(w.Settings, w.Clients[web], oauth.Scope{"files:read"}, w.Now()).For(w.Settings, []string{calendarAPI}))
			expectActive(w.introspect(calendar, own))
			w.Clients[web].UID = "another"
			expectInactive(w.introspect(calendar, token))
			delete(w.Clients, web)
			expectInactive(w.introspect(calendar, token))
			expectInactive(w.introspect(calendar, own))
		})

		It("is not active when it says other than its grant", func() {
			claims := accesstoken.ForGrant(w.Settings, w.Clients[web], g, g.Scope, w.Now())
			claims.Subject = "bob-2"
			expectInactive(w.introspect(web, w.Sign(claims)))
			claims = accesstoken.ForClient(w.Settings, w.Clients[web], nil, w.Now())
			claims.Subject = "ada-1"
			expectInactive(w.introspect(web, w.Sign(claims)))
			g2 := w.grant(web)
			g2.Issuer = "other"
			g2.ID = grant.NewID()
			Expect(w.Grants.Create(context.Background(), g2)).To(Succeed())
			expectInactive(w.introspect(web, w.AccessToken(g2)), "of another issuer")
		})

		It("OpenID Connect Core §8.1: has the sub that its client knows the person by", func() {
			w.Clients[web].OpenID.SubjectType = oauth.SubjectTypePairwise
			w.Clients[web].OpenID.Sector = "app.example.com"
			claims := accesstoken.ForGrant(w.Settings, w.Clients[web], g, g.Scope, w.Now())
			subject, err := accesstoken.Subject(w.Keys.Load(), w.Clients[web], g.Subject)
			Expect(err).NotTo(HaveOccurred())
			claims.Subject = subject
			Expect(expectActive(w.introspect(web, w.Sign(claims)))).To(HaveKeyWithValue("sub", subject))
			Expect(expectActive(w.introspect(web, w.RefreshToken(g)))).To(HaveKeyWithValue("sub", subject))
		})

		It("RFC 6749 §4.4: of a client for itself has its client_id as sub", func() {
			own := w.Sign(accesstoken.ForClient(w.Settings, w.Clients[job], oauth.Scope{"files:read"}, w.Now()).For(w.Settings, []string{filesAPI}))
			Expect(expectActive(w.introspect(files, own))).To(And(HaveKeyWithValue("sub", job), HaveKeyWithValue("client_id", job)))
		})
	})

	Describe("of a refresh token", func() {
		It("RFC 7662 §2.2: tells its own client, with no token_type", func() {
			Expect(expectActive(w.introspect(web, w.RefreshToken(g)))).To(Equal(map[string]any{
				"active": true, "client_id": web, "scope": "openid files:read calendar:read", "sub": "ada-1",
				"iss": "https://auth.example.com", "iat": float64(w.Now().Unix()), "exp": float64(w.Now().Add(time.Hour).Unix()),
			}))
		})

		It("RFC 7662 §4: tells nobody else, whatever they serve", func() {
			for _, stranger := range []string{calendar, files, job} {
				expectInactive(w.introspect(stranger, w.RefreshToken(g)))
			}
		})

		It("is not active once it was replaced and the grace is over, and asking does the grant no harm", func() {
			first := w.RefreshToken(g)
			moved, err := w.Grants.Advance(context.Background(), g.Key(), 0, w.Now(), w.Now().Add(time.Hour))
			Expect(err).NotTo(HaveOccurred())
			expectActive(w.introspect(web, first))
			w.Advance(30 * time.Second)
			expectInactive(w.introspect(web, first))
			expectActive(w.introspect(web, w.RefreshToken(moved)))
			ahead := moved
			ahead.Generation++
			expectInactive(w.introspect(web, w.RefreshToken(ahead)))
		})

		It("is not active when the grant is over, or was tampered with", func() {
			token := w.RefreshToken(g)
			other := g
			other.Scope = oauth.Scope{"admin"}
			expectInactive(w.introspect(web, w.RefreshToken(other)))
			w.Advance(time.Hour)
			expectInactive(w.introspect(web, token))
		})
	})

	It("RFC 7662 §2.2: is not active what is no token, or one of another kind", func() {
		idToken, err := accesstoken.IDToken{
			Client: w.Clients[web], Grant: g, Person: &resourceowner.Person{}, Scope: g.Scope,
		}.Sign(w.Settings, w.Keys.Load(), w.Now())
		Expect(err).NotTo(HaveOccurred())
		for _, token := range []string{
			"x", "a.b.c", strings.Repeat("A", 60<<10), w.RefreshToken(g) + "A", w.AccessToken(g)[1:], idToken, "é\x00\"",
		} {
			expectInactive(w.introspect(web, token))
		}
	})

	It("RFC 7662 §4: is not active what another has signed, though it says what ours says", func() {
		token := w.AccessToken(g)
		stranger := newWorld()
		stranger.Keys.Store(worldtest.Compile(worldtest.Ring(epoch.Add(-time.Hour), keyring.UseSignES256, keyring.UseRefresh)))
		foreign, signature := stranger.AccessToken(g), strings.LastIndex(token, ".")
		for _, forged := range []string{
			foreign, stranger.RefreshToken(g), token[:signature], token[:signature+1],
			token[:signature] + foreign[strings.LastIndex(foreign, "."):],
		} {
			expectInactive(w.introspect(web, forged))
		}
		expectActive(w.introspect(web, token))
	})

	It("RFC 6749 §2.3.1: slows down who guesses a secret here, and never the client itself", func() {
		worldtest.ExpectGuessesSlowed(func() answer {
			r := w.request(calendar, url.Values{"token": {"x"}})
			r.SetBasicAuth(calendar, "guess")
			return w.do(r)
		})
		expectActive(w.introspect(calendar, w.AccessToken(g, calendarAPI)))
	})

	It("RFC 7662 §2.1: finds the token whatever the hint says", func() {
		for _, hint := range []string{"access_token", "refresh_token", "urn:unknown"} {
			expectActive(w.introspect(web, w.RefreshToken(g), "token_type_hint", hint))
			expectActive(w.introspect(web, w.AccessToken(g), "token_type_hint", hint))
		}
	})

	It("RFC 7662 §2.1: 401 for whoever does not authenticate, a public client among them", func() {
		token := w.AccessToken(w.grant(app))
		a := w.introspect(app, token)
		expectError(a, 401, "invalid_client")
		Expect(a.Header.Get("WWW-Authenticate")).To(HavePrefix("Basic realm="))
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
		token := w.AccessToken(g)
		for _, method := range []string{"GET", "PUT", "DELETE", "HEAD", "OPTIONS"} {
			r := w.request(web, url.Values{"token": {token}})
			r.Method = method
			a := w.do(r)
			Expect(a.Status).To(Equal(http.StatusMethodNotAllowed))
			Expect(a.Header.Get("Allow")).To(Equal("POST"))
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
		Expect(w.do(r).Header).NotTo(HaveKey("Access-Control-Allow-Origin"))
		Expect(w.introspect(web, "x").Header).NotTo(HaveKey("Access-Control-Allow-Origin"))
	})

	DescribeTable("is 503 with Retry-After, and neither active nor inactive, while nobody can tell", func(fail func()) {
		access, refresh := w.AccessToken(g, calendarAPI), w.RefreshToken(g)
		fail()
		for caller, token := range map[string]string{calendar: access, web: refresh} {
			worldtest.ExpectUnavailable(w.introspect(caller, token))
		}
	},
		Entry("because of the store", func() { w.Grants.Before = worldtest.Away }),
		Entry("because of the directory", func() { w.Directory.Fault = worldtest.Away }),
		Entry("because there are no keys", func() { w.Keys.Store(&keys.Set{}) }),
	)

	It("is 503 while the registry cannot tell of the token's client", func() {
		token := w.AccessToken(w.grant(away), calendarAPI)
		expectError(w.introspect(calendar, token), 503, "temporarily_unavailable")
	})

	It("RFC 6749 §10.3: logs no token and no secret", func() {
		refresh, access := w.RefreshToken(g), w.AccessToken(g)
		w.introspect(web, refresh)
		w.introspect(job, access)
		w.introspect(app, access)
		w.Grants.Before = worldtest.Away
		w.introspect(web, access)
		Expect(w.Log.String()).NotTo(BeEmpty())
		for _, secret := range []string{refresh, access, w.Secrets[web], w.Secrets[job]} {
			Expect(w.Log.String()).NotTo(ContainSubstring(secret))
		}
	})
})
