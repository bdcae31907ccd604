package main_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/coreos/go-oidc/v3/oidc"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"

	"oauth-operator.dev/api/v1alpha1"
)

// newDevice registers a public client that runs on a device.
func newDevice(ctx context.Context, namespace string) *workload {
	GinkgoHelper()
	c := object(&v1alpha1.OAuthClient{}, namespace, "tv")
	c.Spec.ClientName = "The cinema"
	c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
	c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeDeviceCode, v1alpha1.GrantTypeRefreshToken}
	c.Spec.Scopes = []string{"openid", "email"}
	Expect(k8s.Create(ctx, c)).To(Succeed())
	eventuallyReady(ctx, c)
	w := &workload{object: c}
	w.mount(ctx)
	Expect(w.secret[v1alpha1.SecretKeyDeviceURI]).To(Equal(w.oauth.Endpoint.DeviceAuthURL), "as the metadata have it")
	return w
}

// connectsADevice has a spec with everything that the device grant needs of the
// API server.
func connectsADevice(namespace string) {
	It("connects a device", func(ctx SpecContext) {
		tv := newDevice(ctx, namespace)
		begun, err := tv.oauth.DeviceAuth(spied(ctx))
		Expect(err).NotTo(HaveOccurred())
		page, err := newPerson().Visit(ctx, begun.VerificationURIComplete, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Text("done")).To(Equal("Your device is connected"), page.Body)
		token, err := tv.oauth.DeviceAccessToken(spied(ctx), begun)
		Expect(err).NotTo(HaveOccurred())
		token, err = tv.refresh(ctx, token.RefreshToken)
		Expect(err).NotTo(HaveOccurred())
		info, err := tv.oidc.UserInfo(spied(ctx), oauth2.StaticTokenSource(token))
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Email).To(Equal("alice@example.com"))
	}, SpecTimeout(time.Minute))
}

var _ = Describe("A device with golang.org/x/oauth2, and its person with Chromium", func() {
	var (
		tab context.Context
		tv  *workload
	)

	BeforeEach(func(ctx SpecContext) {
		program, err := exec.LookPath("chromium")
		if err != nil && os.Getenv("CI") == "" {
			Skip("chromium is not installed")
		}
		Expect(err).NotTo(HaveOccurred())
		tv = newDevice(ctx, newNamespace(ctx))
		tab = newTab(program)
	})

	begin := func(ctx context.Context) *oauth2.DeviceAuthResponse {
		GinkgoHelper()
		begun, err := tv.oauth.DeviceAuth(spied(ctx))
		Expect(err).NotTo(HaveOccurred())
		seen.add(begun.DeviceCode)
		return begun
	}
	signIn := chromedp.Steps(
		chromedp.SendKeys("#username", alice),
		chromedp.SendKeys("#password", password),
		chromedp.Click("#submit"),
	)
	// answer types the code, and presses the button.
	answer := func(address, code, button string) string {
		GinkgoHelper()
		Expect(chromedp.Do(tab, chromedp.Navigate(address), signIn)).To(Succeed())
		if code != "" {
			Expect(chromedp.Do(tab, chromedp.SendKeys("#user_code", code))).To(Succeed())
		}
		Expect(chromedp.Do(tab, chromedp.Click("#next"), chromedp.Click(button))).To(Succeed())
		text, err := chromedp.Run(tab, chromedp.Text("#done"))
		Expect(err).NotTo(HaveOccurred())
		return text
	}

	It("is connected when the person has typed its code and allowed it", func(ctx SpecContext) {
		begun := begin(ctx)
		Expect(begun.Interval).To(BeEquivalentTo(5))
		Expect(answer(begun.VerificationURI, begun.UserCode, "#allow")).To(Equal("Your device is connected"))
		token, err := tv.oauth.DeviceAccessToken(spied(ctx), begun)
		Expect(err).NotTo(HaveOccurred())
		idToken, err := tv.oidc.VerifierContext(spied(ctx), &oidc.Config{ClientID: tv.oauth.ClientID}).Verify(ctx, token.Extra("id_token").(string))
		Expect(err).NotTo(HaveOccurred())
		Expect(idToken.Subject).NotTo(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("waits while the person has not decided, and is told that they have denied it; no script is needed", func(ctx SpecContext) {
		begun := begin(ctx)
		outcome := make(chan error, 1)
		go func() {
			_, err := tv.oauth.DeviceAccessToken(spied(ctx), begun)
			outcome <- err
		}()
		Consistently(outcome, 6*time.Second).ShouldNot(Receive(), "it polls in between")
		Expect(chromedp.Do(tab, scripts(false))).To(Succeed())
		Expect(answer(begun.VerificationURIComplete, "", "#deny")).To(Equal("Nothing was allowed"))
		var err error
		Eventually(ctx, outcome, 10*time.Second).Should(Receive(&err))
		Expect(errorCode(err)).To(Equal("access_denied"))
		Expect(err.(*oauth2.RetrieveError).Response.StatusCode).To(Equal(http.StatusBadRequest)) //nolint:errorlint // as it comes
	}, SpecTimeout(time.Minute))
})
