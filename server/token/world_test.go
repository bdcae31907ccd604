package token_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/token"
)

// newRing makes real keys for every use.
func newRing() keyring.Ring {
	var schedules []keyring.Schedule
	for _, use := range []keyring.Use{
		keyring.UseVerifier, keyring.UseSignES256, keyring.UseSignRS256,
		keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser, keyring.UsePairwise,
	} {
		schedules = append(schedules, keyring.Schedule{Use: use})
	}
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, schedules, epoch.Add(-time.Hour))
	if err != nil {
		panic(err)
	}
	return ring
}

var (
	epoch = time.Date(2026, 11, 12, 13, 14, 15, 678_901_234, time.UTC)
	ring  = sync.OnceValue(newRing) // making an RSA key takes a while
)

// clients is a registry.
type clients map[string]*registration.Client

func (c clients) Lookup(_ context.Context, id string) (*registration.Client, error) {
	if client, ok := c[id]; ok {
		return client, nil
	}
	return nil, registration.ErrUnknown
}

func (clients) Renew(context.Context, *registration.Client) *registration.Client { return nil }

// people is a directory of those who may log in.
type people map[string]*resourceowner.Person

func (p people) Person(_ context.Context, subject string) (*resourceowner.Person, error) {
	if person, ok := p[subject]; ok {
		return person, nil
	}
	return nil, resourceowner.ErrUnknown
}

func (people) Authenticate(context.Context, string, string) (*resourceowner.Person, error) {
	return nil, resourceowner.ErrNoSuchLogin
}

// store lets a step fail that is about to be taken, or right after it was.
type store struct {
	grant.Store
	before, after func(step string) error
}

func (s *store) step(name string, take func() error) error {
	if s.before != nil {
		if err := s.before(name); err != nil {
			return err
		}
	}
	err := take()
	if err == nil && s.after != nil {
		return s.after(name)
	}
	return err
}

func (s *store) Create(ctx context.Context, g grant.Grant) error {
	return s.step("create", func() error { return s.Store.Create(ctx, g) })
}

func (s *store) Get(ctx context.Context, key grant.Key) (g grant.Grant, err error) {
	err = s.step("get", func() error { g, err = s.Store.Get(ctx, key); return err })
	return g, err
}

func (s *store) Advance(ctx context.Context, key grant.Key, from int64, at, until time.Time) (g grant.Grant, err error) {
	err = s.step("advance", func() error { g, err = s.Store.Advance(ctx, key, from, at, until); return err })
	return g, err
}

func (s *store) Revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	return s.step("revoke", func() error { return s.Store.Revoke(ctx, key, reason) })
}

// log keeps what is logged.
type log struct {
	mutex sync.Mutex
	lines strings.Builder
}

func (l *log) write(prefix, args string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lines.WriteString(prefix + " " + args + "\n")
}

func (l *log) String() string { return l.lines.String() }

// world is an issuer with its clients and people, behind a token endpoint.
type world struct {
	now      time.Time
	settings *issuer.Settings
	keys     *keys.Current
	clients  clients
	people   people
	grants   *store
	endpoint http.Handler // as it is
	handler  http.Handler // with a log
	log      *log
	secrets  map[string]string // by client_id
}

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 Appendix B
	callback = "https://app.example.com/callback"
	subject  = "5a6e2b1c-0000-4000-8000-000000000001"
)

func newWorld() *world {
	w := &world{
		now: epoch,
		settings: &issuer.Settings{
			Name: "main", Issuer: "https://auth.example.com/main", IDTokenAlg: "RS256",
			Lifetimes: issuer.Lifetimes{
				Code: time.Minute, AccessToken: 10 * time.Minute, IDToken: 5 * time.Minute,
				Refresh: 30 * 24 * time.Hour, RefreshIdle: 7 * 24 * time.Hour, RefreshGrace: 30 * time.Second,
			},
		},
		keys:    &keys.Current{},
		clients: clients{},
		people: people{subject: {
			Subject: subject, Username: "ada", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"engines"},
		}},
		log:     &log{},
		secrets: map[string]string{},
	}
	set, err := keys.Compile(ring())
	if err != nil {
		panic(err)
	}
	w.keys.Store(set)
	clock := func() time.Time { return w.now }
	w.grants = &store{Store: memory.New(clock)}
	w.register("team.web", oauth.AuthMethodBasic, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
	w.register("team.form", oauth.AuthMethodPost, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
	w.register("team.spa", oauth.AuthMethodNone, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
	w.register("team.brief", oauth.AuthMethodBasic, oauth.GrantAuthorizationCode)
	w.register("team.job", oauth.AuthMethodBasic, oauth.GrantClientCredentials)
	verifiers := &keys.Verifiers{}
	verifiers.Store(ring())
	w.endpoint = token.New(token.Options{
		Settings: w.settings, Keys: w.keys, Registry: w.clients, Grants: w.grants, People: w.people, Now: clock,
		Authenticator: clientauth.New(clientauth.Options{
			Registry: w.clients, Verifiers: verifiers, Realm: w.settings.Issuer, Now: clock,
		}),
	})
	logger := funcr.New(w.log.write, funcr.Options{Verbosity: 9})
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.endpoint.ServeHTTP(rw, r.WithContext(logr.NewContext(r.Context(), logger)))
	})
	return w
}

