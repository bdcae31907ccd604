package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
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
	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Clients of a site.
const (
	siteWeb  = "team.web"  // client_secret_basic, with every grant
	siteForm = "team.form" // client_secret_post
	siteJWT  = "team.jwt"  // private_key_jwt
	siteAPI  = "team.api"  // client_secret_basic, which serves the issuer's tokens

	signedOut = "https://app.example.com/bye"
)

// site is a whole server of one issuer, with people and clients that come and go,
// for those who attack it.
type site struct {
	*Server
	settings *issuer.Settings
	keys     *keys.Current
	grants   *memory.Store
	key      *ecdsa.PrivateKey // of siteJWT

	mutex   sync.Mutex
	clients map[string]*registration.Client
	refused map[string]bool
	person  *resourceowner.Person // nil for one who is locked or deleted
	log     strings.Builder
}

// newSite starts a site at the issuer. The options may be changed before.
func newSite(at string, change ...func(*site, *Options)) *site {
	GinkgoHelper()
	now := time.Now()
	var schedules []keyring.Schedule
	for _, use := range []keyring.Use{keyring.UseVerifier, keyring.UseSignES256, keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser, keyring.UsePairwise} {
		schedules = append(schedules, keyring.Schedule{Use: use})
	}
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, schedules, now.Add(-time.Hour))
	Expect(err).NotTo(HaveOccurred())
	set, err := keys.Compile(ring)
	Expect(err).NotTo(HaveOccurred())
	verifiers := &keys.Verifiers{}
	verifiers.Store(ring)
	verifierKey, _ := ring.Active(keyring.UseVerifier, now)
	s := &site{keys: &keys.Current{}, grants: memory.New(nil), clients: map[string]*registration.Client{}, refused: map[string]bool{}}
	s.keys.Store(set)
	s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	s.person = &resourceowner.Person{Subject: "ada-1", Username: "ada", Name: "Ada", LoginTag: "tag"}
	s.settings = &issuer.Settings{
		Name: "site", Issuer: at, IDTokenAlg: "ES256", DisplayName: "The Site",
		Catalogue: []issuer.Scope{{Name: "openid", Default: true}, {Name: "read", Description: "Read it"}},
		Lifetimes: issuer.Lifetimes{
			Code: time.Minute, AccessToken: time.Minute, IDToken: time.Minute, Refresh: time.Hour, RefreshIdle: time.Hour, RefreshGrace: time.Minute, Session: time.Hour,
		},
		Resources: []issuer.Resource{{Identifier: at, ServedBy: []string{siteAPI}}},
	}
	for id, method := range map[string]string{
		siteWeb: oauth.AuthMethodBasic, siteForm: oauth.AuthMethodPost, siteJWT: oauth.AuthMethodPrivateKeyJWT, siteAPI: oauth.AuthMethodBasic,
	} {
		c := &registration.Client{
			ID: id, UID: "uid of " + id, Name: "The Client", AuthMethod: method, Lifetimes: s.settings.Lifetimes,
			RedirectURIs:  []registration.RedirectURI{registration.CompileRedirectURI(callback, false)},
			GrantTypes:    []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken, oauth.GrantClientCredentials},
			ResponseTypes: []string{oauth.ResponseTypeCode}, Scope: oauth.Scope{"openid", "read"}, DefaultScope: oauth.Scope{"openid"},
			OpenID: registration.OpenID{PostLogoutRedirectURIs: []string{signedOut}},
			Keys:   []assertion.Key{{ID: "one", Public: s.key.Public()}},
			Credentials: []registration.Credential{{ID: "a", Verifier: credential.Verifier(
				verifierKey.ID, verifierKey.Material, credential.Subject{ClientUID: "uid of " + id, CredentialID: "a"}, secret)}},
		}
		s.clients[id] = c
	}
	options := Options{
		Registry:  func(*issuer.Settings) registration.Registry { return s },
		Keys:      func(string) *keys.Current { return s.keys },
		Verifiers: verifiers, Grants: s.grants, People: s,
		Log: funcr.New(func(prefix, args string) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			s.log.WriteString(prefix + args + "\n")
		}, funcr.Options{Verbosity: 5}),
	}
	for _, f := range change {
		f(s, &options)
	}
	s.Server = New(options)
	s.SetIssuers([]*issuer.Settings{s.settings})
	return s
}

// logged returns what was logged until now.
func (s *site) logged() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.log.String()
}

// quiet keeps nothing of what is logged.
func quiet(_ *site, o *Options) { o.Log = logr.Discard() }

func (s *site) Lookup(_ context.Context, id string) (*registration.Client, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.refused[id]:
		return nil, registration.ErrRefused
	case s.clients[id] == nil:
		return nil, registration.ErrUnknown
	}
	return s.clients[id], nil
}

func (s *site) Renew(context.Context, *registration.Client) *registration.Client { return nil }

func (s *site) Person(_ context.Context, subject string) (*resourceowner.Person, error) {
	if s.person == nil || s.person.Subject != subject {
		return nil, resourceowner.ErrUnknown
	}
	return s.person, nil
}

func (s *site) Authenticate(_ context.Context, username, password string) (*resourceowner.Person, error) {
	if s.person == nil || s.person.Username != username || password != secret {
		return nil, resourceowner.ErrNoSuchLogin
	}
	return s.person, nil
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request to a path of the issuer, with headers by name and value.
func (s *site) send(method, path, body string, headers ...string) reply {
	GinkgoHelper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	u, err := url.Parse(s.settings.Issuer)
	Expect(err).NotTo(HaveOccurred())
	r.Host = u.Host
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Body)
	Expect(err).NotTo(HaveOccurred())
	return reply{status: w.Code, header: w.Header(), body: string(raw)}
}

// as sends a form as a client with HTTP Basic.
func (s *site) as(clientID, path string, form url.Values) reply {
	GinkgoHelper()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", http.NoBody)
	r.SetBasicAuth(clientID, secret)
	return s.send(http.MethodPost, path, form.Encode(), "Authorization", r.Header.Get("Authorization"))
}

// tokens are those of a grant of the person to a client.
func (s *site) tokens(clientID string) (access, refresh string) {
	GinkgoHelper()
	now := time.Now()
	client := s.clients[clientID]
	g := grant.Grant{
		ID: grant.NewID(), Issuer: s.settings.Name, ClientID: client.ID, ClientUID: client.UID, Subject: "ada-1", Username: "ada",
		Scope: oauth.Scope{"openid", "read"}, AuthTime: now, CreatedAt: now, EndsAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
	}.Normal()
	Expect(s.grants.Create(context.Background(), g)).To(Succeed())
	access, err := accesstoken.ForGrant(s.settings, client, g, g.Scope, now).Sign(s.keys.Load(), now)
	Expect(err).NotTo(HaveOccurred())
	refresh, err = grant.SealRefreshToken(s.keys.Load(), g, now)
	Expect(err).NotTo(HaveOccurred())
	return access, refresh
}

// asking returns the parameters of a good authorization request, changed by pairs
// of name and value.
func asking(pairs ...string) url.Values {
	v := url.Values{
		"response_type": {"code"}, "client_id": {siteWeb}, "redirect_uri": {callback}, "state": {"s"}, "scope": {"openid"}, "nonce": {"n"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// loopback is the network of the tests.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
