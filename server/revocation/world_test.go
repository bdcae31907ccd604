package revocation_test

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/revocation"
)

var (
	epoch = time.Date(2026, 11, 12, 13, 14, 15, 0, time.UTC)
	ring  = sync.OnceValue(func() keyring.Ring {
		return worldtest.Ring(epoch.Add(-time.Hour), keyring.UseVerifier, keyring.UseSignES256, keyring.UseSignRS256, keyring.UseRefresh)
	})
)

// What the specs say most often.
type answer = worldtest.Answer

var expectError = worldtest.ExpectError

const (
	web = "team.web" // client_secret_basic
	app = "team.app" // public
	job = "team.job" // client_secret_post
)

// world is an issuer behind its revocation endpoint.
type world struct {
	*worldtest.World
	handler http.Handler
}

func newWorld() *world {
	w := &world{World: worldtest.New(epoch, ring(), &issuer.Settings{
		Name: "main", Issuer: "https://auth.example.com",
		Resources: []issuer.Resource{{Identifier: "https://api.example.com"}},
	})}
	for id, method := range map[string]string{web: oauth.AuthMethodBasic, app: oauth.AuthMethodNone, job: oauth.AuthMethodPost} {
		w.Register(&registration.Client{
			ID: id, UID: "uid-of-" + id, AuthMethod: method,
			Lifetimes: issuer.Lifetimes{AccessToken: 10 * time.Minute, RefreshGrace: 30 * time.Second},
		})
	}
	w.handler = w.Logged(revocation.New(revocation.Options{
		Settings: w.Settings, Keys: w.Keys, Grants: w.Grants, Now: w.Now, Authenticator: w.Authenticator(),
	}))
	return w
}

// grant makes a grant of the client.
func (w *world) grant(clientID string) grant.Grant {
	GinkgoHelper()
	return w.Grant(clientID, "openid", "read")
}

// reason returns why the grant was revoked, "" if it was not.
func (w *world) reason(g grant.Grant) grant.Reason {
	GinkgoHelper()
	now, err := w.Grants.Get(context.Background(), g.Key())
	Expect(err).NotTo(HaveOccurred())
	return now.Revoked
}

func (w *world) request(clientID string, form url.Values) *http.Request {
	return w.Request("/revoke", clientID, form)
}

func (w *world) do(r *http.Request) answer { return worldtest.Ask(w.handler, r) }

// revoke sends the token as the client, with more parameters in pairs.
func (w *world) revoke(clientID, token string, more ...string) answer {
	return w.do(w.request(clientID, worldtest.Pairs(append([]string{"token", token}, more...)...)))
}

func expectDone(a answer) {
	GinkgoHelper()
	Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
	Expect(a.Raw).To(BeEmpty())
	Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
}
