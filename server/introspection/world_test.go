package introspection_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/introspection"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

var (
	epoch = time.Date(2026, 11, 12, 13, 14, 15, 0, time.UTC)
	ring  = sync.OnceValue(func() keyring.Ring {
		var schedules []keyring.Schedule
		for _, use := range []keyring.Use{keyring.UseVerifier, keyring.UseSignES256, keyring.UseSignRS256, keyring.UseRefresh, keyring.UsePairwise} {
			schedules = append(schedules, keyring.Schedule{Use: use})
		}
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, schedules, epoch.Add(-time.Hour))
		if err != nil {
			panic(err)
		}
		return ring
	})
)

// clients is a registry.
type clients map[string]*registration.Client

func (c clients) Lookup(_ context.Context, id string) (*registration.Client, error) {
	if id == away {
		return nil, errAway
	}
	if client, ok := c[id]; ok {
		return client, nil
	}
	return nil, registration.ErrUnknown
}

func (clients) Renew(context.Context, *registration.Client) *registration.Client { return nil }

// store fails to tell.
type store struct {
	grant.Store
	fails error
}

func (s *store) Get(ctx context.Context, key grant.Key) (grant.Grant, error) {
	if s.fails != nil {
		return grant.Grant{}, s.fails
	}
	return s.Store.Get(ctx, key)
}

// people is a directory of those who may log in.
type people struct {
	known map[string]bool
	fails error
}

func (p *people) Person(_ context.Context, subject string) (*resourceowner.Person, error) {
	switch {
	case p.fails != nil:
		return nil, p.fails
	case !p.known[subject]:
		return nil, resourceowner.ErrUnknown
	}
	return &resourceowner.Person{Subject: subject, Username: "ada"}, nil
}

func (*people) Authenticate(context.Context, string, string) (*resourceowner.Person, error) {
	return nil, resourceowner.ErrNoSuchLogin
}

var errAway = errors.New("the store is at 10.0.0.7 and away")

type world struct {
	now      time.Time
	settings *issuer.Settings
	keys     *keys.Current
	clients  clients
	grants   *store
	people   *people
	handler  http.Handler
	secrets  map[string]string
	log      *strings.Builder
}

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

func newWorld() *world {
	w := &world{
		now: epoch, keys: &keys.Current{}, clients: clients{}, secrets: map[string]string{}, log: &strings.Builder{},
		settings: &issuer.Settings{
			Name: "main", Issuer: "https://auth.example.com",
			Resources: []issuer.Resource{
				{Identifier: calendarAPI, ServedBy: []string{calendar}},
				{Identifier: filesAPI, Scope: oauth.Scope{"files:read"}, ServedBy: []string{files, web}},
			},
		},
	}
	set, err := keys.Compile(ring())
	Expect(err).NotTo(HaveOccurred())
	w.keys.Store(set)
	clock := func() time.Time { return w.now }
	w.grants = &store{Store: memory.New(clock)}
	w.people = &people{known: map[string]bool{"ada-1": true}}
	for id, method := range map[string]string{
		web: oauth.AuthMethodBasic, app: oauth.AuthMethodNone, job: oauth.AuthMethodPost,
		calendar: oauth.AuthMethodBasic, files: oauth.AuthMethodBasic, away: oauth.AuthMethodBasic,
	} {
		client := &registration.Client{
			ID: id, UID: "uid-of-" + id, AuthMethod: method,
			Lifetimes: issuer.Lifetimes{AccessToken: 10 * time.Minute, RefreshGrace: 30 * time.Second},
		}
		if method != oauth.AuthMethodNone {
			key, _ := ring().Active(keyring.UseVerifier, w.now)
			w.secrets[id] = credential.NewSecret()
			client.Credentials = []registration.Credential{{ID: "one", Verifier: credential.Verifier(
				key.ID, key.Material, credential.Subject{ClientUID: client.UID, CredentialID: "one"}, w.secrets[id])}}
		}
		w.clients[id] = client
	}
	verifiers := &keys.Verifiers{}
	verifiers.Store(ring())
	endpoint := introspection.New(introspection.Options{
		Settings: w.settings, Keys: w.keys, Registry: w.clients, Grants: w.grants, People: w.people, Now: clock,
		Authenticator: clientauth.New(clientauth.Options{Registry: w.clients, Verifiers: verifiers, Realm: w.settings.Issuer, Now: clock}),
	})
	logger := funcr.New(func(_, args string) { w.log.WriteString(args + "\n") }, funcr.Options{Verbosity: 9})
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		endpoint.ServeHTTP(rw, r.WithContext(logr.NewContext(r.Context(), logger)))
	})
	return w
}

