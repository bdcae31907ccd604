package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/foreign"
	"oauth-operator.dev/server/protocoltest"
)

// What the conformance suite asks for and this server does not offer.
var notOffered = []string{
	"RFC 9126 §2.2", "RFC 9126 §2.1-request_uri", "RFC 9126 §2.1-authentication",
	"RFC 9449 §4.3-malformed", "RFC 9449 §4.3-two",
}

var _ = Describe("make conformance", func() {
	It("finds nothing amiss, and all that is offered", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		config, report := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "report.xml")
		whole := conformance(ctx)
		content, err := yaml.Marshal(whole)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(config, content, 0o600)).To(Succeed())

		suite := exec.CommandContext(ctx, "make", "-C", root, "conformance",
			"ISSUER="+issuer+conformancePath, "CONFIG="+config, "JUNIT="+report)
		said, err := suite.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(said))

		results := readJUnit(report)
		var ids, skipped []string
		for _, c := range results.Cases {
			id, _, _ := strings.Cut(c.Name, ": ")
			ids = append(ids, id)
			Expect(c.Failure).To(BeNil(), id)
			if c.Skipped != nil {
				Expect(c.Skipped.Message).NotTo(BeEmpty(), id)
				skipped = append(skipped, id)
			}
		}
		Expect(skipped).To(ConsistOf(notOffered))
		var all []string
		for _, c := range protocoltest.Cases() {
			all = append(all, c.ID())
		}
		Expect(ids).To(Equal(all))
		Expect(results.Tests).To(Equal(len(all)))
		Expect(results.Failures).To(BeZero())
		Expect(results.Skipped).To(Equal(len(notOffered)))

		By("token exchange with openid-client, at the same issuer")
		swap := whole.Exchange
		Expect(play(ctx, foreign.Told{
			Issuer: issuer + conformancePath, Client: foreign.Client{ID: whole.Confidential.ID, Secret: whole.Confidential.Secret},
			RedirectURI: whole.Confidential.RedirectURIs[0], PostLogoutRedirectURI: conformanceBye, Scope: "openid orders", Resource: swap.From,
			Exchange: &foreign.Exchange{Client: foreign.Client{ID: swap.Client.ID, Secret: swap.Client.Secret}, To: swap.To},
		}, "node", openIDClient(ctx))).To(ContainElements("code", "exchange", "logout"))

		By("the device grant with openid-client, there too")
		Expect(play(ctx, foreign.Told{
			Issuer: issuer + conformancePath, Client: foreign.Client{ID: whole.Device.Client.ID}, Scope: "openid email", Device: true,
		}, "node", openIDClient(ctx))).To(Equal([]string{"discovery", "device", "refresh"}))
	}, SpecTimeout(5*time.Minute))
})

// The issuer of the suite has a path, and its web application takes people back here.
const (
	conformancePath = "/conformance"
	conformanceBye  = "https://webapp.example.com/bye"
)

