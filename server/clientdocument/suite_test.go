package clientdocument_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/clientdocument"
	"oauth-operator.dev/server/outbound"
)

func TestClientDocument(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "server/clientdocument")
}

// site is where clients publish: a server with TLS on loopback, and a Fetcher
// that may reach it. The handler and the clock are changed by the specs.
type site struct {
	url     string
	fetcher *clientdocument.Fetcher

	mutex   sync.Mutex
	clock   time.Time
	handler http.HandlerFunc
	hits    int
	log     string
}

func newSite() *site {
	s := &site{clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		s.hits++
		handler := s.handler
		s.mutex.Unlock()
		handler(w, r)
	}))
	DeferCleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s.url = server.URL
	s.fetcher = clientdocument.New(clientdocument.Options{
		Client: outbound.New(outbound.Options{RootCAs: roots, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
		Now:    s.now,
		Log: funcr.New(func(_, args string) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			s.log += args + "\n"
		}, funcr.Options{}),
	})
	return s
}

func (s *site) now() time.Time {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.clock
}

func (s *site) sleep(d time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.clock = s.clock.Add(d)
}

func (s *site) publish(handler http.HandlerFunc) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.handler = handler
}

func (s *site) requests() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.hits
}

func (s *site) logged() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.log
}

// keys returns the ids of the keys.
func (s *site) keys(ctx context.Context, path string, anew bool) ([]string, error) {
	keys, err := s.fetcher.Keys(ctx, s.url+path, anew)
	return ids(keys), err
}

func ids(keys []assertion.Key) []string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

// says answers with the text and the header fields.
func says(text string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		_, _ = w.Write([]byte(text))
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// jwk returns a new public key as a JWK, with other members beside.
func jwk(id string, more ...string) string {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	point, err := key.PublicKey.Bytes()
	Expect(err).NotTo(HaveOccurred())
	encode := base64.RawURLEncoding.EncodeToString
	members := map[string]any{"kty": "EC", "crv": "P-256", "kid": id, "x": encode(point[1:33]), "y": encode(point[33:])}
	for i := 0; i < len(more); i += 2 {
		members[more[i]] = json.RawMessage(more[i+1])
	}
	text, err := json.Marshal(members)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// set returns a JWK Set.
func set(jwks ...string) string {
	text := ""
	for i, k := range jwks {
		if i > 0 {
			text += ","
		}
		text += k
	}
	return fmt.Sprintf(`{"keys":[%s]}`, text)
}