// register makes a client, with a secret if it is confidential.
func (w *world) register(id, method string, grantTypes ...string) {
	client := &registration.Client{
		ID: id, UID: "uid-of-" + id, AuthMethod: method, GrantTypes: grantTypes, ResponseTypes: []string{"code"},
		Scope:        oauth.Scope{"openid", "profile", "email", "groups", "read", "write"},
		DefaultScope: oauth.Scope{"openid", "read"},
		Lifetimes:    w.settings.Lifetimes,
	}
	if method != oauth.AuthMethodNone {
		key, _ := ring().Active(keyring.UseVerifier, w.now)
		w.secrets[id] = credential.NewSecret()
		client.Credentials = []registration.Credential{{ID: "one", Verifier: credential.Verifier(
			key.ID, key.Material, credential.Subject{ClientUID: client.UID, CredentialID: "one"}, w.secrets[id])}}
	}
	w.clients[id] = client
}

// code is what an authorization code for the client says, after changes.
func (w *world) code(clientID string, change ...func(*grant.Code)) string {
	sum := sha256.Sum256([]byte(verifier))
	c := grant.Code{
		GrantID: grant.NewID(), IssuedAt: w.now.Unix(), ExpiresAt: w.now.Add(w.settings.Lifetimes.Code).Unix(),
		ClientID: clientID, ClientUID: "uid-of-" + clientID, RedirectURI: callback, RedirectURISent: true,
		Subject: subject, Username: "ada", Scope: oauth.Scope{"openid", "profile", "read"}, SessionID: "session-1",
		AuthTime: w.now.Add(-time.Hour).Unix(), Nonce: "n-0S6_WzA2Mj&=\"<é>",
		Challenge: base64.RawURLEncoding.EncodeToString(sum[:]),
	}
	for _, f := range change {
		f(&c)
	}
	code, err := grant.SealCode(w.keys.Load(), c, w.now)
	if err != nil {
		panic(err)
	}
	return code
}

// pairs makes a form of names and values.
func pairs(p ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(p); i += 2 {
		v.Add(p[i], p[i+1])
	}
	return v
}

// request makes a token request of the client, authenticated as it is registered.
func (w *world) request(clientID string, form url.Values) *http.Request {
	client := w.clients[clientID]
	if client != nil && client.AuthMethod != oauth.AuthMethodBasic {
		form.Set("client_id", clientID)
	}
	if client != nil && client.AuthMethod == oauth.AuthMethodPost {
		form.Set("client_secret", w.secrets[clientID])
	}
	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client != nil && client.AuthMethod == oauth.AuthMethodBasic {
		r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(w.secrets[clientID]))
	}
	return r
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Raw    string
	Body   map[string]any
}

func (a answer) get(name string) string {
	s, _ := a.Body[name].(string)
	return s
}

func (w *world) do(r *http.Request) answer {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	raw, _ := io.ReadAll(rec.Body)
	a := answer{Status: rec.Code, Header: rec.Header(), Raw: string(raw)}
	_ = json.Unmarshal(raw, &a.Body)
	return a
}

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
	claims, err := accesstoken.Verify(w.settings, w.keys.Load(), a.get("access_token"), w.now)
	ExpectWithOffset(1, err).NotTo(HaveOccurred(), a.Raw)
	return claims
}

// grantOf returns the grant that an access token rests on.
func (w *world) grantOf(claims accesstoken.Claims) grant.Grant {
	g, err := w.grants.Store.Get(context.Background(), grant.Key{ClientID: claims.ClientID, ID: claims.GrantID})
	ExpectWithOffset(1, err).NotTo(HaveOccurred())
	return g
}

// expectError expects the error response of RFC 6749 §5.2, and that it gives
// nothing away.
func expectError(a answer, status int, code string) {
	ExpectWithOffset(1, a.Status).To(Equal(status), a.Raw)
	ExpectWithOffset(1, a.get("error")).To(Equal(code), a.Raw)
	ExpectWithOffset(1, a.get("error_description")).To(MatchRegexp(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`))
	ExpectWithOffset(1, a.Header.Get("Content-Type")).To(Equal("application/json"))
	ExpectWithOffset(1, a.Header.Get("Cache-Control")).To(Equal("no-store"))
	ExpectWithOffset(1, a.Header.Get("Pragma")).To(Equal("no-cache"))
	ExpectWithOffset(1, a.Body).To(HaveLen(2), "nothing but the error")
}
