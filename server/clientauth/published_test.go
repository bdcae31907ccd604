package clientauth_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/clientdocument"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/outbound"
	"oauth-operator.dev/server/registration"
)

// page is where a client publishes its keys: a server with TLS on loopback.
type page struct {
	url  string
	text atomic.Pointer[string] // nil for a server that fails
	hits atomic.Int64
	pool *x509.CertPool
}

func newPage() *page {
	p := &page{pool: x509.NewCertPool()}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.hits.Add(1)
		text := p.text.Load()
		if text == nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(*text))
	}))
	DeferCleanup(s.Close)
	p.pool.AddCert(s.Certificate())
	p.url = s.URL + "/jwks.json"
	return p
}

// publish has the page show the public halves of the keys, by their ids.
func (p *page) publish(keys map[string]*ecdsa.PrivateKey) {
	GinkgoHelper()
	var set jose.JSONWebKeySet
	for id, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: id})
	}
	text, err := json.Marshal(set)
	Expect(err).NotTo(HaveOccurred())
	s := string(text)
	p.text.Store(&s)
}

var _ = Describe("private_key_jwt with a jwks_uri", func() {
	var (
		w      *world
		p      *page
		key    *ecdsa.PrivateKey
		client *registration.Client
	)
	BeforeEach(func() {
		w, p, key = newWorld(), newPage(), newKey()
		client = w.register("team.jwt", oauth.AuthMethodPrivateKeyJWT)
		client.JWKSURI = p.url
		now := func() time.Time { return w.now }
		w.auth = clientauth.New(clientauth.Options{
			Registry: &w.registry, Verifiers: &w.verifiers, Issuer: issuerID, Spent: memory.New(now), Now: now,
			KeySets: clientdocument.New(clientdocument.Options{
				Client: outbound.New(outbound.Options{RootCAs: p.pool, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
				Log:    logr.Discard(), Now: now,
			}),
		})
		p.publish(map[string]*ecdsa.PrivateKey{"one": key})
	})
	signed := func(alg jose.SignatureAlgorithm, key any, kid, client string) string {
		GinkgoHelper()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
		Expect(err).NotTo(HaveOccurred())
		payload, err := json.Marshal(map[string]any{
			"iss": client, "sub": client, "aud": issuerID, "jti": grant.NewID(), "exp": w.now.Add(time.Minute).Unix(),
		})
		Expect(err).NotTo(HaveOccurred())
		jws, err := signer.Sign(payload)
		Expect(err).NotTo(HaveOccurred())
		compact, err := jws.CompactSerialize()
		Expect(err).NotTo(HaveOccurred())
		return compact
	}
	named := func(key *ecdsa.PrivateKey, kid, client string) string {
		GinkgoHelper()
		return signed(jose.ES256, key, kid, client)
	}
	send := func(jwt string) error {
		_, err := w.send("", url.Values{"client_assertion_type": {assertion.TypeJWTBearer}, "client_assertion": {jwt}}.Encode())
		return err
	}
	says := func(err error) string {
		var e *oauth.Error
		Expect(errors.As(err, &e)).To(BeTrue())
		Expect(e.Code).To(Equal(oauth.CodeInvalidClient))
		return e.Description
	}

	It("RFC 7591 §2: authenticates a client by the keys that it publishes", func() {
		for range 3 {
			Expect(send(named(key, "one", "team.jwt"))).To(Succeed())
		}
		Expect(p.hits.Load()).To(Equal(int64(1)))
	})

	DescribeTable("knows a key that was published a moment ago, by its kid or by the signature", func(kid string) {
		Expect(send(named(key, "one", "team.jwt"))).To(Succeed())
		next := newKey()
		p.publish(map[string]*ecdsa.PrivateKey{kid: next})
		Expect(send(named(next, kid, "team.jwt"))).NotTo(Succeed(), "within a minute it is not asked again")
		w.now = w.now.Add(clientdocument.Pause)
		Expect(send(named(next, kid, "team.jwt"))).To(Succeed())
		Expect(send(named(key, "one", "team.jwt"))).NotTo(Succeed(), "the old one is gone")
		Expect(p.hits.Load()).To(Equal(int64(2)))
	}, Entry("another kid", "two"), Entry("the same kid", "one"))

	It("lets strangers have it fetched once a minute, and only for a client that has one", func() {
		foreign := newKey()
		for range 30 {
			Expect(send(named(foreign, "x", "team.jwt"))).To(haveCode(oauth.CodeInvalidClient))
			Expect(send(named(foreign, "x", "team.nobody"))).To(haveCode(oauth.CodeInvalidClient))
			Expect(send(named(foreign, "x", "team.refused"))).To(haveCode(oauth.CodeInvalidClient))
		}
		Expect(p.hits.Load()).To(Equal(int64(1)))
		Expect(send(named(key, "one", "team.jwt"))).To(Succeed(), "and the client is let in")
	})

	It("says to the client that the keys cannot be had, and why in the log alone", func() {
		p.text.Store(nil)
		for range 20 { // which are not the client's failures
			err := send(named(key, "one", "team.jwt"))
			Expect(says(err)).To(And(ContainSubstring("jwks_uri"), Not(ContainSubstring("502")), Not(ContainSubstring("127.0.0.1"))))
			Expect(err).To(MatchError(ContainSubstring("status 502")))
		}
		Expect(p.hits.Load()).To(Equal(int64(1)))
		p.publish(map[string]*ecdsa.PrivateKey{"one": key})
		w.now = w.now.Add(clientdocument.Pause)
		Expect(send(named(key, "one", "team.jwt"))).To(Succeed())
		p.text.Store(nil)
		w.now = w.now.Add(time.Hour)
		Expect(send(named(key, "one", "team.jwt"))).To(Succeed(), "what is known counts on")
	})

	It("takes no other algorithm than the registered one", func() {
		client.AssertionAlg = "RS256"
		Expect(says(send(named(key, "one", "team.jwt")))).To(Equal("Client authentication failed."))
		client.AssertionAlg = "ES256"
		Expect(send(named(key, "one", "team.jwt"))).To(Succeed())
	})

	It("alg confusion: takes no key that is published for another algorithm than the registered one", func() {
		rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
		Expect(err).NotTo(HaveOccurred())
		client.AssertionAlg = "RS256"
		for alg, good := range map[string]bool{"PS256": false, "RS256": true, "": true} {
			text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: rsaKey.Public(), KeyID: "rsa", Algorithm: alg}}})
			Expect(err).NotTo(HaveOccurred())
			p.text.Store(new(string(text)))
			w.now = w.now.Add(time.Hour) // for them to be fetched
			err = send(signed(jose.RS256, rsaKey, "rsa", "team.jwt"))
			Expect(err == nil).To(Equal(good), "%q: %v", alg, err)
		}
	})

	It("looks at a newer registration, which may have the keys itself", func() {
		p.text.Store(nil)
		newer := *client
		newer.JWKSURI, newer.Keys = "", []assertion.Key{{Public: key.Public()}}
		w.registry.newer[client] = &newer
		Expect(send(named(key, "one", "team.jwt"))).To(Succeed())
	})

	It("is nothing to a server that fetches nothing, nor to a client with another method", func() {
		w.auth = clientauth.New(clientauth.Options{Registry: &w.registry, Verifiers: &w.verifiers, Issuer: issuerID, Spent: memory.New(nil), Now: func() time.Time { return w.now }})
		Expect(send(named(key, "one", "team.jwt"))).To(haveCode(oauth.CodeInvalidClient))
		w.register("team.web", oauth.AuthMethodBasic, "s3cret").JWKSURI = p.url
		Expect(send(named(key, "one", "team.web"))).To(haveCode(oauth.CodeInvalidClient))
		Expect(p.hits.Load()).To(BeZero())
	})

	It("answers many at once with one request", func() {
		var all sync.WaitGroup
		for range 50 {
			jwt := named(key, "one", "team.jwt")
			all.Go(func() {
				defer GinkgoRecover()
				Expect(send(jwt)).To(Succeed())
			})
		}
		all.Wait()
		Expect(p.hits.Load()).To(Equal(int64(1)))
	})
})
