package introspection_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/introspection"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

var (
	epoch = time.Date(2026, 11, 12, 13, 14, 15, 0, time.UTC)
	ring  = sync.OnceValue(func() keyring.Ring {
		return worldtest.Ring(epoch.Add(-time.Hour),
			keyring.UseVerifier, keyring.UseSignES256, keyring.UseSignRS256, keyring.UseRefresh, keyring.UsePairwise)
	})
)

// What the specs say most often.
type answer = worldtest.Answer

var expectError = worldtest.ExpectError

const (
	web      = "team.web" // client_secret_basic
	app      = "team.app" // public
	job      = "team.job" // client_secret_post
	calendar = "apis.calendar"
	files    = "apis.files"
	away     = "team.away" // nobody can tell

	calendarAPI = "https://calendar.example.com/api" // served by calendar
	filesAPI    = "urn:example:files"                // served by files, and understands files:read alone
)

// world is an issuer behind its introspection endpoint.
type world struct {
	*worldtest.World
	handler http.Handler
}

func newWorld() *world {
	w := &world{World: worldtest.New(epoch, ring(), &issuer.Settings{
		Name: "main", Issuer: "https://auth.example.com",
		Resources: []issuer.Resource{
			{Identifier: calendarAPI, ServedBy: []string{calendar}},
			{Identifier: filesAPI, Scope: oauth.Scope{"files:read"}, ServedBy: []string{files, web}},
		},
	})}
	w.People["ada-1"] = &resourceowner.Person{Subject: "ada-1", Username: "ada"}
	for id, method := range map[string]string{
		web: oauth.AuthMethodBasic, app: oauth.AuthMethodNone, job: oauth.AuthMethodPost,
		calendar: oauth.AuthMethodBasic, files: oauth.AuthMethodBasic, away: oauth.AuthMethodBasic,
	} {
		w.Register(&registration.Client{
			ID: id, UID: "uid-of-" + id, AuthMethod: method,
			Lifetimes: issuer.Lifetimes{AccessToken: 10 * time.Minute, RefreshGrace: 30 * time.Second},
		})
	}
	w.Registry.Fault = func(clientID string) error {
		if clientID == away {
			return worldtest.ErrAway
		}
		return nil
	}
	w.handler = w.Logged(introspection.New(introspection.Options{
		Settings: w.Settings, Keys: w.Keys, Registry: w, Grants: w.Grants, People: w, Now: w.Now, Authenticator: w.Authenticator(),
	}))
	return w
}

// grant makes a grant of the client.
func (w *world) grant(clientID string) grant.Grant {
	GinkgoHelper()
	return w.Grant(clientID, "openid", "files:read", "calendar:read")
}

func (w *world) request(clientID string, form url.Values) *http.Request {
	return w.Request("/introspect", clientID, form)
}

func (w *world) do(r *http.Request) answer { return worldtest.Ask(w.handler, r) }

// introspect asks about the token as the client, with more parameters in pairs.
func (w *world) introspect(clientID, token string, more ...string) answer {
	return w.do(w.request(clientID, worldtest.Pairs(append([]string{"token", token}, more...)...)))
}

// expectActive returns the members of an active answer.
func expectActive(a answer) (members map[string]any) {
	GinkgoHelper()
	Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
	Expect(a.Header.Get("Content-Type")).To(Equal("application/json"))
	Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
	Expect(json.Unmarshal([]byte(a.Raw), &members)).To(Succeed())
	Expect(members).To(HaveKeyWithValue("active", true))
	return members
}

// expectInactive expects an answer that says that and nothing else.
func expectInactive(a answer, why ...any) {
	GinkgoHelper()
	Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
	Expect(a.Raw).To(Equal(`{"active":false}`), why...)
	Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
}
