package e2e_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/person"
)

// Where the sample API verifies an access token itself, and where it asks.
const (
	byKeys          = "https://" + apiHost + "/"
	byIntrospection = "https://" + apiHost + "/introspected"
	apiIdentifier   = "https://api.example.com"
)

// shortLived is how long the access tokens of the client of these specs are good.
const shortLived = 30 * time.Second

func theAPI() {
	const callback = "https://reader.example.com/callback"
	var reader oauth2.Config

	BeforeAll(func(ctx SpecContext) {
		reader = register(ctx, &v1alpha1.OAuthClient{
			ObjectMeta: metav1.ObjectMeta{Namespace: demoNamespace, Name: "reader"},
			Spec: v1alpha1.OAuthClientSpec{
				RedirectURIs: []string{callback},
				GrantTypes:   []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken},
				Scopes:       []string{"openid", "profile"},
				Resources:    []string{apiIdentifier},
				Lifetimes:    v1alpha1.ClientLifetimes{AccessToken: &metav1.Duration{Duration: shortLived}},
			},
		})
	})

	It("takes an access token that is for it, and no other", func(ctx SpecContext) {
		token := logIn(ctx, &reader, oauth2.SetAuthURLParam("resource", apiIdentifier))
		idToken, _ := token.Extra("id_token").(string)
		Expect(idToken).NotTo(BeEmpty())
		elsewhere := logIn(ctx, &reader) // for the issuer itself
		both := []string{byKeys, byIntrospection}
		for _, address := range both {
			Expect(statusOf(ctx, address, token.AccessToken)).To(Equal(http.StatusOK), address)
		}
		for _, address := range both {
			for what, wrong := range map[string]string{
				"no token":                 "",
				"an ID token":              idToken,
				"a refresh token":          token.RefreshToken,
				"a token for the issuer":   elsewhere.AccessToken,
				"a token that was changed": damaged(token.AccessToken),
			} {
				Expect(statusOf(ctx, address, wrong)).To(Equal(http.StatusUnauthorized), "%s at %s", what, address)
			}
		}
	}, SpecTimeout(2*time.Minute))

	It("refuses at once after a revocation where it asks, and with the token's expiry where it does not", func(ctx SpecContext) {
		token := logIn(ctx, &reader, oauth2.SetAuthURLParam("resource", apiIdentifier))
		issued := time.Now()
		Expect(statusOf(ctx, byIntrospection, token.AccessToken)).To(Equal(http.StatusOK))
		revoke(ctx, &reader, token.RefreshToken)
		Expect(statusOf(ctx, byIntrospection, token.AccessToken)).To(Equal(http.StatusUnauthorized))
		Expect(statusOf(ctx, byKeys, token.AccessToken)).To(Equal(http.StatusOK), "it has not expired")
		Eventually(func() int { return statusOf(ctx, byKeys, token.AccessToken) }).
			WithContext(ctx).WithTimeout(2 * shortLived).WithPolling(poll).Should(Equal(http.StatusUnauthorized))
		Expect(time.Since(issued)).To(BeNumerically(">", shortLived-5*time.Second))
	}, SpecTimeout(2*time.Minute))

	It("refuses after kubectl delete oauthgrant where it asks", func(ctx SpecContext) {
		token := logIn(ctx, &reader, oauth2.SetAuthURLParam("resource", apiIdentifier))
		Expect(statusOf(ctx, byIntrospection, token.AccessToken)).To(Equal(http.StatusOK))
		Expect(k8s.DeleteAllOf(ctx, &v1alpha1.OAuthGrant{}, client.InNamespace(demoNamespace))).To(Succeed())
		Eventually(func() int { return statusOf(ctx, byIntrospection, token.AccessToken) }).
			WithContext(ctx).WithTimeout(soon).WithPolling(poll).Should(Equal(http.StatusUnauthorized))
	}, SpecTimeout(2*time.Minute))
}

// register makes a client and returns what x/oauth2 has to know of it, from its Secret.
func register(ctx context.Context, object *v1alpha1.OAuthClient) oauth2.Config {
	GinkgoHelper()
	k8s.create(ctx, object)
	Eventually(func(g Gomega) {
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
		g.Expect(object.Status.Conditions).To(ContainElement(And(HaveField("Type", "Ready"), HaveField("Status", metav1.ConditionTrue))))
	}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
	return configOf(secretOf(ctx, object))
}

func secretOf(ctx context.Context, object *v1alpha1.OAuthClient) map[string][]byte {
	GinkgoHelper()
	var secret corev1.Secret
	Expect(k8s.Get(ctx, client.ObjectKey{Namespace: object.Namespace, Name: object.Status.Binding.Name}, &secret)).To(Succeed())
	return secret.Data
}

func configOf(secret map[string][]byte) oauth2.Config {
	return oauth2.Config{
		ClientID:     string(secret[v1alpha1.SecretKeyClientID]),
		ClientSecret: string(secret[v1alpha1.SecretKeyClientSecret]),
		RedirectURL:  string(secret[v1alpha1.SecretKeyRedirectURIs]),
		Scopes:       strings.Fields(string(secret[v1alpha1.SecretKeyScopes])),
		Endpoint: oauth2.Endpoint{
			AuthURL: issuer + "/authorize", TokenURL: issuer + "/token", AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// outward has x/oauth2 come in through the edge.
func outward(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, outside.http())
}

// logIn walks the authorization code grant, with a person at the pages.
func logIn(ctx context.Context, config *oauth2.Config, options ...oauth2.AuthCodeOption) *oauth2.Token {
	GinkgoHelper()
	verifier := oauth2.GenerateVerifier()
	someone, err := person.New(username, password, outside.transport())
	Expect(err).NotTo(HaveOccurred())
	address := config.AuthCodeURL("state", append(options, oauth2.S256ChallengeOption(verifier))...)
	page, err := someone.Visit(ctx, address, func(u *url.URL) bool { return strings.HasPrefix(u.String(), config.RedirectURL) })
	Expect(err).NotTo(HaveOccurred())
	Expect(page.Location).NotTo(BeNil(), page.Body)
	Expect(page.Location.Query().Get("error")).To(BeEmpty())
	token, err := config.Exchange(outward(ctx), page.Location.Query().Get("code"), oauth2.VerifierOption(verifier))
	Expect(err).NotTo(HaveOccurred())
	return token
}

// revoke ends the grant (RFC 7009).
func revoke(ctx context.Context, config *oauth2.Config, token string) {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/revoke",
		strings.NewReader(url.Values{"token": {token}}.Encode()))
	Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(config.ClientID), url.QueryEscape(config.ClientSecret))
	response, err := outside.http().Do(request)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.Body.Close()).To(Succeed())
	Expect(response.StatusCode).To(Equal(http.StatusOK))
}

func statusOf(ctx context.Context, address, token string) int {
	GinkgoHelper()
	response, err := get(ctx, address, token) //nolint:bodyclose // get has closed it
	Expect(err).NotTo(HaveOccurred())
	return response.StatusCode
}

// damaged is the token with another signature.
func damaged(token string) string {
	middle := strings.LastIndexByte(token, '.') + 10
	other := byte('A')
	if token[middle] == other {
		other = 'B'
	}
	return token[:middle] + string(other) + token[middle+1:]
}
