package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("A workload with nothing but its Secret", func() {
	var namespace string

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("logs a person in, refreshes and calls userinfo, with clients that others wrote", func(ctx SpecContext) {
		webapp := newClient(ctx, namespace, nil)
		token := webapp.tokens(ctx, newPerson())

		By("the ID token, as go-oidc verifies it")
		idToken, err := webapp.oidc.VerifierContext(spied(ctx), &oidc.Config{ClientID: webapp.oauth.ClientID}).
			Verify(ctx, token.Extra("id_token").(string))
		Expect(err).NotTo(HaveOccurred())
		Expect(idToken.Nonce).To(Equal("n-0S6_WzA2Mj"))
		Expect(idToken.VerifyAccessToken(token.AccessToken)).To(Succeed())
		var claims struct {
			Name   string   `json:"name"`
			Email  string   `json:"email"`
			Groups []string `json:"groups"`
		}
		Expect(idToken.Claims(&claims)).To(Succeed())
		Expect(claims.Name).To(Equal("Alice Liddell"))
		Expect(claims.Groups).To(ConsistOf("readers"))

		By("userinfo")
		info, err := webapp.oidc.UserInfo(spied(ctx), oauth2.StaticTokenSource(token))
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Subject).To(Equal(idToken.Subject))
		Expect(info.Email).To(Equal("alice@example.com"))

		By("the refresh")
		next, err := webapp.refresh(ctx, token.RefreshToken)
		Expect(err).NotTo(HaveOccurred())
		Expect(next.RefreshToken).NotTo(Equal(token.RefreshToken))
		_, err = webapp.oidc.UserInfo(spied(ctx), oauth2.StaticTokenSource(next))
		Expect(err).NotTo(HaveOccurred())
	})

	It("writes once for a code grant, once for a refresh, and never for client credentials", func(ctx SpecContext) {
		webapp := newClient(ctx, namespace, func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes = append(s.GrantTypes, v1alpha1.GrantTypeClientCredentials)
		})
		mark := audit.mark()
		token := webapp.tokens(ctx, newPerson())
		Expect(writes(audit.since(mark, serverAccount))).To(ConsistOf("create oauthgrants"))

		mark = audit.mark()
		_, err := webapp.refresh(ctx, token.RefreshToken)
		Expect(err).NotTo(HaveOccurred())
		Expect(writes(audit.since(mark, serverAccount))).To(HaveLen(1))

		mark = audit.mark()
		config := clientcredentials.Config{
			ClientID: webapp.oauth.ClientID, ClientSecret: webapp.oauth.ClientSecret,
			TokenURL: webapp.oauth.Endpoint.TokenURL, Scopes: []string{"orders"},
		}
		machine, err := config.Token(spied(ctx))
		Expect(err).NotTo(HaveOccurred())
		Expect(machine.RefreshToken).To(BeEmpty())
		Expect(slices.DeleteFunc(audit.since(mark, serverAccount), event.records)).To(BeEmpty(), "nothing is read for it either")
	})

	It("sees in the status when its client secret was last used, and that it was not before", func(ctx SpecContext) {
		webapp := newClient(ctx, namespace, nil)
		Expect(webapp.object.Status.Credentials).To(ConsistOf(HaveField("LastUsedAt", BeNil())))
		webapp.tokens(ctx, newPerson())
		Eventually(func(g Gomega) {
			g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(webapp.object), webapp.object)).To(Succeed())
			g.Expect(webapp.object.Status.Credentials).To(ConsistOf(HaveField("LastUsedAt.Time", BeTemporally("~", time.Now(), time.Minute))))
		}).WithContext(ctx).Should(Succeed())
	})

	It("may be a public client, which has no secret and proves itself by PKCE", func(ctx SpecContext) {
		cli := newClient(ctx, namespace, func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
			s.RedirectURIs = []string{callback, "http://127.0.0.1/callback"}
		})
		Expect(cli.secret).NotTo(HaveKey(v1alpha1.SecretKeyClientSecret))
		Expect(cli.tokens(ctx, newPerson()).RefreshToken).NotTo(BeEmpty())

		By("RFC 8252 §7.3: on whatever port is free")
		cli.oauth.RedirectURL = "http://127.0.0.1:43117/callback"
		page, err := newPerson().Visit(ctx, cli.oauth.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())),
			func(u *url.URL) bool { return u.Port() == "43117" })
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Location).NotTo(BeNil())
		Expect(page.Location.Query().Has("code")).To(BeTrue())
	})

	It("is told no when the person says no", func(ctx SpecContext) {
		webapp := newClient(ctx, namespace, nil)
		p := newPerson()
		p.Refuse = true
		back := webapp.login(ctx, p, oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
		Expect(back.Get("error")).To(Equal("access_denied"))
		Expect(back.Get("state")).To(Equal("the state"))
		Expect(back.Get("iss")).To(Equal(issuer))
		Expect(back.Has("code")).To(BeFalse())
	})

	It("loses the grant when the code is used twice (RFC 6749 §4.1.2)", func(ctx SpecContext) {
		webapp := newClient(ctx, namespace, nil)
		verifier := oauth2.GenerateVerifier()
		code := webapp.login(ctx, newPerson(), oauth2.S256ChallengeOption(verifier)).Get("code")
		token, err := webapp.oauth.Exchange(spied(ctx), code, oauth2.VerifierOption(verifier))
		Expect(err).NotTo(HaveOccurred())

		_, err = webapp.oauth.Exchange(spied(ctx), code, oauth2.VerifierOption(verifier))
		Expect(errorCode(err)).To(Equal("invalid_grant"))
		_, err = webapp.refresh(ctx, token.RefreshToken)
		Expect(errorCode(err)).To(Equal("invalid_grant"))
		_, err = webapp.oidc.UserInfo(spied(ctx), oauth2.StaticTokenSource(token))
		Expect(err).To(MatchError(ContainSubstring("401")))
	})
})