// grant makes a grant of the client.
func (w *world) grant(clientID string) grant.Grant {
	GinkgoHelper()
	g := grant.Grant{
		ID: grant.NewID(), Issuer: "main", ClientID: clientID, ClientUID: "uid-of-" + clientID, Subject: "ada-1",
		Scope: oauth.Scope{"openid", "files:read", "calendar:read"}, AuthTime: w.now, CreatedAt: w.now,
		EndsAt: w.now.Add(24 * time.Hour), ExpiresAt: w.now.Add(time.Hour),
	}
	Expect(w.grants.Create(context.Background(), g)).To(Succeed())
	return g
}

func (w *world) refreshToken(g grant.Grant) string {
	GinkgoHelper()
	token, err := grant.SealRefreshToken(w.keys.Load(), g, w.now)
	Expect(err).NotTo(HaveOccurred())
	return token
}

func (w *world) accessToken(g grant.Grant, resources ...string) string {
	GinkgoHelper()
	return w.sign(accesstoken.ForGrant(w.settings, w.clients[g.ClientID], g, g.Scope, w.now).For(w.settings, resources))
}

func (w *world) sign(claims accesstoken.Claims) string {
	GinkgoHelper()
	token, err := claims.Sign(w.keys.Load(), w.now)
	Expect(err).NotTo(HaveOccurred())
	return token
}

// request makes a request of the client, authenticated as it is registered.
func (w *world) request(clientID string, form url.Values) *http.Request {
	client := w.clients[clientID]
	if client.AuthMethod != oauth.AuthMethodBasic {
		form.Set("client_id", clientID)
	}
	if client.AuthMethod == oauth.AuthMethodPost {
		form.Set("client_secret", w.secrets[clientID])
	}
	r := httptest.NewRequest(http.MethodPost, "/introspect", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client.AuthMethod == oauth.AuthMethodBasic {
		r.SetBasicAuth(clientID, w.secrets[clientID])
	}
	return r
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// introspect asks about the token as the client, with more parameters in pairs.
func (w *world) introspect(clientID, token string, more ...string) *httptest.ResponseRecorder {
	form := url.Values{"token": {token}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return w.do(w.request(clientID, form))
}

// expectActive returns the members of an active answer.
func expectActive(rec *httptest.ResponseRecorder) (members map[string]any) {
	GinkgoHelper()
	Expect(rec.Code).To(Equal(http.StatusOK), rec.Body.String())
	Expect(rec.Header().Get("Content-Type")).To(Equal("application/json"))
	Expect(rec.Header().Get("Cache-Control")).To(Equal("no-store"))
	Expect(json.Unmarshal(rec.Body.Bytes(), &members)).To(Succeed())
	Expect(members).To(HaveKeyWithValue("active", true))
	return members
}

// expectInactive expects an answer that says that and nothing else.
func expectInactive(rec *httptest.ResponseRecorder, why ...any) {
	GinkgoHelper()
	Expect(rec.Code).To(Equal(http.StatusOK), rec.Body.String())
	Expect(rec.Body.String()).To(Equal(`{"active":false}`), why...)
	Expect(rec.Header().Get("Cache-Control")).To(Equal("no-store"))
}

func expectError(rec *httptest.ResponseRecorder, status int, code string) {
	GinkgoHelper()
	Expect(rec.Code).To(Equal(status), rec.Body.String())
	var body map[string]string
	Expect(json.Unmarshal(rec.Body.Bytes(), &body)).To(Succeed())
	Expect(body).To(And(HaveLen(2), HaveKeyWithValue("error", code), HaveKey("error_description")))
	Expect(rec.Header().Get("Cache-Control")).To(Equal("no-store"))
}
