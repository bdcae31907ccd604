package userinfo_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/userinfo"
)

var epoch = time.Date(2026, 11, 12, 13, 14, 15, 0, time.UTC)

var ring = sync.OnceValue(func() keyring.Ring {
	return worldtest.Ring(epoch, keyring.UseSignES256, keyring.UseSignRS256, keyring.UsePairwise)
})

var _ = Describe("The UserInfo endpoint", func() {
	var (
		now      time.Time
		settings *issuer.Settings
		set      *keys.Set
		grants   *memory.Store
		who      *worldtest.Directory
		handler  http.Handler
		web      *registration.Client
		clients  worldtest.Clients
		g        grant.Grant
		token    string
	)

	BeforeEach(func() {
		now = epoch
		settings = &issuer.Settings{
			Name: "main", Issuer: "https://auth.example.com", IDTokenAlg: "ES256",
		}
		web = &registration.Client{
			ID: "team.web", UID: "u", Scope: oauth.Scope{"openid", "profile", "email", "groups"}, Lifetimes: issuer.Lifetimes{AccessToken: 10 * time.Minute, IDToken: 10 * time.Minute},
		}
		clients = worldtest.Clients{"team.web": web}
		set = worldtest.Compile(ring())
		current := &keys.Current{}
		current.Store(set)
		grants = memory.New(func() time.Time { return now })
		who = &worldtest.Directory{People: map[string]*resourceowner.Person{
			"ada-1": {Subject: "ada-1", Username: "ada", Name: "Ada", Email: "ada@example.com", Groups: []string{"a"}},
			"bob-2": {Subject: "bob-2", Username: "bob"},
		}}
		handler = userinfo.New(userinfo.Options{
			Settings: settings, Keys: current, Registry: clients, Grants: grants, People: who,
			Now: func() time.Time { return now },
		})
		g = grant.Grant{
			ID: grant.NewID(), Issuer: "main", ClientID: "team.web", ClientUID: "u", Subject: "ada-1",
			Scope: oauth.Scope{"openid", "profile", "email", "groups"}, AuthTime: now, CreatedAt: now,
			EndsAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
		}
		Expect(grants.Create(context.Background(), g)).To(Succeed())
		var err error
		token, err = accesstoken.ForGrant(settings, web, g, g.Scope, now).Sign(set, now)
		Expect(err).NotTo(HaveOccurred())
	})

	tokenFor := func(g grant.Grant, scope ...string) string {
		GinkgoHelper()
		client := &registration.Client{ID: g.ClientID, Lifetimes: web.Lifetimes}
		token, err := accesstoken.ForGrant(settings, client, g, scope, now).Sign(set, now)
		Expect(err).NotTo(HaveOccurred())
		return token
	}

	// send sends a request with that header and, in a form, that access token.
	send := func(method, target, authorization, inBody string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(url.Values{"access_token": {inBody}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		return rec
	}
	claimsOf := func(rec *httptest.ResponseRecorder) (claims map[string]any) {
		GinkgoHelper()
		Expect(rec.Code).To(Equal(http.StatusOK), rec.Body.String())
		Expect(json.Unmarshal(rec.Body.Bytes(), &claims)).To(Succeed())
		return claims
	}
	expectError := func(rec *httptest.ResponseRecorder, status int, code string) {
		GinkgoHelper()
		Expect(rec.Code).To(Equal(status), rec.Body.String())
		Expect(rec.Header().Get("WWW-Authenticate")).To(HavePrefix(`Bearer realm="https://auth.example.com", error="` + code + `", error_description="`))
		Expect(rec.Header().Get("Cache-Control")).To(Equal("no-store"))
		Expect(rec.Body.String()).To(ContainSubstring(`"error":"` + code + `"`))
	}

	It("OpenID Connect Core §5.3: answers GET and POST, with the token in the header or in the form", func() {
		all := map[string]any{
			"sub": "ada-1", "name": "Ada", "preferred_username": "ada",
			"email": "ada@example.com", "email_verified": true, "groups": []any{"a"},
		}
		Expect(claimsOf(send("GET", "/userinfo", "Bearer "+token, ""))).To(Equal(all))
		Expect(claimsOf(send("POST", "/userinfo", "bearer  "+token, ""))).To(Equal(all))
		Expect(claimsOf(send("POST", "/userinfo", "", token))).To(Equal(all))

		r := httptest.NewRequest("POST", "/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		Expect(claimsOf(rec)).To(Equal(all))
		Expect(rec.Header().Get("Content-Type")).To(Equal("application/json"))
		Expect(rec.Header().Get("Cache-Control")).To(Equal("no-store"))
	})

	It("OpenID Connect Core §5.4: says what the scope of the token asks for, and always sub", func() {
		Expect(claimsOf(send("GET", "/userinfo", "Bearer "+tokenFor(g, "openid"), ""))).To(Equal(map[string]any{"sub": "ada-1"}))
		Expect(claimsOf(send("GET", "/userinfo", "Bearer "+tokenFor(g, "email", "openid"), ""))).To(HaveLen(3))
	})

	It("takes no other method", func() {
		for _, method := range []string{"PUT", "DELETE", "HEAD", "OPTIONS"} {
			rec := send(method, "/userinfo", "Bearer "+token, "")
			Expect(rec.Code).To(Equal(http.StatusMethodNotAllowed))
			Expect(rec.Header().Get("Allow")).To(Equal("GET, POST"))
		}
	})

	It("RFC 6750 §3, §3.1: without a token there is a challenge with the realm and no error", func() {
		for _, rec := range []*httptest.ResponseRecorder{
			send("GET", "/userinfo", "", ""), send("POST", "/userinfo", "", ""),
			send("GET", "/userinfo", "", token), // a GET request has no form
			send("GET", "/userinfo", "Basic YTpi", ""),
		} {
			Expect(rec.Code).To(Equal(http.StatusUnauthorized))
			Expect(rec.Header().Values("WWW-Authenticate")).To(Equal([]string{`Bearer realm="https://auth.example.com"`}))
			Expect(rec.Body.Len()).To(BeZero())
		}
	})

	It("RFC 6750 §2, §3.1: invalid_request for a token in two places, in the URL, or in none of the header", func() {
		expectError(send("POST", "/userinfo", "Bearer "+token, token), 400, "invalid_request")
		expectError(send("GET", "/userinfo?access_token="+token, "", ""), 400, "invalid_request")
		expectError(send("GET", "/userinfo?access_token="+token, "Bearer "+token, ""), 400, "invalid_request")
		expectError(send("GET", "/userinfo", "Bearer", ""), 400, "invalid_request")
		expectError(send("GET", "/userinfo", "Bearer  ", ""), 400, "invalid_request")

		r := httptest.NewRequest("POST", "/userinfo", strings.NewReader("access_token="+token+"&access_token="+token))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		expectError(rec, 400, "invalid_request")

		r = httptest.NewRequest("GET", "/userinfo", nil)
		r.Header["Authorization"] = []string{"Bearer " + token, "Bearer " + token}
		rec = httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		expectError(rec, 400, "invalid_request")
	})

	It("RFC 6750 §3.1: invalid_token for one that is malformed, expired, or of another kind", func() {
		idToken, err := accesstoken.IDToken{Client: web, Grant: g, Person: who.People["ada-1"], Scope: g.Scope}.Sign(settings, set, now)
		Expect(err).NotTo(HaveOccurred())
		for _, bad := range []string{"x", token + "A", token[1:], idToken, "é\"\\", "a b"} {
			expectError(send("GET", "/userinfo", "Bearer "+bad, ""), 401, "invalid_token")
		}
		now = now.Add(10 * time.Minute)
		expectError(send("GET", "/userinfo", "Bearer "+token, ""), 401, "invalid_token")
	})

	It("RFC 9068 §4, RFC 8707 §2: invalid_token for one that is for another resource, good for one that is for this too", func() {
		sign := func(resources ...string) string {
			GinkgoHelper()
			token, err := accesstoken.ForGrant(settings, web, g, g.Scope, now).For(settings, resources).Sign(set, now)
			Expect(err).NotTo(HaveOccurred())
			return token
		}
		expectError(send("GET", "/userinfo", "Bearer "+sign("https://api.example.com"), ""), 401, "invalid_token")
		expectError(send("GET", "/userinfo", "Bearer "+sign("https://api.example.com", settings.Issuer+"/"), ""), 401, "invalid_token")
		claimsOf(send("GET", "/userinfo", "Bearer "+sign("https://api.example.com", settings.Issuer), ""))
	})

	It("RFC 6750 §2.2: reads the form of a POST request alone, and no other body", func() {
		for _, contentType := range []string{"application/json", "multipart/form-data; boundary=x", "text/plain", "", ";"} {
			r := httptest.NewRequest("POST", "/userinfo", strings.NewReader("access_token="+token))
			r.Header.Set("Content-Type", contentType)
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, r)
			Expect(rec.Code).To(Equal(http.StatusUnauthorized), contentType)
			Expect(rec.Header().Get("WWW-Authenticate")).NotTo(ContainSubstring("error"), contentType)
		}
		r := httptest.NewRequest("POST", "/userinfo", strings.NewReader("access_token="+strings.Repeat("A", 70<<10)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		expectError(rec, 400, "invalid_request")
	})

	It("RFC 6750 §3: the challenge is one header with nothing of the request in it", func() {
		rec := send("GET", "/userinfo", "Bearer x\", realm=\"evil", "")
		Expect(rec.Header().Values("WWW-Authenticate")).To(HaveLen(1))
		Expect(rec.Header().Get("WWW-Authenticate")).NotTo(ContainSubstring("evil"))
	})

	It("RFC 6750 §3: no attribute of the challenge comes twice, and each is of the characters that it may have", func() {
		for _, rec := range []*httptest.ResponseRecorder{
			send("GET", "/userinfo", "", ""),
			send("GET", "/userinfo", "Bearer é\"\\\x01", ""),
			send("POST", "/userinfo?access_token=%22%5C", "Bearer \"", "\\"),
			send("GET", "/userinfo", "Bearer "+tokenFor(g, "profile"), ""),
		} {
			challenge := rec.Header().Get("WWW-Authenticate")
			Expect(challenge).To(MatchRegexp(`^Bearer [a-z_]+="[ !#-\[\]-~]+"(, [a-z_]+="[ !#-\[\]-~]+")*$`))
			seen := map[string]bool{}
			for _, attribute := range regexp.MustCompile(`([a-z_]+)="`).FindAllStringSubmatch(challenge, -1) {
				Expect(seen).NotTo(HaveKey(attribute[1]), challenge)
				seen[attribute[1]] = true
			}
			Expect(seen).To(HaveKey("realm"))
		}
	})

	It("RFC 6750 §3.1: insufficient_scope without openid", func() {
		rec := send("GET", "/userinfo", "Bearer "+tokenFor(g, "profile"), "")
		expectError(rec, 403, "insufficient_scope")
		Expect(rec.Header().Get("WWW-Authenticate")).To(HaveSuffix(`, scope="openid"`))
		own, err := accesstoken.ForClient(settings, &registration.Client{ID: "team.job", Lifetimes: web.Lifetimes}, oauth.Scope{"read"}, now).Sign(set, now)
		Expect(err).NotTo(HaveOccurred())
		expectError(send("GET", "/userinfo", "Bearer "+own, ""), 403, "insufficient_scope")
	})

	It("RFC 6749 §4.1.2: the token is worth nothing when its grant was revoked, is gone, or was never there", func() {
		never := g
		never.ID = grant.NewID()
		expectError(send("GET", "/userinfo", "Bearer "+tokenFor(never, "openid"), ""), 401, "invalid_token")
		other := g
		other.ClientID = "team.other"
		expectError(send("GET", "/userinfo", "Bearer "+tokenFor(other, "openid"), ""), 401, "invalid_token")
		bob := g
		bob.Subject = "bob-2"
		expectError(send("GET", "/userinfo", "Bearer "+tokenFor(bob, "openid"), ""), 401, "invalid_token")
		own, err := accesstoken.ForClient(settings, web, oauth.Scope{"openid"}, now).Sign(set, now)
		Expect(err).NotTo(HaveOccurred())
		expectError(send("GET", "/userinfo", "Bearer "+own, ""), 401, "invalid_token")

		Expect(grants.Revoke(context.Background(), g.Key(), grant.CodeReplayed)).To(Succeed())
		expectError(send("GET", "/userinfo", "Bearer "+token, ""), 401, "invalid_token")
	})

	It("the token is worth nothing when the person may no longer log in", func() {
		delete(who.People, "ada-1")
		expectError(send("GET", "/userinfo", "Bearer "+token, ""), 401, "invalid_token")
	})

	It("is 503, and no challenge, while directory or store cannot tell", func() {
		who.Fault = worldtest.Away
		rec := send("GET", "/userinfo", "Bearer "+token, "")
		Expect(rec.Code).To(Equal(http.StatusServiceUnavailable))
		Expect(rec.Header()).NotTo(HaveKey("Www-Authenticate"))
		Expect(rec.Header().Get("Retry-After")).NotTo(BeEmpty())
		Expect(rec.Body.String()).NotTo(ContainSubstring("away"))

		who.Fault = nil
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r := httptest.NewRequest("GET", "/userinfo", nil).WithContext(ctx)
		r.Header.Set("Authorization", "Bearer "+token)
		rec = httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		Expect(rec.Code).To(Equal(http.StatusServiceUnavailable))
	})

	It("OpenID Connect Core §5.3: lets scripts of other origins in", func() {
		r := httptest.NewRequest("OPTIONS", "/userinfo", nil)
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Access-Control-Request-Method", "GET")
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		Expect(rec.Code).To(Equal(http.StatusNoContent))
		Expect(rec.Header().Get("Access-Control-Allow-Methods")).To(Equal("GET, POST"))
	})
})
