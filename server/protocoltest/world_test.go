package protocoltest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server"
	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/clientdocument"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/outbound"
	"oauth-operator.dev/server/protocoltest"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// registered is a registry kept in a map.
type registered map[string]*registration.Client

func (r registered) Lookup(_ context.Context, id string) (*registration.Client, error) {
	if c, ok := r[id]; ok {
		return c, nil
	}
	return nil, registration.ErrUnknown
}

func (registered) Renew(context.Context, *registration.Client) *registration.Client { return nil }

const password = "correct horse"

var alice = &resourceowner.Person{Subject: "alice-1", Username: "alice", Name: "Alice", LoginTag: "tag"}

// onlyAlice is a directory of one person.
type onlyAlice struct{}

func (onlyAlice) Authenticate(_ context.Context, username, secret string) (*resourceowner.Person, error) {
	if username == alice.Username && secret == password {
		return alice, nil
	}
	return nil, resourceowner.ErrNoSuchLogin
}

func (onlyAlice) Person(_ context.Context, subject string) (*resourceowner.Person, error) {
	if subject == alice.Subject {
		return alice, nil
	}
	return nil, resourceowner.ErrUnknown
}

// ring makes keys of every use; the RSA key takes a while.
var ring = sync.OnceValue(func() keyring.Ring {
	var schedules []keyring.Schedule
	for _, use := range []keyring.Use{
		keyring.UseVerifier, keyring.UseSignES256, keyring.UseSignRS256, keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser, keyring.UsePairwise,
	} {
		schedules = append(schedules, keyring.Schedule{Use: use})
	}
	made, _, _, err := keyring.Rotate(keyring.Ring{}, schedules, time.Now().Add(-time.Hour))
	if err != nil {
		panic(err)
	}
	return made
})

// world is a server with its clients and people, on the wire. What stands before
// it can break it.
type world struct {
	config  protocoltest.Config
	clients registered
	front   atomic.Pointer[http.Handler]
	build   func() http.Handler
}

func newWorld() *world {
	w := &world{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { (*w.front.Load()).ServeHTTP(rw, r) }))
	DeferCleanup(s.Close)
	w.config = protocoltest.Config{
		Issuer: s.URL, Scope: "openid email", Transport: s.Client().Transport,
		Confidential: protocoltest.Client{ID: "team.web", Secret: "a secret:+%", RedirectURIs: []string{"https://app.example.com/callback"}},
		Other:        protocoltest.Client{ID: "team.other", Secret: "other", AuthMethod: oauth.AuthMethodPost, RedirectURIs: []string{"https://other.example.com/callback"}},
		Public:       protocoltest.Client{ID: "team.cli", RedirectURIs: []string{"http://127.0.0.1/done"}},
		Signer: protocoltest.Client{
			ID: "team.signer", KeyID: "one", PrivateKey: signerPEM(), RedirectURIs: []string{"https://signer.example.com/callback"},
		},
		Publisher: protocoltest.Client{
			ID: "team.publisher", KeyID: "published", PrivateKey: signerPEM(), RedirectURIs: []string{"https://publisher.example.com/callback"},
		},
		Exchange: protocoltest.Swap{Client: protocoltest.Client{ID: "team.api", Secret: "api"}, From: "urn:example:first", To: "urn:example:second"},
		Device:   protocoltest.Device{Client: protocoltest.Client{ID: "team.tv"}},
		Login:    protocoltest.Login{Username: alice.Username, Password: password},
	}
	Expect(w.config.Validate()).To(Succeed())
	settings := &issuer.Settings{
		Name: "main", Issuer: s.URL, IDTokenAlg: "RS256",
		Catalogue: []issuer.Scope{{Name: "openid", Default: true}, {Name: "email"}},
		Resources: []issuer.Resource{{Identifier: w.config.Exchange.From, ServedBy: []string{w.config.Exchange.Client.ID}}, {Identifier: w.config.Exchange.To}},
		Lifetimes: issuer.Lifetimes{
			Code: time.Minute, DeviceCode: time.Minute, AccessToken: time.Minute, IDToken: time.Minute, Refresh: time.Hour, RefreshIdle: time.Hour, Session: time.Hour,
		},
	}
	set, err := keys.Compile(ring())
	Expect(err).NotTo(HaveOccurred())
	current, verifiers := &keys.Current{}, &keys.Verifiers{}
	current.Store(set)
	verifiers.Store(ring())
	clients := registered{}
	for _, c := range []protocoltest.Client{w.config.Confidential, w.config.Other, w.config.Public, w.config.Signer, w.config.Publisher} {
		clients[c.ID] = compile(c, settings.Lifetimes)
	}
	published, keySets := publish(w.config.Publisher.KeyID)
	clients[w.config.Publisher.ID].Keys, clients[w.config.Publisher.ID].JWKSURI = nil, published
	clients[w.config.Confidential.ID].Resources = []string{w.config.Exchange.From}
	api := compile(w.config.Exchange.Client, settings.Lifetimes)
	api.GrantTypes, api.ResponseTypes = []string{oauth.GrantTokenExchange}, nil
	api.Exchanges = []registration.Exchange{{From: []string{w.config.Exchange.From}, To: []string{w.config.Exchange.To}, Scope: oauth.Scope{"openid", "email"}}}
	clients[api.ID] = api
	device := compile(w.config.Device.Client, settings.Lifetimes)
	device.GrantTypes, device.ResponseTypes = []string{oauth.GrantDeviceCode, oauth.GrantRefreshToken}, nil
	clients[device.ID] = device
	w.clients = clients
	w.build = func() http.Handler {
		built := server.New(server.Options{
			Registry:  func(*issuer.Settings) registration.Registry { return clients },
			Keys:      func(string) *keys.Current { return current },
			Verifiers: verifiers, Grants: memory.New(nil), People: onlyAlice{}, Log: logr.Discard(),
			KeySets: keySets,
		})
		built.SetIssuers([]*issuer.Settings{settings})
		return built
	}
	w.stand(func(h http.Handler) http.Handler { return h })
	return w
}

