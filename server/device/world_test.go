package device_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/device"
	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/token"
)

const (
	grantType = "urn:ietf:params:oauth:grant-type:device_code"
	tv        = "home.tv"      // a public client
	printer   = "home.printer" // a confidential one
	web       = "home.web"     // not for devices
	files     = "urn:example:files"
	alice     = "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"
	bob       = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
)

var ring = sync.OnceValue(func() keyring.Ring {
	var schedules []keyring.Schedule
	for _, use := range []keyring.Use{
		keyring.UseVerifier, keyring.UseSignES256, keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser, keyring.UsePairwise,
	} {
		schedules = append(schedules, keyring.Schedule{Use: use})
	}
	made, _, _, err := keyring.Rotate(keyring.Ring{}, schedules, epoch.Add(-time.Hour))
	if err != nil {
		panic(err)
	}
	return made
})

var epoch = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// store counts what is written, and lets a step wait or fail.
type store struct {
	grant.Store
	writes atomic.Int64
	before func(step string) error
}

func (s *store) step(name string) error {
	if name != "noted" && name != "get" {
		s.writes.Add(1)
	}
	if s.before != nil {
		return s.before(name)
	}
	return nil
}

func (s *store) Create(ctx context.Context, g grant.Grant) error {
	if err := s.step("create"); err != nil {
		return err
	}
	return s.Store.Create(ctx, g)
}

func (s *store) Note(ctx context.Context, id string, value []byte, until time.Time) error {
	if err := s.step("note"); err != nil {
		return err
	}
	return s.Store.Note(ctx, id, value, until)
}

func (s *store) Noted(ctx context.Context, id string) ([]byte, error) {
	if err := s.step("noted"); err != nil {
		return nil, err
	}
	return s.Store.Noted(ctx, id)
}

func (s *store) Revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	if err := s.step("revoke"); err != nil {
		return err
	}
	return s.Store.Revoke(ctx, key, reason)
}

// world is an issuer with two replicas on one store, its clients and people.
type world struct {
	mutex     sync.Mutex
	now       time.Time
	clients   map[string]*registration.Client
	people    map[string]resourceowner.Person
	passwords map[string]string
	secrets   map[string]string
	fault     error // of the directory and the registry

	settings *issuer.Settings
	keys     *keys.Current
	store    *store
	replicas []http.Handler
	at       atomic.Int64 // the replica that browsers are at
	http     *httptest.Server
	log      strings.Builder
}

func (w *world) clock() time.Time {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) Lookup(_ context.Context, id string) (*registration.Client, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	switch c, ok := w.clients[id]; {
	case w.fault != nil:
		return nil, w.fault
	case !ok:
		return nil, registration.ErrUnknown
	case c == nil:
		return nil, registration.ErrRefused
	default:
		return c, nil
	}
}

func (*world) Renew(context.Context, *registration.Client) *registration.Client { return nil }

func (w *world) Authenticate(_ context.Context, username, password string) (*resourceowner.Person, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for subject, person := range w.people {
		if person.Username == username && w.passwords[subject] == password {
			return &person, nil
		}
	}
	return nil, resourceowner.ErrNoSuchLogin
}

func (w *world) Person(_ context.Context, subject string) (*resourceowner.Person, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if person, ok := w.people[subject]; ok {
		return &person, w.fault
	}
	return nil, resourceowner.ErrUnknown
}

// newWorld starts an issuer with that path, "" for none.
func newWorld(path string) *world {
	w := &world{
		now:  epoch,
		keys: &keys.Current{},
		people: map[string]resourceowner.Person{
			alice: {Subject: alice, Username: "alice", Name: "Alice Example", Email: "alice@example.com", LoginTag: "a1"},
			bob:   {Subject: bob, Username: "bob", LoginTag: "b1"},
		},
		passwords: map[string]string{alice: "correct horse", bob: "battery staple"},
		clients:   map[string]*registration.Client{},
		secrets:   map[string]string{},
	}
	set, err := keys.Compile(ring())
	Expect(err).NotTo(HaveOccurred())
	w.keys.Store(set)
	w.store = &store{Store: memory.New(w.clock)}
	var logs sync.Mutex
	log := funcr.New(func(_, line string) {
		logs.Lock()
		defer logs.Unlock()
		w.log.WriteString(line + "\n")
	}, funcr.Options{Verbosity: 9})
	w.http = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.replicas[w.at.Load()].ServeHTTP(rw, r.WithContext(logr.NewContext(r.Context(), log)))
	}))
	DeferCleanup(w.http.Close)
	w.settings = &issuer.Settings{
		Name: "main", Issuer: w.http.URL + path, DisplayName: "Example Platform", IDTokenAlg: "ES256",
		Catalogue: []issuer.Scope{
			{Name: "openid", Description: "Know who you are", Default: true},
			{Name: "email", Description: "See your e-mail address"},
			{Name: "films", Description: "See the films that you have bought"},
			{Name: "offline_access"},
		},
		Resources: []issuer.Resource{{Identifier: files, Name: "The Files"}, {Identifier: "urn:example:other"}},
		Lifetimes: issuer.Lifetimes{
			Code: time.Minute, DeviceCode: 10 * time.Minute, AccessToken: 10 * time.Minute, IDToken: 10 * time.Minute,
			Refresh: 720 * time.Hour, RefreshIdle: 168 * time.Hour, RefreshGrace: 30 * time.Second, Session: 8 * time.Hour,
		},
	}
	w.register(tv, oauth.AuthMethodNone, oauth.GrantDeviceCode, oauth.GrantRefreshToken)
	w.register(printer, oauth.AuthMethodBasic, oauth.GrantDeviceCode)
	w.register(web, oauth.AuthMethodBasic, oauth.GrantAuthorizationCode)
	w.replicas = []http.Handler{w.replica(path), w.replica(path)}
	return w
}