var _ = Describe("People with kubectl", func() {
	var (
		namespace string
		webapp    *workload
	)

	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		webapp = newClient(ctx, namespace, nil)
	})

	It("see who has allowed what, and revoke it by deleting it", func(ctx SpecContext) {
		token := webapp.tokens(ctx, newPerson())
		var grants v1alpha1.OAuthGrantList
		Expect(k8s.List(ctx, &grants, client.InNamespace(namespace))).To(Succeed())
		Expect(grants.Items).To(HaveLen(1))
		Expect(grants.Items[0].Spec.Username).To(Equal(alice))
		Expect(grants.Items[0].Spec.ClientID).To(Equal(namespace + ".webapp"))

		Expect(k8s.Delete(ctx, &grants.Items[0])).To(Succeed())
		_, err := webapp.refresh(ctx, token.RefreshToken)
		Expect(errorCode(err)).To(Equal("invalid_grant"))
	})

	It("can rely on Ready: nothing moves after it, and nothing is written by a restart", func(ctx SpecContext) {
		var secret corev1.Secret
		key := types.NamespacedName{Namespace: namespace, Name: webapp.object.Status.Binding.Name}
		versions := func() []string {
			Expect(k8s.Get(ctx, key, &secret)).To(Succeed())
			Expect(k8s.Get(ctx, client.ObjectKeyFromObject(webapp.object), webapp.object)).To(Succeed())
			return []string{secret.ResourceVersion, webapp.object.ResourceVersion}
		}
		before := versions()
		Consistently(versions, "2s").Should(Equal(before))

		mark := audit.mark()
		Expect(in.Restart(context.Background(), "controller")).To(Succeed())
		Eventually(func() []event { return audit.since(mark, controllerAccount) }).
			Should(ContainElement(HaveField("ObjectRef.Resource", "oauthclients")), "the new controller is at work")
		Consistently(versions, "2s").Should(Equal(before))
		Expect(writes(audit.since(mark, controllerAccount))).To(BeEmpty())
	})

	It("get a deleted Secret back: another secret, the same client_id", func(ctx SpecContext) {
		before := webapp.secret
		Expect(k8s.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: webapp.object.Status.Binding.Name,
		}})).To(Succeed())
		Eventually(func(g Gomega) {
			var secret corev1.Secret
			key := types.NamespacedName{Namespace: namespace, Name: webapp.object.Status.Binding.Name}
			g.Expect(k8s.Get(ctx, key, &secret)).To(Succeed())
			g.Expect(string(secret.Data[v1alpha1.SecretKeyClientSecret])).NotTo(Equal(before[v1alpha1.SecretKeyClientSecret]))
		}).Should(Succeed())
		eventuallyReady(ctx, webapp.object)
		webapp.mount(ctx)
		Expect(webapp.secret[v1alpha1.SecretKeyClientID]).To(Equal(before[v1alpha1.SecretKeyClientID]))
		Eventually(func() string { return authenticates(ctx, webapp.secret) }).Should(Equal("invalid_grant"),
			"the new secret authenticates: only the code is wrong")
		Expect(authenticates(ctx, before)).To(Equal("invalid_grant"), "the old one does too, while the overlap lasts")
	})

	It("stop a client by taking its namespace out of the policy, at the server too", func(ctx SpecContext) {
		Expect(authenticates(ctx, webapp.secret)).To(Equal("invalid_grant"))
		var ns corev1.Namespace
		Expect(k8s.Get(ctx, types.NamespacedName{Name: namespace}, &ns)).To(Succeed())
		delete(ns.Labels, "team")
		Expect(k8s.Update(ctx, &ns)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(webapp.object), webapp.object)).To(Succeed())
			g.Expect(webapp.object.Status.Conditions).To(ContainElement(And(
				HaveField("Type", v1alpha1.ConditionAccepted),
				HaveField("Status", metav1.ConditionFalse),
				HaveField("Reason", v1alpha1.ReasonNotAllowed),
			)))
		}).Should(Succeed())
		Eventually(func() string { return authenticates(ctx, webapp.secret) }).Should(Equal("invalid_client"))
	})

	It("end a person's grants by disabling the person", func(ctx SpecContext) {
		token := webapp.tokens(ctx, newPerson())
		disable := func(ctx context.Context, disabled bool) {
			user := &v1alpha1.OAuthUser{ObjectMeta: metav1.ObjectMeta{Name: alice}}
			patch := fmt.Appendf(nil, `{"spec":{"disabled":%t}}`, disabled)
			Expect(k8s.Patch(ctx, user, client.RawPatch(types.MergePatchType, patch))).To(Succeed())
		}
		disable(ctx, true)
		DeferCleanup(func(ctx SpecContext) {
			disable(ctx, false)
			Eventually(func() error {
				_, err := webapp.refresh(ctx, token.RefreshToken)
				return err
			}).Should(Succeed(), "she is back, and so are her grants")
		})
		Eventually(func() string {
			_, err := webapp.refresh(ctx, token.RefreshToken)
			return errorCode(err)
		}).Should(Equal("invalid_grant"))
	})
})

