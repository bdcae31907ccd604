package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
)

// browserTimeout is how long a person waits, in all.
const browserTimeout = time.Minute

// newTab starts a fresh Chromium. It comes to the cluster through the edge, and trusts
// the keys that were certified for this run: no other certificate error is ignored.
func newTab() context.Context {
	GinkgoHelper()
	program := chromium()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(GinkgoT().TempDir()),
		chromedp.Flag("proxy-server", "http://"+outside.address),
		chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(ca.pins, ",")),
	}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-quic", "disable-background-networking",
		"disable-component-update", "disable-sync", "no-default-browser-check", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	DeferCleanup(cancel)
	tab, cancel := chromedp.NewContext(allocator)
	DeferCleanup(cancel)
	tab, cancel = context.WithTimeout(tab, browserTimeout)
	DeferCleanup(cancel)
	return tab
}

func chromium() string {
	GinkgoHelper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	if os.Getenv("CI") == "" {
		Skip("NOT TESTED: there is no Chromium on this machine")
	}
	Fail("there is no Chromium on this machine")
	return ""
}

func open(tab context.Context, address string) {
	GinkgoHelper()
	Expect(chromedp.Do(tab, chromedp.Navigate(address))).To(Succeed())
}

func press(tab context.Context, selector string) {
	GinkgoHelper()
	Expect(chromedp.Do(tab, chromedp.Click(selector))).To(Succeed())
}

// signIn presses a button that leads to the login page, and goes through with it.
func signIn(tab context.Context, button string) {
	GinkgoHelper()
	press(tab, button)
	agree(tab)
}

// agree fills in the login page, and the consent page after it.
func agree(tab context.Context) {
	GinkgoHelper()
	Expect(chromedp.Do(tab,
		chromedp.SendKeys("#username", username),
		chromedp.SendKeys("#password", password),
		chromedp.Click("#submit"),
		chromedp.Click("#allow"),
	)).To(Succeed())
}

// shows waits until the page has an element with such a text. The page that is there
// may be one that is about to go.
func shows(tab context.Context, selector string, text gomegatypes.GomegaMatcher) {
	GinkgoHelper()
	script := "document.querySelector(" + strconv.Quote(selector) + ")?.textContent ?? ''"
	Eventually(func() (string, error) { return chromedp.Run(tab, chromedp.Evaluate[string](script)) }).
		WithTimeout(soon).WithPolling(poll).Should(text, selector)
}
