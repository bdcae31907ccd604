package main_test

import (
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/hack/person"
)

// authenticationConfig is that of docs/how-to/connect-an-identity-provider.md.
const authenticationConfig = `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: %s
    audiences: [%s]
    certificateAuthority: |
      %s
  claimMappings:
    username:
      claim: preferred_username
      prefix: "oauth:"
    groups:
      claim: groups
      prefix: "oauth:"
`

var _ = Describe("kube-apiserver as a relying party", func() {
	It("takes ID tokens of an issuer on https, for its audience alone, with username and groups", func(ctx SpecContext) {
		server, err := url.Parse(issuer)
		Expect(err).NotTo(HaveOccurred())
		edge := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(server)) // it leaves Host alone
		DeferCleanup(edge.Close)
		as := &v1alpha1.AuthorizationServer{
			ObjectMeta: metav1.ObjectMeta{Name: "edge"},
			Spec:       v1alpha1.AuthorizationServerSpec{Issuer: edge.URL},
		}
		Expect(k8s.Create(ctx, as)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(k8s.Delete(ctx, as)).To(Succeed()) })
		eventuallyReady(ctx, as)

		namespace := newNamespace(ctx)
		idToken := func(name string) string {
			GinkgoHelper()
			c := object(&v1alpha1.OAuthClient{}, namespace, name)
			c.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: as.Name}
			c.Spec.RedirectURIs = []string{"http://localhost:8000"}
			c.Spec.Scopes = []string{"openid", "profile", "groups"}
			c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
			Expect(k8s.Create(ctx, c)).To(Succeed())
			eventuallyReady(ctx, c)
			spied := oidc.ClientContext(ctx, edge.Client())
			provider, err := oidc.NewProvider(spied, edge.URL)
			Expect(err).NotTo(HaveOccurred())
			config := oauth2.Config{
				ClientID: c.Status.ClientID, Endpoint: provider.Endpoint(),
				RedirectURL: "http://localhost:18000", Scopes: c.Spec.Scopes, // on the port that is free
			}
			config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
			p, err := person.New(alice, password, edge.Client().Transport)
			Expect(err).NotTo(HaveOccurred())
			verifier := oauth2.GenerateVerifier()
			page, err := p.Visit(ctx, config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), func(u *url.URL) bool { return u.Port() == "18000" })
			Expect(err).NotTo(HaveOccurred())
			Expect(page.Location).NotTo(BeNil(), page.Body)
			token, err := config.Exchange(spied, page.Location.Query().Get("code"), oauth2.VerifierOption(verifier))
			Expect(err).NotTo(HaveOccurred())
			seen.add(token.AccessToken, token.Extra("id_token").(string))
			return token.Extra("id_token").(string)
		}
		good, other := idToken("kubectl"), idToken("other")

		authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: edge.Certificate().Raw}))
		file := filepath.Join(GinkgoT().TempDir(), "authentication.yaml")
		text := fmt.Sprintf(authenticationConfig, edge.URL, namespace+".kubectl", strings.ReplaceAll(strings.TrimSpace(authority), "\n", "\n      "))
		Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
		plane, err := controlplane.Start(ctx, controlplane.Options{
			Log: GinkgoWriter, WithoutCRDs: true, APIServerFlags: map[string]string{"authentication-config": file},
		})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(plane.Stop)
		whoAmI := func(token string) (*authenticationv1.SelfSubjectReview, error) {
			config := rest.AnonymousClientConfig(plane.Config())
			config.BearerToken = token
			api, err := client.New(config, client.Options{})
			if err != nil {
				return nil, err
			}
			review := &authenticationv1.SelfSubjectReview{}
			return review, api.Create(ctx, review)
		}
		// It fetches the keys behind its start.
		Eventually(func(g Gomega) {
			review, err := whoAmI(good)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(review.Status.UserInfo.Username).To(Equal("oauth:" + alice))
			g.Expect(review.Status.UserInfo.Groups).To(ConsistOf("oauth:readers", "system:authenticated"))
		}).WithContext(ctx).WithTimeout(time.Minute).Should(Succeed())
		_, err = whoAmI(other)
		Expect(apierrors.IsUnauthorized(err)).To(BeTrue(), "a token for another client: %v", err)
	}, SpecTimeout(4*time.Minute))
})