// replica builds everything of a replica that has to do with devices.
func (w *world) replica(path string) http.Handler {
	mux := http.NewServeMux()
	mount := func(at string, h http.Handler) { mux.Handle(path+at, http.StripPrefix(path, h)) }
	login := resourceowner.NewLogin(resourceowner.LoginOptions{
		Settings: w.settings, Pages: pages.New(pages.Options{Name: w.settings.SiteName(), Assets: w.settings.URL(issuer.PathAssets)}),
		Browsers:  resourceowner.NewBrowsers(w.settings, w.keys, w.clock),
		Sessions:  resourceowner.NewSessions(w.settings, w.keys, w, w.clock),
		Directory: w, Now: w.clock,
	})
	verifiers := &keys.Verifiers{}
	verifiers.Store(ring())
	authenticator := clientauth.New(clientauth.Options{Registry: w, Verifiers: verifiers, Realm: w.settings.Issuer, Now: w.clock})
	desk := devicecode.New(devicecode.Options{Settings: w.settings, Keys: w.keys, Notes: w.store, Now: w.clock})
	mount(issuer.PathLogin, login)
	mount(issuer.PathAssets, pages.Assets())
	for at, h := range device.New(device.Options{
		Settings: w.settings, Keys: w.keys, Registry: w, Authenticator: authenticator, People: w, Desk: desk, Login: login, Now: w.clock,
	}).Handlers() {
		mount(at, h)
	}
	for at, h := range logout.New(logout.Options{
		Settings: w.settings, Keys: w.keys, Registry: w, People: w, Grants: w.store, Now: w.clock,
	}).Handlers() {
		mount(at, h)
	}
	mount(issuer.PathToken, token.New(token.Options{
		Settings: w.settings, Keys: w.keys, Registry: w, Authenticator: authenticator, Grants: w.store, People: w, Desk: desk, Now: w.clock,
	}))
	return mux
}

func (w *world) register(id, method string, grants ...string) {
	c := &registration.Client{
		ID: id, UID: "uid of " + id, Name: "The Cinema", AuthMethod: method, GrantTypes: grants,
		Scope: oauth.Scope{"openid", "email", "films", "offline_access"}, DefaultScope: oauth.Scope{"openid"},
		Resources: []string{files}, Lifetimes: w.settings.Lifetimes,
	}
	if method != oauth.AuthMethodNone {
		key, _ := ring().Active(keyring.UseVerifier, epoch)
		w.secrets[id] = credential.NewSecret()
		c.Credentials = []registration.Credential{{ID: "one", Verifier: credential.Verifier(
			key.ID, key.Material, credential.Subject{ClientUID: c.UID, CredentialID: "one"}, w.secrets[id])}}
	}
	w.clients[id] = c
}

// change replaces a client by a changed copy.
func (w *world) change(id string, how func(*registration.Client)) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	c := *w.clients[id]
	how(&c)
	w.clients[id] = &c
}

// reply is what a device is told.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (r reply) text(name string) string {
	s, _ := r.body[name].(string)
	return s
}

// send posts a form of a client to a replica.
func (w *world) send(replica int, path, client string, form url.Values) reply {
	if form == nil {
		form = url.Values{}
	}
	secret, confidential := w.secrets[client]
	if !confidential && client != "" {
		form.Set("client_id", client)
	}
	u, err := url.Parse(w.settings.Issuer + path)
	Expect(err).NotTo(HaveOccurred())
	r := httptest.NewRequest(http.MethodPost, u.Path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if confidential {
		r.SetBasicAuth(client, secret)
	}
	return w.do(replica, r)
}

func (w *world) do(replica int, r *http.Request) reply {
	rec := httptest.NewRecorder()
	w.replicas[replica].ServeHTTP(rec, r)
	answer := reply{status: rec.Code, header: rec.Header(), raw: rec.Body.String()}
	_ = json.Unmarshal(rec.Body.Bytes(), &answer.body)
	return answer
}

// begin sends a good device authorization request to a replica.
func (w *world) begin(replica int, client string, pairs ...string) reply {
	GinkgoHelper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	a := w.send(replica, "/device_authorization", client, form)
	Expect(a.status).To(Equal(http.StatusOK), a.raw)
	return a
}

// poll sends a device access token request to a replica.
func (w *world) poll(replica int, client, code string) reply {
	return w.send(replica, "/token", client, url.Values{"grant_type": {grantType}, "device_code": {code}})
}

// told expects an error of the token endpoint.
func told(a reply, code string) {
	GinkgoHelper()
	Expect(a.text("error")).To(Equal(code), a.raw)
	Expect(a.status).To(Equal(http.StatusBadRequest))
	Expect(a.header.Get("Cache-Control")).To(Equal("no-store"))
	Expect(a.body).To(HaveLen(2), "nothing but the error")
}
