package server

import (
	"bytes"
	"context"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chromedp/chromedp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/registration"
)

// noticed is where a script goes that does run: the policy lets images of our own in,
// so it would arrive under the policy too.
const noticed = "/noticed"

// running is a text that becomes scripts where it is not escaped.
const running = `"><script>new Image().src="` + noticed + `"</script><img src=x onerror="new Image().src='` + noticed + `'">`

// guards are what keeps scripts out of a page: each is enough.
type guards struct{ escaping, policy bool }

// weakened serves the site without the guards that are lacking, and counts the
// scripts that have run.
func weakened(s http.Handler, g guards, ran *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case noticed:
			ran.Add(1)
			return
		case "/sink":
			_, _ = io.WriteString(w, "<!doctype html><p id=sink>arrived")
			return
		}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		body := rec.Body.Bytes()
		if !g.policy {
			w.Header().Del("Content-Security-Policy")
		}
		if !g.escaping && strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
			body = bytes.ReplaceAll([]byte(html.UnescapeString(string(body))), []byte(`&quot;`), []byte(`"`))
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body)
	})
}

var _ = Describe("XSS, in Chromium:", Ordered, func() {
	var tab context.Context
	BeforeAll(func() {
		program, err := exec.LookPath("chromium")
		if err != nil && os.Getenv("CI") == "" {
			Skip("chromium is not installed")
		}
		Expect(err).NotTo(HaveOccurred())
		tab = newTab(program)
	})
	// tour has Chromium open the pages, with that text wherever there can be one.
	tour := func(g guards) int64 {
		GinkgoHelper()
		var (
			ran  atomic.Int64
			site atomic.Pointer[http.Handler]
		)
		at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*site.Load()).ServeHTTP(w, r) }))
		DeferCleanup(at.Close)
		s := newSite(at.URL, quiet)
		s.settings.DisplayName, s.settings.Catalogue[0].Description = running, running
		s.SetIssuers(nil)
		s.SetIssuers([]*issuer.Settings{s.settings})
		person := *s.person
		person.Name = running
		s.person = &person
		c := *s.clients[siteWeb]
		c.Name = running
		c.RedirectURIs = []registration.RedirectURI{registration.CompileRedirectURI(at.URL+"/sink", false)}
		c.OpenID.ClientURI, c.OpenID.PostLogoutRedirectURIs = "https://app.example.com/"+running, []string{at.URL + "/sink"}
		s.clients[siteWeb] = &c
		handler := weakened(s, g, &ran)
		site.Store(&handler)

		open := func(path string, query url.Values) chromedp.Action[chromedp.Void] {
			return chromedp.Navigate(at.URL + path + "?" + query.Encode())
		}
		ask := asking("redirect_uri", at.URL+"/sink", "login_hint", running, "state", running, "error_description", running)
		posted := asking("redirect_uri", at.URL+"/sink", "state", running, "response_mode", "form_post", "prompt", "none")
		Expect(chromedp.Do(tab,
			open("/authorize", url.Values{"client_id": {running}, "error_description": {running}}),
			open("/authorize", asking("redirect_uri", "https://evil.example/"+running)),
			open("/authorize", posted), chromedp.WaitVisible("#sink"),
			open("/logout", url.Values{"client_id": {siteWeb}, "state": {running}, "post_logout_redirect_uri": {at.URL + "/sink"}}),
			open("/authorize", ask),
		)).To(Succeed())
		if g.escaping { // otherwise the forms are in pieces
			Expect(chromedp.Do(tab,
				chromedp.SendKeys("#password", "wrong"), chromedp.Click("#submit"), chromedp.WaitVisible("#message"),
			)).To(Succeed())
			Expect(chromedp.Do(tab,
				chromedp.SetValue("#username", "ada"), chromedp.SendKeys("#password", secret), chromedp.Click("#submit"), chromedp.WaitVisible("#allow"),
				open("/logout", url.Values{"client_id": {siteWeb}, "state": {running}}), chromedp.Click("#stay"), chromedp.WaitVisible("#left"),
			)).To(Succeed())
		}
		return ran.Load()
	}

	It("no script runs", func() { Expect(tour(guards{escaping: true, policy: true})).To(BeZero()) })
	It("no script runs where there is no policy: what is shown is escaped", func() { Expect(tour(guards{escaping: true})).To(BeZero()) })
	It("no script runs where nothing is escaped: the policy keeps it from running", func() { Expect(tour(guards{policy: true})).To(BeZero()) })
	It("a script that runs is noticed: with neither of them, it does", func() { Expect(tour(guards{})).To(BeNumerically(">", 0)) })
})

// newTab starts a fresh Chromium that asks nobody on the network for anything.
func newTab(program string) context.Context {
	GinkgoHelper()
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(GinkgoT().TempDir())}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	DeferCleanup(cancel)
	tab, cancel := chromedp.NewContext(allocator)
	DeferCleanup(cancel)
	tab, cancel = context.WithTimeout(tab, 4*time.Minute)
	DeferCleanup(cancel)
	return tab
}
