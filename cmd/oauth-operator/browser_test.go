package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"

	"oauth-operator.dev/api/v1alpha1"
)

// browserTimeout is how long a person waits for a page.
const browserTimeout = 30 * time.Second

var _ = Describe("A person with Chromium", func() {
	var (
		tab context.Context
		app *httptest.Server
		cli *workload
	)

	BeforeEach(func(ctx SpecContext) {
		program, err := exec.LookPath("chromium")
		if err != nil && os.Getenv("CI") == "" {
			Skip("chromium is not installed")
		}
		Expect(err).NotTo(HaveOccurred())
		app = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen.add(r.FormValue("code"))
			_, _ = fmt.Fprintf(w, "<!doctype html><title>client</title><p id=outcome>%s %s%s", "back", r.FormValue("error"), postedOnly(r))
		}))
		DeferCleanup(app.Close)
		cli = newClient(ctx, newNamespace(ctx), func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
			s.RedirectURIs = []string{"http://127.0.0.1/callback"}
			s.PostLogoutRedirectURIs = []string{app.URL + "/bye"}
		})
		cli.oauth.RedirectURL = app.URL + "/callback"
		tab = newTab(program)
	})

	type step = chromedp.Action[chromedp.Void]
	open := func() step {
		return chromedp.Navigate(cli.oauth.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	}
	signIn := func(with string) step {
		return chromedp.Steps(
			chromedp.SendKeys("#username", alice),
			chromedp.SendKeys("#password", with),
			chromedp.Click("#submit"),
		)
	}
	read := func(action chromedp.Action[string]) string {
		GinkgoHelper()
		text, err := chromedp.Run(tab, action)
		Expect(err).NotTo(HaveOccurred())
		return text
	}
	outcome := func() string {
		GinkgoHelper()
		return read(chromedp.Text("#outcome"))
	}

	It("signs in, allows, and arrives at the client: the pages' policy lets the redirect through", func() {
		Expect(chromedp.Do(tab, open(), signIn(password), chromedp.Click("#allow"))).To(Succeed())
		Expect(outcome()).To(Equal("back"))
	})

	It("goes on to where the client sends them, on another origin", func() {
		broker := httptest.NewServer(http.RedirectHandler(app.URL+"/callback?passed=on", http.StatusSeeOther))
		DeferCleanup(broker.Close)
		cli.oauth.RedirectURL = broker.URL + "/callback"
		Expect(chromedp.Do(tab, open(), signIn(password), chromedp.Click("#allow"))).To(Succeed())
		Expect(outcome()).To(Equal("back"))
	})

	It("is told that the password is wrong, keeps the username, and can try again", func() {
		Expect(chromedp.Do(tab, open(), signIn("guessed"))).To(Succeed())
		Expect(read(chromedp.Text(`[role="alert"]`))).NotTo(BeEmpty())
		Expect(read(chromedp.Value("#username"))).To(Equal(alice))
		Expect(chromedp.Do(tab,
			chromedp.SendKeys("#password", password),
			chromedp.Click("#submit"),
			chromedp.Click("#deny"),
		)).To(Succeed())
		Expect(outcome()).To(Equal("back access_denied"))
	})

	formPost := func() step {
		return chromedp.Navigate(cli.oauth.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam("response_mode", "form_post")))
	}

	It("is sent on by a form that submits itself: the page's policy lets its one script run", func() {
		Expect(chromedp.Do(tab, formPost(), signIn(password), chromedp.Click("#allow"))).To(Succeed())
		Expect(outcome()).To(Equal("back by form"))
	})

	It("presses the button of that form where no script runs", func() {
		Expect(chromedp.Do(tab, scripts(false), formPost(), signIn(password), chromedp.Click("#allow"), chromedp.Click("#continue"), scripts(true))).To(Succeed())
		Expect(outcome()).To(Equal("back by form"))
	})

	It("signs out, comes back to the client, and has to sign in again", func() {
		Expect(chromedp.Do(tab, open(), signIn(password), chromedp.Click("#allow"))).To(Succeed())
		Expect(outcome()).To(Equal("back"))
		leave := strings.TrimSuffix(cli.oauth.Endpoint.AuthURL, "/authorize") + "/logout?" + url.Values{
			"client_id": {cli.oauth.ClientID}, "post_logout_redirect_uri": {app.URL + "/bye"},
		}.Encode()
		Expect(chromedp.Do(tab, chromedp.Navigate(leave), chromedp.Click("#stay"))).To(Succeed())
		Expect(read(chromedp.Text("#left"))).To(Equal("You are still signed in"))
		Expect(chromedp.Do(tab, chromedp.Navigate(leave), chromedp.Click("#leave"))).To(Succeed())
		Expect(outcome()).To(Equal("back after the logout"))
		Expect(chromedp.Do(tab, open(), chromedp.WaitVisible("#password"))).To(Succeed())
	})

	It("needs no script", func() {
		Expect(chromedp.Do(tab, scripts(false), open(), signIn(password), chromedp.Click("#allow"), scripts(true))).To(Succeed())
		Expect(outcome()).To(Equal("back"))
	})
})

// postedOnly says so of a code that came in a form, and of a logout.
func postedOnly(r *http.Request) string {
	switch {
	case r.URL.Path == "/bye":
		return "after the logout"
	case r.Method == http.MethodPost && r.PostForm.Get("code") != "" && !r.URL.Query().Has("code"):
		return "by form"
	}
	return ""
}

// scripts has the browser run the scripts of pages, or not.
func scripts(run bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
		return err
	})
}

// newTab starts a fresh Chromium that asks nobody on the network for anything.
func newTab(program string) context.Context {
	GinkgoHelper()
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(GinkgoT().TempDir()),
	}, flags("headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "no-default-browser-check")...)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	DeferCleanup(cancel)
	tab, cancel := chromedp.NewContext(allocator)
	DeferCleanup(cancel)
	tab, cancel = context.WithTimeout(tab, browserTimeout)
	DeferCleanup(cancel)
	return tab
}

func flags(names ...string) []chromedp.ExecAllocatorOption {
	options := make([]chromedp.ExecAllocatorOption, 0, len(names))
	for _, name := range names {
		options = append(options, chromedp.Flag(name, true))
	}
	return options
}
