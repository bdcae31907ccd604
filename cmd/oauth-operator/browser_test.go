package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
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
			seen.add(r.URL.Query().Get("code"))
			_, _ = fmt.Fprintf(w, "<!doctype html><title>client</title><p id=outcome>%s %s", "back", r.URL.Query().Get("error"))
		}))
		DeferCleanup(app.Close)
		cli = newClient(ctx, newNamespace(ctx), func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
			s.RedirectURIs = []string{"http://127.0.0.1/callback"}
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

	It("needs no script", func() {
		Expect(chromedp.Do(tab, scripts(false), open(), signIn(password), chromedp.Click("#allow"), scripts(true))).To(Succeed())
		Expect(outcome()).To(Equal("back"))
	})
})

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
