package resourceowner_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/resourceowner"
)

var _ = Describe("An errand", func() {
	const site = "https://login.example/tenant"
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	var login *resourceowner.Login

	BeforeEach(func() {
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseBrowser}}, now)
		Expect(err).NotTo(HaveOccurred())
		set, err := keys.Compile(ring)
		Expect(err).NotTo(HaveOccurred())
		current, settings := &keys.Current{}, &issuer.Settings{Issuer: site}
		current.Store(set)
		login = resourceowner.NewLogin(resourceowner.LoginOptions{
			Settings: settings, Browsers: resourceowner.NewBrowsers(settings, current, func() time.Time { return now }),
		})
	})
	// goOn returns the address at which an errand goes on, and the request for it.
	goOn := func(errand resourceowner.Errand) (string, *http.Request) {
		GinkgoHelper()
		w := httptest.NewRecorder()
		address, err := login.Continue(w, httptest.NewRequest(http.MethodPost, site+"/login", nil), errand)
		Expect(err).NotTo(HaveOccurred())
		r := httptest.NewRequest(http.MethodGet, address, nil)
		for _, cookie := range w.Result().Cookies() {
			r.AddCookie(cookie)
		}
		return address, r
	}

	It("leads to the page of the issuer that it names, or to the authorization endpoint", func() {
		for path, want := range map[string]string{"": "/continue", issuer.PathContinue: "/continue", issuer.PathDevice: "/device"} {
			address, r := goOn(resourceowner.Errand{Path: path, Request: "a=b"})
			Expect(address).To(HavePrefix(site + want + "?state="))
			Expect(login.Errand(r, want)).To(HaveField("Request", "a=b"))
		}
	})

	It("open redirect: leads nowhere else, least of all away from here", func() {
		for _, path := range []string{
			"https://evil.example", "//evil.example", "/\\evil.example", "@evil.example", ".evil.example", "/logout", "/device/confirm", "/device/../logout", "/device?", "device",
		} {
			_, err := login.Continue(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, site+"/login", nil), resourceowner.Errand{Path: path})
			Expect(err).To(HaveOccurred(), path)
		}
	})

	It("is no errand of another page, or of another browser", func() {
		address, r := goOn(resourceowner.Errand{Path: issuer.PathDevice, Request: "user_code=BCDFGHJK"})
		Expect(login.Errand(r, issuer.PathContinue)).Error().To(MatchError(resourceowner.ErrForeign))
		elsewhere := httptest.NewRequest(http.MethodGet, strings.Replace(address, "/device", "/continue", 1), nil)
		Expect(login.Errand(elsewhere, issuer.PathContinue)).Error().To(MatchError(resourceowner.ErrForeign))
	})
})