// conformance sets up what the suite needs, an issuer of its own included, and
// returns the configuration that a user would write.
func conformance(ctx context.Context) protocoltest.Config {
	GinkgoHelper()
	const first, second = "urn:example:first", "urn:example:second"
	namespace := newNamespace(ctx)
	server := object(&v1alpha1.AuthorizationServer{}, "", "conformance")
	server.Spec = v1alpha1.AuthorizationServerSpec{
		Issuer: issuer + conformancePath,
		Scopes: []v1alpha1.Scope{{Name: "openid", Default: true}, {Name: "email"}, {Name: "orders"}},
		Resources: []v1alpha1.Resource{
			{Identifier: first, ServedBy: []v1alpha1.OAuthClientReference{{Namespace: namespace, Name: "api"}}},
			{Identifier: second},
		},
		Policy: &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{{
			Name: "suite", NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"team": "true"}},
		}}},
		TokenExchange: &v1alpha1.TokenExchange{Rules: []v1alpha1.TokenExchangeRule{{
			Name:    "onward",
			Clients: v1alpha1.TokenExchangeClients{Refs: []v1alpha1.OAuthClientReference{{Namespace: namespace, Name: "api"}}},
			From:    []string{first}, To: []string{second}, Scopes: []string{"orders"},
		}}},
	}
	Expect(k8s.Create(ctx, server)).To(Succeed())
	eventuallyReady(ctx, server)

	key, public := newSigner()
	register := func(name, redirectURI string, edit func(*v1alpha1.OAuthClientSpec)) protocoltest.Client {
		return suiteClient(ctx, namespace, name, redirectURI, edit)
	}
	config := protocoltest.Config{
		Scope: "openid email orders",
		Login: protocoltest.Login{Username: alice, Password: password},
		Confidential: register("web", callback, func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes = append(s.GrantTypes, v1alpha1.GrantTypeClientCredentials)
			s.Resources, s.PostLogoutRedirectURIs = []string{first}, []string{conformanceBye}
		}),
		Other: register("other", "https://other.example.com/callback", func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod = v1alpha1.AuthMethodClientSecretPost
		}),
		Public: register("cli", "http://127.0.0.1/callback", func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
		}),
		Signer: register("signer", "https://signer.example.com/callback", func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod = v1alpha1.AuthMethodPrivateKeyJWT
			s.JWKS = &v1alpha1.JSONWebKeySet{Keys: []v1alpha1.JSONWebKey{public}}
		}),
		Exchange: protocoltest.Swap{From: first, To: second, Client: register("api", "", func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeTokenExchange}
		})},
	}
	config.Signer.PrivateKey, config.Signer.KeyID = key, public.KeyID
	config.Device.Client = register("tv", "", func(s *v1alpha1.OAuthClientSpec) {
		s.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
		s.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeDeviceCode, v1alpha1.GrantTypeRefreshToken}
	})

	published, public := newSigner()
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(v1alpha1.JSONWebKeySet{Keys: []v1alpha1.JSONWebKey{public}})
	}))
	DeferCleanup(site.Close)
	config.Publisher = register("publisher", "https://publisher.example.com/callback", func(s *v1alpha1.OAuthClientSpec) {
		s.TokenEndpointAuthMethod = v1alpha1.AuthMethodPrivateKeyJWT
		s.JWKSURI = site.URL + "/jwks.json"
	})
	config.Publisher.PrivateKey, config.Publisher.KeyID = published, public.KeyID
	return config
}

// suiteClient registers a client with the issuer of the suite, and returns it as
// its Secret describes it.
func suiteClient(ctx context.Context, namespace, name, redirectURI string, edit func(*v1alpha1.OAuthClientSpec)) protocoltest.Client {
	GinkgoHelper()
	c := object(&v1alpha1.OAuthClient{}, namespace, name)
	c.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: "conformance"}
	c.Spec.Scopes = []string{"openid", "email", "orders"}
	if redirectURI != "" {
		c.Spec.RedirectURIs = []string{redirectURI}
		c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken}
	}
	edit(&c.Spec)
	Expect(k8s.Create(ctx, c)).To(Succeed())
	eventuallyReady(ctx, c)
	w := &workload{object: c}
	w.mount(ctx)
	return protocoltest.Client{
		ID:           w.secret[v1alpha1.SecretKeyClientID],
		Secret:       w.secret[v1alpha1.SecretKeyClientSecret],
		AuthMethod:   w.secret[v1alpha1.SecretKeyAuthMethod],
		RedirectURIs: c.Spec.RedirectURIs,
	}
}

// newSigner makes a key on P-256: the private half in PEM, the public one as it is
// registered.
func newSigner() (private string, public v1alpha1.JSONWebKey) {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	der, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	point, err := key.PublicKey.Bytes()
	Expect(err).NotTo(HaveOccurred())
	coordinate := base64.RawURLEncoding.EncodeToString
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		v1alpha1.JSONWebKey{KeyType: "EC", Curve: "P-256", KeyID: "one", X: coordinate(point[1:33]), Y: coordinate(point[33:])}
}

// junit is a report as CI systems read it.
type junit struct {
	XMLName  xml.Name `xml:"testsuite"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Cases    []struct {
		Name    string      `xml:"name,attr"`
		Time    float64     `xml:"time,attr"`
		Failure *junitState `xml:"failure"`
		Skipped *junitState `xml:"skipped"`
	} `xml:"testcase"`
}

type junitState struct {
	Message string `xml:"message,attr"`
}

func readJUnit(file string) junit {
	GinkgoHelper()
	raw, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	var read junit
	Expect(xml.Unmarshal(raw, &read)).To(Succeed())
	return read
}
