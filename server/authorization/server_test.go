package authorization_test

import (
	"context"
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

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/authorization"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// clients is a registry kept in a map.
type clients struct {
	sync.Mutex
	known   map[string]*registration.Client
	refused map[string]bool
	fault   error
}

func (c *clients) Lookup(_ context.Context, id string) (*registration.Client, error) {
	c.Lock()
	defer c.Unlock()
	switch {
	case c.fault != nil:
		return nil, c.fault
	case c.refused[id]:
		return nil, registration.ErrRefused
	case c.known[id] == nil:
		return nil, registration.ErrUnknown
	}
	return c.known[id], nil
}

func (*clients) Renew(context.Context, *registration.Client) *registration.Client { return nil }

// people is a directory kept in a map, by subject.
type people struct {
	sync.Mutex
	known     map[string]resourceowner.Person
	passwords map[string]string // by subject
	fault     error
	busy      bool
}

func (p *people) Authenticate(_ context.Context, username, password string) (*resourceowner.Person, error) {
	p.Lock()
	defer p.Unlock()
	if p.busy {
		return nil, resourceowner.ErrBusy
	}
	for subject, person := range p.known {
		if person.Username == username && p.passwords[subject] == password {
			return &person, nil
		}
	}
	return nil, resourceowner.ErrNoSuchLogin
}

func (p *people) Person(_ context.Context, subject string) (*resourceowner.Person, error) {
	p.Lock()
	defer p.Unlock()
	if p.fault != nil {
		return nil, p.fault
	}
	if person, ok := p.known[subject]; ok {
		return &person, nil
	}
	return nil, resourceowner.ErrUnknown
}

// clock that moves when it is told to.
type clock struct {
	sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.Lock()
	defer c.Unlock()
	c.at = c.at.Add(d)
}

const (
	confidential = "shop.frontend"
	public       = "shop.cli"
	several      = "shop.several"
	callback     = "https://shop.example/callback"
	verifierS256 = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636 Appendix B
	alice        = "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"
	bob          = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
)

// world is an authorization endpoint with everything that it stands on.
type world struct {
	clock    *clock
	clients  *clients
	people   *people
	settings *issuer.Settings
	keys     *keys.Current
	http     *httptest.Server
	log      *strings.Builder
}

// newWorld starts an issuer with that path ("" for none) over TLS, for a spec.
func newWorld(path string) *world {
	w := startWorld(path)
	DeferCleanup(w.http.Close)
	return w
}

// startWorld is newWorld for whoever stops it themselves.
func startWorld(path string) *world {
	w := &world{
		clock: &clock{at: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)},
		clients: &clients{refused: map[string]bool{}, known: map[string]*registration.Client{
			confidential: newClient(confidential, oauth.AuthMethodBasic, callback),
			public:       newClient(public, oauth.AuthMethodNone, "http://127.0.0.1/done", "com.example.shop:/done"),
			several:      newClient(several, oauth.AuthMethodBasic, callback, callback+"?tenant=a%2Fb&x="),
		}},
		people: &people{
			known: map[string]resourceowner.Person{
				alice: {Subject: alice, Username: "alice", Name: "Alice Example", LoginTag: "a1"},
				bob:   {Subject: bob, Username: "bob", LoginTag: "b1"},
			},
			passwords: map[string]string{alice: "correct horse", bob: "battery staple"},
		},
		keys: &keys.Current{},
		log:  &strings.Builder{},
	}
	mux := http.NewServeMux()
	var logs sync.Mutex
	log := funcr.New(func(_, line string) {
		logs.Lock()
		defer logs.Unlock()
		w.log.WriteString(line + "\n")
	}, funcr.Options{Verbosity: 9})
	w.http = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(rw, r.WithContext(logr.NewContext(r.Context(), log)))
	}))
	w.settings = &issuer.Settings{
		Name: "main", Issuer: w.http.URL + path, DisplayName: "Example Platform",
		Catalogue: []issuer.Scope{
			{Name: "openid", Description: "Know who you are", Default: true},
			{Name: "email", Description: "See your e-mail address"},
			{Name: "orders:read", Description: "Read your orders"},
			{Name: "admin"},
		},
		Resources: []issuer.Resource{
			{Identifier: calendarAPI, Name: "The Calendar"}, {Identifier: filesAPI, Scope: oauth.Scope{"orders:read"}}, {Identifier: "urn:other"},
		},
		Lifetimes: issuer.Lifetimes{Code: time.Minute, Session: 8 * time.Hour},
	}
	w.keys.Store(compile(newRing(w.clock.at)))
	login := w.login()
	mux.Handle(path+issuer.PathLogin, http.StripPrefix(path, login))
	mux.Handle(path+issuer.PathAssets, http.StripPrefix(path, pages.Assets()))
	for p, handler := range w.endpoint(login).Handlers() {
		mux.Handle(path+p, http.StripPrefix(path, handler))
	}
	return w
}

