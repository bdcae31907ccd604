package clientauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

const issuerID = "https://auth.example.com"

// spent counts what is spent, and may not know.
type spent struct {
	grant.Store
	calls int
	fails error
}

func (s *spent) Spend(ctx context.Context, id string, until time.Time) error {
	s.calls++
	if s.fails != nil {
		return s.fails
	}
	return s.Store.Spend(ctx, id, until)
}

// vouching is the issuer of a cluster, whose keys may have changed.
type vouching struct {
	keys, newer []assertion.Key
	fails       error
	looks       int
}

func (v *vouching) Issuer(_ context.Context, anew bool) (string, []assertion.Key, error) {
	if anew {
		v.looks++
		v.keys = v.newer
	}
	return "https://kubernetes.default.svc", v.keys, v.fails
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	return key
}

func signed(key crypto.Signer, claims map[string]any) string {
	GinkgoHelper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	Expect(err).NotTo(HaveOccurred())
	payload, err := json.Marshal(claims)
	Expect(err).NotTo(HaveOccurred())
	jws, err := signer.Sign(payload)
	Expect(err).NotTo(HaveOccurred())
	compact, err := jws.CompactSerialize()
	Expect(err).NotTo(HaveOccurred())
	return compact
}

var _ = Describe("private_key_jwt", func() {
	var (
		w       *world
		key     *ecdsa.PrivateKey
		client  *registration.Client
		store   *spent
		cluster *vouching
	)
	replica := func() *clientauth.Authenticator {
		return clientauth.New(clientauth.Options{
			Registry: &w.registry, Verifiers: &w.verifiers, Issuer: issuerID, Spent: store, ServiceAccounts: cluster,
			Now: func() time.Time { return w.now },
		})
	}
	BeforeEach(func() {
		w, key = newWorld(), newKey()
		store = &spent{Store: memory.New(func() time.Time { return w.now })}
		cluster = &vouching{}
		client = w.register("team.jwt", oauth.AuthMethodPrivateKeyJWT)
		client.Keys = []assertion.Key{{ID: "one", Public: key.Public()}}
		w.auth = replica()
	})
	claims := func(change map[string]any) map[string]any {
		all := map[string]any{
			"iss": "team.jwt", "sub": "team.jwt", "aud": issuerID, "jti": grant.NewID(), "exp": w.now.Add(time.Minute).Unix(),
		}
		maps.Copy(all, change)
		return all
	}
	body := func(jwt string, more ...string) string {
		form := url.Values{"client_assertion_type": {assertion.TypeJWTBearer}, "client_assertion": {jwt}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form.Encode()
	}
	send := func(jwt string, more ...string) error {
		result, err := w.send("", body(jwt, more...))
		if err == nil {
			Expect(result.Authenticated).To(BeTrue())
			Expect(result.Method).To(Equal("private_key_jwt"))
		}
		return err
	}
	says := func(err error) string {
		var e *oauth.Error
		Expect(errors.As(err, &e)).To(BeTrue())
		return e.Description
	}

	It("RFC 7521 §4.2: authenticates, with a client_id that is the same and with none", func() {
		Expect(send(signed(key, claims(nil)))).To(Succeed())
		Expect(send(signed(key, claims(nil)), "client_id", "team.jwt")).To(Succeed())
	})

	It("RFC 7521 §4.2: a client_id that is another client's gets nobody in", func() {
		other := w.register("team.other", oauth.AuthMethodPrivateKeyJWT)
		other.Keys = []assertion.Key{{Public: newKey().Public()}}
		Expect(send(signed(key, claims(nil)), "client_id", "team.other")).To(haveCode(oauth.CodeInvalidClient))
		other.Keys = client.Keys // the same key in both registrations
		Expect(send(signed(key, claims(nil)), "client_id", "team.other")).To(haveCode(oauth.CodeInvalidClient))
		Expect(send(signed(key, claims(nil)), "client_id", "team.nobody")).To(haveCode(oauth.CodeInvalidClient))
		Expect(store.calls).To(BeZero())
	})

	It("assertion replay: an assertion is good once, at any replica and for any endpoint", func() {
		jwt := signed(key, claims(nil))
		Expect(send(jwt)).To(Succeed())
		w.auth = replica()
		err := send(jwt)
		Expect(err).To(haveCode(oauth.CodeInvalidClient))
		Expect(says(err)).To(ContainSubstring("used before"))
	})

	It("assertion replay: of a hundred at once, at two replicas, one is good", func() {
		store := memory.New(func() time.Time { return w.now })
		var replicas [2]*clientauth.Authenticator
		for i := range replicas {
			replicas[i] = clientauth.New(clientauth.Options{
				Registry: quiet{w.clients}, Verifiers: &w.verifiers, Issuer: issuerID, Spent: store, Now: func() time.Time { return w.now },
			})
		}
		jwt, start := signed(key, claims(nil)), make(chan struct{})
		var all sync.WaitGroup
		var mutex sync.Mutex
		good := 0
		for i := range 100 {
			all.Go(func() {
				r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(body(jwt)))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				params, _ := oauth.ParseForm(r)
				<-start
				if _, err := replicas[i%2].Authenticate(r, params); err == nil {
					mutex.Lock()
					good++
					mutex.Unlock()
				}
			})
		}
		close(start)
		all.Wait()
		Expect(good).To(Equal(1))
	})

	It("assertion replay: a client made anew is another one, and so are two clients with one jti", func() {
		other := w.register("team.other", oauth.AuthMethodPrivateKeyJWT)
		other.Keys = client.Keys
		Expect(send(signed(key, claims(map[string]any{"jti": "1"})))).To(Succeed())
		Expect(send(signed(key, claims(map[string]any{"jti": "1", "iss": "team.other", "sub": "team.other"})))).To(Succeed())
		Expect(send(signed(key, claims(map[string]any{"jti": "1"})))).NotTo(Succeed())
	})

	It("writes nothing before the signature, and all that is said, is good", func() {
		Expect(send(signed(newKey(), claims(nil)))).To(haveCode(oauth.CodeInvalidClient))
		Expect(send(signed(key, claims(map[string]any{"aud": "https://evil.example"})))).To(haveCode(oauth.CodeInvalidClient))
		Expect(send(signed(key, claims(map[string]any{"exp": w.now.Unix() - 1})))).To(haveCode(oauth.CodeInvalidClient))
		Expect(store.calls).To(BeZero())
	})

	It("is not let in where nobody knows whether the assertion was used", func() {
		store.fails = errors.New("the store is away")
		Expect(send(signed(key, claims(nil)))).To(haveCode(oauth.CodeTemporarilyUnavailable))
	})

	It("tells strangers nothing, and the client what is wrong", func() {
		Expect(says(send(signed(newKey(), claims(map[string]any{"aud": "x"}))))).To(Equal("Client authentication failed."))
		Expect(says(send(signed(key, claims(map[string]any{"aud": "x"}))))).To(ContainSubstring("aud"))
	})

	It("slows down those who guess, and never the client", func() {
		foreign := newKey()
		for range 10 {
			Expect(send(signed(foreign, claims(nil)))).NotTo(MatchError(clientauth.ErrThrottled))
		}
		Expect(send(signed(foreign, claims(nil)))).To(MatchError(clientauth.ErrThrottled))
		Expect(send(signed(key, claims(nil)))).To(Succeed())
	})

	It("RFC 6749 §2.3: only the registered method works", func() {
		Expect(w.send("", "client_id=team.jwt&client_secret=x")).Error().To(haveCode(oauth.CodeInvalidClient))
		Expect(w.send("", "client_id=team.jwt")).Error().To(haveCode(oauth.CodeInvalidClient))
		secretly := w.register("team.web", oauth.AuthMethodBasic, "s3cret")
		secretly.Keys = client.Keys
		Expect(send(signed(key, claims(map[string]any{"iss": "team.web", "sub": "team.web"})))).To(haveCode(oauth.CodeInvalidClient))
		Expect(w.send(basic("team.web:s3cret"), body(signed(key, claims(nil))))).Error().To(haveCode(oauth.CodeInvalidRequest))
	})

	It("RFC 7521 §4.2: knows the type of an assertion, and takes none for a JWT that is not said to be one", func() {
		jwt := signed(key, claims(nil))
		for _, form := range []url.Values{
			{"client_assertion": {jwt}},
			{"client_assertion": {jwt}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}},
			{"client_assertion_type": {assertion.TypeJWTBearer}},
			{"client_assertion": {"x"}, "client_assertion_type": {assertion.TypeJWTBearer}},
		} {
			Expect(w.send("", form.Encode())).Error().To(haveCode(oauth.CodeInvalidClient))
		}
	})

	It("knows keys that were registered a moment ago", func() {
		next := newKey()
		newer := *client
		newer.Keys = []assertion.Key{{Public: next.Public()}}
		w.registry.newer[client] = &newer
		Expect(send(signed(next, claims(nil)))).To(Succeed())
	})

	Describe("with the token of a ServiceAccount", func() {
		token := func(change map[string]any) map[string]any {
			all := map[string]any{
				"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:team:web", "aud": []string{issuerID},
				"jti": "always-the-same", "exp": w.now.Add(24 * time.Hour).Unix(), "iat": w.now.Unix(),
			}
			maps.Copy(all, change)
			return all
		}
		BeforeEach(func() {
			client.Keys, client.ServiceAccount = nil, "system:serviceaccount:team:web"
			cluster.keys = []assertion.Key{{ID: "", Public: key.Public()}}
			cluster.newer = cluster.keys
		})
		offer := func(signer crypto.Signer, change map[string]any) error {
			return send(signed(signer, token(change)), "client_id", "team.jwt")
		}

		It("authenticates, as often as the token is good", func() {
			for range 3 {
				Expect(offer(key, nil)).To(Succeed())
			}
			Expect(store.calls).To(BeZero())
		})

		It("needs a client_id, and says so", func() {
			Expect(says(send(signed(key, token(nil))))).To(ContainSubstring("client_id"))
		})

		DescribeTable("is refused with", func(change map[string]any) {
			Expect(offer(key, change)).To(haveCode(oauth.CodeInvalidClient))
		},
			Entry("the audience of the API server", map[string]any{"aud": []string{"https://kubernetes.default.svc"}}),
			Entry("a second audience", map[string]any{"aud": []string{issuerID, "https://kubernetes.default.svc"}}),
			Entry("no audience", map[string]any{"aud": []string{}}),
			Entry("another issuer", map[string]any{"iss": "https://another.cluster"}),
			Entry("a ServiceAccount of another name", map[string]any{"sub": "system:serviceaccount:team:other"}),
			Entry("one of another namespace", map[string]any{"sub": "system:serviceaccount:other:web"}),
			Entry("a token that has expired", map[string]any{"exp": int64(1)}),
			Entry("claims that the client makes for itself", map[string]any{"iss": "team.jwt", "sub": "team.jwt", "aud": issuerID}),
		)

		It("is refused from anybody but the cluster, which is asked whether it has new keys", func() {
			Expect(offer(newKey(), nil)).To(haveCode(oauth.CodeInvalidClient))
			Expect(cluster.looks).To(BeNumerically(">", 0))
			next := newKey()
			cluster.newer = []assertion.Key{{Public: next.Public()}}
			Expect(offer(next, nil)).To(Succeed())
		})

		It("is not let in where the cluster's keys are not known", func() {
			cluster.fails = errors.New("the API server is away")
			Expect(offer(key, nil)).To(haveCode(oauth.CodeTemporarilyUnavailable))
		})

		It("is nothing to a client with keys of its own", func() {
			client.ServiceAccount = ""
			client.Keys = []assertion.Key{{Public: newKey().Public()}}
			Expect(offer(key, nil)).To(haveCode(oauth.CodeInvalidClient))
			Expect(send(signed(key, claims(nil)))).To(haveCode(oauth.CodeInvalidClient), "whatever the cluster has signed")
		})
	})
})

// quiet is a registry that many may ask at once.
type quiet struct{ clients }

func (quiet) Renew(context.Context, *registration.Client) *registration.Client { return nil }
