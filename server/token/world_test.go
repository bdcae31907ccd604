package token_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"sync"
	"time"

	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/token"
)

var (
	epoch = time.Date(2026, 11, 12, 13, 14, 15, 678_901_234, time.UTC)
	ring  = sync.OnceValue(func() keyring.Ring {
		return worldtest.Ring(epoch.Add(-time.Hour), keyring.UseVerifier, keyring.UseSignES256, keyring.UseSignRS256,
			keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser, keyring.UsePairwise)
	})
)

// What the specs say most often.
type answer = worldtest.Answer

var (
	pairs       = worldtest.Pairs
	expectError = worldtest.ExpectError
)

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 Appendix B
	callback = "https://app.example.com/callback"
	subject  = "5a6e2b1c-0000-4000-8000-000000000001"
)

// world is an issuer with its clients and people, behind a token endpoint.
type world struct {
	*worldtest.World
	endpoint http.Handler // as it is
	handler  http.Handler // with a log
}

func newWorld() *world {
	w := &world{World: worldtest.New(epoch, ring(), &issuer.Settings{
		Name: "main", Issuer: "https://auth.example.com/main", IDTokenAlg: "RS256",
		Lifetimes: issuer.Lifetimes{
			Code: time.Minute, AccessToken: 10 * time.Minute, IDToken: 5 * time.Minute,
			Refresh: 30 * 24 * time.Hour, RefreshIdle: 7 * 24 * time.Hour, RefreshGrace: 30 * time.Second,
		},
	})}
	w.People[subject] = &resourceowner.Person{
		Subject: subject, Username: "ada", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"engines"},
	}
	w.register("team.web", oauth.AuthMethodBasic, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
	w.register("team.form", oauth.AuthMethodPost, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
	w.register("team.spa", oauth.AuthMethodNone, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
	w.register("team.brief", oauth.AuthMethodBasic, oauth.GrantAuthorizationCode)
	w.register("team.job", oauth.AuthMethodBasic, oauth.GrantClientCredentials)
	w.endpoint = token.New(token.Options{
		Settings: w.Settings, Keys: w.Keys, Registry: w, Grants: w.Grants, People: w, Now: w.Now, Authenticator: w.Authenticator(),
	})
	w.handler = w.Logged(w.endpoint)
	return w
}

// register makes a client of that method for those grant types.
func (w *world) register(id, method string, grantTypes ...string) {
	w.Register(&registration.Client{
		ID: id, UID: "uid-of-" + id, AuthMethod: method, GrantTypes: grantTypes, ResponseTypes: []string{"code"},
		Scope:        oauth.Scope{"openid", "profile", "email", "groups", "read", "write"},
		DefaultScope: oauth.Scope{"openid", "read"},
		Lifetimes:    w.Settings.Lifetimes,
	})
}

// code is what an authorization code for the client says, after changes.
func (w *world) code(clientID string, change ...func(*grant.Code)) string {
	sum := sha256.Sum256([]byte(verifier))
	c := grant.Code{
		GrantID: grant.NewID(), IssuedAt: w.Now().Unix(), ExpiresAt: w.Now().Add(w.Settings.Lifetimes.Code).Unix(),
		ClientID: clientID, ClientUID: "uid-of-" + clientID, RedirectURI: callback, RedirectURISent: true,
		Subject: subject, Username: "ada", Scope: oauth.Scope{"openid", "profile", "read"}, SessionID: "session-1",
		AuthTime: w.Now().Add(-time.Hour).Unix(), Nonce: "n-0S6_WzA2Mj&=\"<é>",
		Challenge: base64.RawURLEncoding.EncodeToString(sum[:]),
	}
	for _, f := range change {
		f(&c)
	}
	code, err := grant.SealCode(w.Keys.Load(), c, w.Now())
	if err != nil {
		panic(err)
	}
	return code
}

// request makes a token request of the client, authenticated as it is registered.
func (w *world) request(clientID string, form url.Values) *http.Request {
	return w.Request("/token", clientID, form)
}

func (w *world) do(r *http.Request) answer { return worldtest.Ask(w.handler, r) }

func (w *world) post(clientID string, form url.Values) answer { return w.do(w.request(clientID, form)) }

// redeem sends a code as the client of the flow does, after changes.
func (w *world) redeem(clientID, code string, change ...string) answer {
	form := pairs("grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier)
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return w.post(clientID, form)
}

func (w *world) refresh(clientID, refreshToken string, more ...string) answer {
	return w.post(clientID, pairs(append([]string{"grant_type", "refresh_token", "refresh_token", refreshToken}, more...)...))
}

// access checks the access token of an answer as a resource server does.
func (w *world) access(a answer) accesstoken.Claims {
	claims, err := accesstoken.Verify(w.Settings, w.Keys.Load(), a.Text("access_token"), w.Now())
	ExpectWithOffset(1, err).NotTo(HaveOccurred(), a.Raw)
	return claims
}

// grantOf returns the grant that an access token rests on.
func (w *world) grantOf(claims accesstoken.Claims) grant.Grant {
	g, err := w.Grants.Store.Get(context.Background(), grant.Key{ClientID: claims.ClientID, ID: claims.GrantID})
	ExpectWithOffset(1, err).NotTo(HaveOccurred())
	return g
}
