package userinfo_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

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

var _ = Describe("The UserInfo endpoint, by the client's metadata", func() {
	var (
		settings *issuer.Settings
		set      *keys.Set
		grants   *memory.Store
		web      *registration.Client
		clients  worldtest.Clients
		handler  http.Handler

		everybody map[string]*resourceowner.Person
	)
	BeforeEach(func() {
		settings = &issuer.Settings{Name: "main", Issuer: "https://auth.example.com", IDTokenAlg: "ES256"}
		set = worldtest.Compile(ring())
		current := &keys.Current{}
		current.Store(set)
		grants = memory.New(func() time.Time { return epoch })
		web = &registration.Client{
			ID: "team.web", UID: "u", Scope: oauth.Scope{"openid", "email"}, Lifetimes: issuer.Lifetimes{AccessToken: time.Minute, IDToken: time.Minute},
		}
		clients = worldtest.Clients{web.ID: web}
		everybody = map[string]*resourceowner.Person{
			"ada-1": {Subject: "ada-1", Username: "ada", Name: "Ada", Email: "ada@example.com", Groups: []string{"a"}},
		}
		handler = userinfo.New(userinfo.Options{
			Settings: settings, Keys: current, Registry: clients, Grants: grants, Now: func() time.Time { return epoch },
			People: &worldtest.Directory{People: everybody},
		})
	})
	// ask makes a grant and asks with an access token from it.
	ask := func(sub string, claims ...string) *httptest.ResponseRecorder {
		GinkgoHelper()
		g := grant.Grant{
			ID: grant.NewID(), Issuer: "main", ClientID: web.ID, ClientUID: "u", Subject: "ada-1", Claims: claims,
			Scope: oauth.Scope{"openid"}, AuthTime: epoch, CreatedAt: epoch, EndsAt: epoch.Add(time.Hour), ExpiresAt: epoch.Add(time.Hour),
		}
		Expect(grants.Create(context.Background(), g)).To(Succeed())
		c := accesstoken.ForGrant(settings, web, g, g.Scope, epoch)
		c.Subject = sub
		token, err := c.Sign(set, epoch)
		Expect(err).NotTo(HaveOccurred())
		r := httptest.NewRequest(http.MethodGet, "/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}

	It("OpenID Connect Core §5.3.2: is signed where the client wants it, and is then no ID token", func() {
		for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256} {
			web.OpenID.UserinfoAlg = string(alg)
			w := ask("ada-1")
			Expect(w.Code).To(Equal(http.StatusOK), w.Body.String())
			Expect(w.Header().Get("Content-Type")).To(Equal("application/jwt"))
			Expect(w.Header().Get("Cache-Control")).To(Equal("no-store"))
			jws, err := jose.ParseSignedCompact(w.Body.String(), []jose.SignatureAlgorithm{alg})
			Expect(err).NotTo(HaveOccurred())
			public := set.Public(epoch)
			payload, err := jws.Verify(public.Key(jws.Signatures[0].Header.KeyID)[0])
			Expect(err).NotTo(HaveOccurred())
			var claims map[string]any
			Expect(json.Unmarshal(payload, &claims)).To(Succeed())
			Expect(claims).To(Equal(map[string]any{"iss": settings.Issuer, "aud": web.ID, "sub": "ada-1"}))
			_, err = accesstoken.ReadHint(settings, set, w.Body.String(), epoch)
			Expect(err).To(MatchError(accesstoken.ErrHint))
			_, err = accesstoken.Verify(settings, set, w.Body.String(), epoch)
			Expect(err).To(MatchError(accesstoken.ErrInvalid))
		}
	})

	It("OpenID Connect Core §5.5: has the claims that were asked for by name, within the client's scope", func() {
		w := ask("ada-1", "userinfo:email", "userinfo:groups", "id_token:name")
		var claims map[string]any
		Expect(json.Unmarshal(w.Body.Bytes(), &claims)).To(Succeed())
		Expect(claims).To(Equal(map[string]any{"sub": "ada-1", "email": "ada@example.com"}))
	})

	It("OpenID Connect Core §5.3.2, §5.5.1: leaves out what the person has not, essential or not, and is no error for it", func() {
		everybody["ada-1"].Email = ""
		w := ask("ada-1", "userinfo:email", "userinfo:email_verified")
		Expect(w.Code).To(Equal(http.StatusOK))
		Expect(w.Body.String()).To(MatchJSON(`{"sub":"ada-1"}`))
	})

	It("OpenID Connect Core §8.1: tells a pairwise client its own sub, and takes no other", func() {
		web.OpenID.SubjectType, web.OpenID.Sector = oauth.SubjectTypePairwise, "a.example"
		sub, err := accesstoken.Subject(set, web, "ada-1")
		Expect(err).NotTo(HaveOccurred())
		w := ask(sub)
		var claims map[string]any
		Expect(json.Unmarshal(w.Body.Bytes(), &claims)).To(Succeed())
		Expect(claims).To(Equal(map[string]any{"sub": sub}))
		Expect(ask("ada-1").Code).To(Equal(http.StatusUnauthorized), "a token from before it was pairwise")
	})

	It("RFC 6749 §4.1.2: a token of a client that is gone, or of its predecessor, is worth nothing", func() {
		web.UID = "another"
		Expect(ask("ada-1").Code).To(Equal(http.StatusUnauthorized))
		delete(clients, web.ID)
		Expect(ask("ada-1").Code).To(Equal(http.StatusUnauthorized))
	})
})