var _ = Describe("Strangers", func() {
	It("get the RFC's errors, and can write nothing anywhere", func(ctx SpecContext) {
		webapp := newClient(ctx, newNamespace(ctx), nil)
		id := url.QueryEscape(webapp.oauth.ClientID)
		mark := audit.mark()
		for _, query := range []string{
			"", "?", "?client_id=" + id, "?client_id=nobody", "?client_id=" + id + "&client_id=" + id,
			"?client_id=" + id + "&redirect_uri=https://evil.example", "?client_id=" + id + "&redirect_uri=%zz",
			"?client_id=" + id + "&redirect_uri=" + url.QueryEscape(callback) + "&response_type=token",
			"?client_id=" + strings.Repeat("x", 100_000), "?client_id=%00&x=%ff",
		} {
			response := get(ctx, issuer+"/authorize"+query)
			Expect(response.StatusCode).To(BeNumerically("<", 500), query)
			Expect(response.Header).NotTo(HaveKey("Location"), query)
		}
		for _, form := range []string{
			"", "grant_type=", "grant_type=password", "grant_type=authorization_code", "%", "a=1&a=2",
			"grant_type=authorization_code&code=x&client_id=" + id,
			"grant_type=refresh_token&refresh_token=x&client_id=" + id,
			"grant_type=client_credentials&client_id=" + id + "&client_secret=guessed",
		} {
			response := post(ctx, issuer+"/token", form)
			Expect(response.StatusCode).To(BeElementOf(http.StatusBadRequest, http.StatusUnauthorized), form)
			Expect(response.Header.Get("Content-Type")).To(HavePrefix("application/json"), form)
		}
		for _, path := range []string{"/", "/userinfo", "/consent", "/continue", "/login", "/nothing", "/.well-known/x", "//evil.example"} {
			Expect(get(ctx, issuer+path).StatusCode).To(And(BeNumerically(">=", 400), BeNumerically("<", 500)), path)
			Expect(post(ctx, issuer+path, "username=alice&password=guessed").StatusCode).
				To(And(BeNumerically(">=", 400), BeNumerically("<", 500)), path)
		}
		events := audit.since(mark, serverAccount)
		Expect(writes(events)).To(BeEmpty())
		Expect(events).NotTo(ContainElement(And(
			HaveField("ObjectRef.Namespace", webapp.object.Namespace), WithTransform(event.records, BeTrue()))), "no use of a secret that nobody had")
	})
})

// authenticates tries the credentials with a code that cannot be good:
// invalid_grant says that they were right.
func authenticates(ctx context.Context, secret map[string]string) string {
	config := oauth2.Config{
		ClientID:     secret[v1alpha1.SecretKeyClientID],
		ClientSecret: secret[v1alpha1.SecretKeyClientSecret],
		Endpoint:     oauth2.Endpoint{TokenURL: secret[v1alpha1.SecretKeyTokenURI], AuthStyle: oauth2.AuthStyleInHeader},
		RedirectURL:  callback,
	}
	_, err := config.Exchange(spied(ctx), "no-such-code", oauth2.VerifierOption(oauth2.GenerateVerifier()))
	return errorCode(err)
}

// errorCode returns the code of a token endpoint's error.
func errorCode(err error) string {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) {
		return answer.ErrorCode
	}
	return fmt.Sprint(err)
}

func get(ctx context.Context, address string) *http.Response {
	GinkgoHelper()
	return do(ctx, http.MethodGet, address, "")
}

func post(ctx context.Context, address, form string) *http.Response {
	GinkgoHelper()
	return do(ctx, http.MethodPost, address, form)
}

func do(ctx context.Context, method, address, form string) *http.Response {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form))
	Expect(err).NotTo(HaveOccurred())
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	browser := &http.Client{Transport: &spy{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Do(request)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.Body.Close()).To(Succeed())
	return response
}
