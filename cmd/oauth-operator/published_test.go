package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/v1alpha1"
)

// publishOnLoopback has the server trust what clients publish on loopback: test
// servers of net/http have all one certificate.
func publishOnLoopback(dir string) {
	GinkgoHelper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	file := filepath.Join(dir, "clients.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	Expect(os.WriteFile(file, text, 0o600)).To(Succeed())
	GinkgoT().Setenv("SSL_CERT_FILE", file)
}

var _ = Describe("A client that publishes", Ordered, func() {
	var (
		namespace string
		site      *httptest.Server
		hits      atomic.Int64
		inside    atomic.Int64
		keys      atomic.Pointer[jose.JSONWebKeySet]
		key       *ecdsa.PrivateKey
	)
	BeforeAll(func(ctx SpecContext) {
		var err error
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		Expect(err).NotTo(HaveOccurred())
		keys.Store(&jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one"}}})
		mux := http.NewServeMux()
		mux.HandleFunc("/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
			hits.Add(1)
			_ = json.NewEncoder(w).Encode(keys.Load())
		})
		mux.HandleFunc("/inside.json", func(http.ResponseWriter, *http.Request) { inside.Add(1) })
		mux.HandleFunc("/sector.json", func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode([]string{"https://a.example.com/callback", "https://b.example.org/callback"})
		})
		site = httptest.NewTLSServer(mux)
		DeferCleanup(site.Close)
		namespace = newNamespace(ctx)
	})

	// publishing makes a client whose keys are at that place of the site.
	publishing := func(ctx context.Context, name, place string) *workload {
		GinkgoHelper()
		c := object(&v1alpha1.OAuthClient{}, namespace, name)
		c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeClientCredentials}
		c.Spec.Scopes = []string{"orders"}
		c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodPrivateKeyJWT
		c.Spec.JWKSURI = site.URL + place
		Expect(k8s.Create(ctx, c)).To(Succeed())
		eventuallyReady(ctx, c)
		w := &workload{object: c}
		w.mount(ctx)
		return w
	}
	// signed is as much of an assertion as it takes to be asked for the key.
	signed := func(w *workload) string {
		GinkgoHelper()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
		Expect(err).NotTo(HaveOccurred())
		jws, err := signer.Sign([]byte(`{"sub":"` + w.secret[v1alpha1.SecretKeyClientID] + `"}`))
		Expect(err).NotTo(HaveOccurred())
		compact, err := jws.CompactSerialize()
		Expect(err).NotTo(HaveOccurred())
		return compact
	}

	It("its keys is known by them, which the server fetches once", func(ctx SpecContext) {
		w := publishing(ctx, "keys", "/jwks.json")
		assertion := func(key *ecdsa.PrivateKey) string {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
			Expect(err).NotTo(HaveOccurred())
			id := w.secret[v1alpha1.SecretKeyClientID]
			claims, err := json.Marshal(map[string]any{"iss": id, "sub": id, "aud": issuer, "jti": rand.Text(), "exp": time.Now().Add(time.Minute).Unix()})
			Expect(err).NotTo(HaveOccurred())
			jws, err := signer.Sign(claims)
			Expect(err).NotTo(HaveOccurred())
			compact, err := jws.CompactSerialize()
			Expect(err).NotTo(HaveOccurred())
			return compact
		}
		for range 3 {
			Expect(asserted(ctx, w, assertion(key))).To(BeEmpty())
		}
		foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		Expect(err).NotTo(HaveOccurred())
		Expect(asserted(ctx, w, assertion(foreign))).To(HavePrefix("invalid_client"))
		Expect(hits.Load()).To(Equal(int64(1)))
	})

	It("nothing at its address is told so, and the log says why", func(ctx SpecContext) {
		w := publishing(ctx, "nothing", "/nothing.json?token=s3cret")
		compact := signed(w)
		Expect(asserted(ctx, w, compact)).To(And(HavePrefix("invalid_client"), ContainSubstring("jwks_uri")))
		Eventually(output.String).Should(ContainSubstring("the answer has the status 404"))
		Expect(output.String()).NotTo(ContainSubstring("nothing.json?token"))
	})

	It("SSRF: its keys on this machine is not asked for them by a server that was not told to reach it", func(ctx SpecContext) {
		w := publishing(ctx, "inside", "/inside.json")
		compact := signed(w)

		address, err := in.AddServer(ctx) // without --client-networks
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(in.EndAdded()).To(Succeed()) })
		Expect(assertedAt(ctx, w, compact, address)).To(And(HavePrefix("invalid_client"), ContainSubstring("jwks_uri")))
		Expect(inside.Load()).To(BeZero())
		Eventually(output.String).Should(ContainSubstring("the address is in no public network"))
		Expect(asserted(ctx, w, compact)).To(HavePrefix("invalid_client"))
		Expect(inside.Load()).To(Equal(int64(1)), "and one that was told does ask, so that this can be seen")
	}, SpecTimeout(3*time.Minute))

	It("the redirect URIs of its sector may have several hosts, and no other redirect URI", func(ctx SpecContext) {
		for name, wanted := range map[string]struct {
			uris   []string
			status int
		}{
			"listed":   {[]string{"https://a.example.com/callback", "https://b.example.org/callback"}, http.StatusOK},
			"unlisted": {[]string{"https://a.example.com/callback", "https://evil.example/callback"}, http.StatusBadRequest},
		} {
			c := object(&v1alpha1.OAuthClient{}, namespace, name)
			c.Spec.RedirectURIs = wanted.uris
			c.Spec.SubjectType = v1alpha1.SubjectTypePairwise
			c.Spec.SectorIdentifierURI = site.URL + "/sector.json"
			Expect(k8s.Create(ctx, c)).To(Succeed())
			eventuallyReady(ctx, c)
			page := get(ctx, issuer+"/authorize?response_type=code&scope=openid&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&client_id="+namespace+"."+name+"&redirect_uri=https://a.example.com/callback")
			Expect(page.StatusCode).To(Equal(wanted.status), name)
		}
		Eventually(output.String).Should(ContainSubstring("does not list the redirect URI"))
	})
})
