package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// asserted asks for a token of the client's own with an assertion, and returns the
// error, if that was not granted.
func asserted(ctx context.Context, w *workload, assertion string) string {
	GinkgoHelper()
	return assertedAt(ctx, w, assertion, strings.TrimPrefix(issuer, "http://"))
}

// assertedAt does so at the replica that listens at the address.
func assertedAt(ctx context.Context, w *workload, assertion, address string) string {
	GinkgoHelper()
	seen.add(assertion)
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {w.secret[v1alpha1.SecretKeyClientID]},
		"client_assertion":      {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.secret[v1alpha1.SecretKeyTokenURI], strings.NewReader(form.Encode()))
	Expect(err).NotTo(HaveOccurred())
	request.Host, request.URL.Host = request.URL.Host, address
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	Expect(json.Unmarshal(body, &answer)).To(Succeed())
	seen.add(answer.AccessToken)
	if answer.Error == "" {
		Expect(answer.AccessToken).NotTo(BeEmpty(), "neither a token nor an error")
	} else {
		Expect(answer.AccessToken).To(BeEmpty(), "a token with an error")
	}
	return strings.TrimSpace(answer.Error + " " + answer.Description)
}

// authenticatesWithoutSecrets has the specs of clients that no secret is made for.
func authenticatesWithoutSecrets(namespace string) {
	without := func(name string, edit func(*v1alpha1.OAuthClientSpec)) *v1alpha1.OAuthClient {
		c := object(&v1alpha1.OAuthClient{}, namespace, name)
		c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeClientCredentials}
		c.Spec.Scopes = []string{"orders"}
		c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodPrivateKeyJWT
		edit(&c.Spec)
		return c
	}
	ready := func(ctx context.Context, c *v1alpha1.OAuthClient) *workload {
		GinkgoHelper()
		Expect(k8s.Create(ctx, c)).To(Succeed())
		eventuallyReady(ctx, c)
		w := &workload{object: c}
		w.mount(ctx)
		Expect(w.secret).NotTo(HaveKey(v1alpha1.SecretKeyClientSecret))
		Expect(w.secret).To(HaveKeyWithValue(v1alpha1.SecretKeyAuthMethod, "private_key_jwt"))
		Expect(c.Status.Credentials).To(BeEmpty())
		return w
	}

	It("authenticates a client by what it signs, once", func(ctx SpecContext) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		Expect(err).NotTo(HaveOccurred())
		point, err := key.PublicKey.Bytes()
		Expect(err).NotTo(HaveOccurred())
		coordinate := base64.RawURLEncoding.EncodeToString
		w := ready(ctx, without("signer", func(s *v1alpha1.OAuthClientSpec) {
			s.JWKS = &v1alpha1.JSONWebKeySet{Keys: []v1alpha1.JSONWebKey{{
				KeyType: "EC", Curve: "P-256", KeyID: "one", X: coordinate(point[1:33]), Y: coordinate(point[33:]),
			}}}
		}))
		id := w.secret[v1alpha1.SecretKeyClientID]
		assertion := func(audience string) string {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
			Expect(err).NotTo(HaveOccurred())
			claims, err := json.Marshal(map[string]any{
				"iss": id, "sub": id, "aud": audience, "jti": rand.Text(), "exp": time.Now().Add(time.Minute).Unix(),
			})
			Expect(err).NotTo(HaveOccurred())
			jws, err := signer.Sign(claims)
			Expect(err).NotTo(HaveOccurred())
			compact, err := jws.CompactSerialize()
			Expect(err).NotTo(HaveOccurred())
			return compact
		}
		good := assertion(issuer)
		Expect(asserted(ctx, w, good)).To(BeEmpty())
		Expect(asserted(ctx, w, good)).To(And(HavePrefix("invalid_client"), ContainSubstring("used before")))
		Expect(asserted(ctx, w, assertion(issuer))).To(BeEmpty())
		Expect(asserted(ctx, w, assertion(w.secret[v1alpha1.SecretKeyTokenURI]))).To(And(HavePrefix("invalid_client"), ContainSubstring("aud")))
	})

	It("authenticates a client by the token of its ServiceAccount, which the API server issues", func(ctx SpecContext) {
		account := object(&corev1.ServiceAccount{}, namespace, "worker")
		other := object(&corev1.ServiceAccount{}, namespace, "other")
		Expect(k8s.Create(ctx, account)).To(Succeed())
		Expect(k8s.Create(ctx, other)).To(Succeed())
		w := ready(ctx, without("worker", func(s *v1alpha1.OAuthClientSpec) {
			s.ServiceAccountRef = &v1alpha1.ServiceAccountReference{Name: account.Name}
		}))
		token := func(of *corev1.ServiceAccount, audiences ...string) string {
			request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
			Expect(k8s.SubResource("token").Create(ctx, of, request)).To(Succeed())
			return request.Status.Token
		}
		mounted := token(account, issuer)
		Expect(asserted(ctx, w, mounted)).To(BeEmpty())
		Expect(asserted(ctx, w, mounted)).To(BeEmpty(), "it is good until it expires")
		for _, foreign := range []string{token(account), token(account, issuer, "https://other.example.com"), token(other, issuer)} {
			Expect(asserted(ctx, w, foreign)).To(HavePrefix("invalid_client"))
		}
	})
}