// stand starts the server anew, behind what is put before it.
func (w *world) stand(before func(http.Handler) http.Handler) {
	h := before(w.build())
	w.front.Store(&h)
}

func compile(c protocoltest.Client, lifetimes issuer.Lifetimes) *registration.Client {
	compiled := &registration.Client{
		ID: c.ID, UID: "uid-of-" + c.ID, Name: c.ID, AuthMethod: c.AuthMethod,
		GrantTypes:    []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken},
		ResponseTypes: []string{oauth.ResponseTypeCode},
		Scope:         oauth.Scope{"openid", "email"}, DefaultScope: oauth.Scope{"openid"}, Lifetimes: lifetimes,
	}
	for _, uri := range c.RedirectURIs {
		compiled.RedirectURIs = append(compiled.RedirectURIs, registration.CompileRedirectURI(uri, compiled.Public()))
	}
	if c.PrivateKey != "" {
		compiled.Keys = []assertion.Key{{ID: c.KeyID, Public: signerKey().Public()}}
	}
	if c.Secret != "" {
		compiled.GrantTypes = append(compiled.GrantTypes, oauth.GrantClientCredentials)
		key, _ := ring().Active(keyring.UseVerifier, time.Now())
		compiled.Credentials = []registration.Credential{{ID: "a", Verifier: credential.Verifier(
			key.ID, key.Material, credential.Subject{ClientUID: compiled.UID, CredentialID: "a"}, c.Secret)}}
	}
	return compiled
}

// publish has the key of signerKey at an address, and returns what fetches it.
func publish(keyID string) (address string, keySets *clientdocument.Fetcher) {
	GinkgoHelper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signerKey().Public(), KeyID: keyID}}})
	Expect(err).NotTo(HaveOccurred())
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) }))
	DeferCleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL + "/jwks.json", clientdocument.New(clientdocument.Options{Log: logr.Discard(), Client: outbound.New(outbound.Options{
		RootCAs: roots, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})})
}

// signerKey is that of the client with private_key_jwt.
var signerKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func signerPEM() string {
	der, err := x509.MarshalPKCS8PrivateKey(signerKey())
	Expect(err).NotTo(HaveOccurred())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