// login makes the login of the issuer.
func (w *world) login() *resourceowner.Login {
	return resourceowner.NewLogin(resourceowner.LoginOptions{
		Settings: w.settings, Pages: pages.New(pages.Options{Name: w.settings.SiteName(), Assets: w.settings.URL(issuer.PathAssets)}),
		Browsers:  resourceowner.NewBrowsers(w.settings, w.keys, w.clock.now),
		Sessions:  resourceowner.NewSessions(w.settings, w.keys, w.people, w.clock.now),
		Directory: w.people, Now: w.clock.now,
	})
}

func (w *world) endpoint(login *resourceowner.Login) *authorization.Endpoint {
	return authorization.New(authorization.Options{
		Settings: w.settings, Keys: w.keys, Registry: w.clients, People: w.people, Login: login, Now: w.clock.now,
	})
}

func newClient(id, method string, redirectURIs ...string) *registration.Client {
	c := &registration.Client{
		ID: id, UID: "uid of " + id, Name: "The Shop", AuthMethod: method,
		GrantTypes: []string{oauth.GrantAuthorizationCode}, ResponseTypes: []string{oauth.ResponseTypeCode},
		Scope: oauth.Scope{"openid", "email", "orders:read"}, DefaultScope: oauth.Scope{"openid"},
		Resources: []string{calendarAPI, filesAPI},
	}
	for _, uri := range redirectURIs {
		c.RedirectURIs = append(c.RedirectURIs, registration.CompileRedirectURI(uri, c.Public()))
	}
	return c
}

func newRing(now time.Time) keyring.Ring {
	ring, _, _, err := keyring.Rotate(keyring.Ring{},
		[]keyring.Schedule{{Use: keyring.UseCode}, {Use: keyring.UseBrowser}, {Use: keyring.UseSignES256}, {Use: keyring.UsePairwise}}, now)
	if err != nil {
		panic(err)
	}
	return ring
}

func compile(ring keyring.Ring) *keys.Set {
	set, err := keys.Compile(ring)
	if err != nil {
		panic(err)
	}
	return set
}

// change replaces a client by a changed copy.
func (w *world) change(id string, how func(*registration.Client)) {
	w.clients.Lock()
	defer w.clients.Unlock()
	c := *w.clients.known[id]
	how(&c)
	w.clients.known[id] = &c
}

// person changes a person; nil removes them.
func (w *world) person(subject string, how func(*resourceowner.Person)) {
	w.people.Lock()
	defer w.people.Unlock()
	if how == nil {
		delete(w.people.known, subject)
		return
	}
	p := w.people.known[subject]
	how(&p)
	w.people.known[subject] = p
}

// request returns the parameters of a good request, changed by pairs of name and
// value; an empty value leaves the parameter out.
func request(pairs ...string) url.Values {
	v := url.Values{
		"client_id": {confidential}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"},
		"state": {"xyz"}, "code_challenge": {verifierS256}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Del(pairs[i])
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

// code opens the code of a successful answer.
func (w *world) code(a answer) grant.Code {
	GinkgoHelper()
	Expect(a.query.Has("error")).To(BeFalse(), a.location)
	c, err := grant.OpenCode(w.keys.Load(), a.query.Get("code"), w.clock.now())
	Expect(err).NotTo(HaveOccurred())
	return c
}

var errBroken = errors.New("the reason for the log alone")
