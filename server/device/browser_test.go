package device_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/internal/worldtest"
)

// browser is somebody's, who has a device.
type browser struct{ *worldtest.Browser }

func (w *world) browser() *browser {
	GinkgoHelper()
	return &browser{worldtest.NewBrowser(w.Settings.Issuer, w.http.Client().Transport)}
}

// signIn leaves the browser with a session, on the page for the code.
func (b *browser) signIn(username string) answer {
	GinkgoHelper()
	password := map[string]string{"alice": "correct horse", "bob": "battery staple"}[username]
	a := b.Login(b.Open("/device"), username, password)
	Expect(a.ByID("user_code")).NotTo(BeNil(), a.Body)
	return a
}

// enter types the code of a device.
func (b *browser) enter(code string) answer {
	GinkgoHelper()
	return b.Submit(b.Open("/device"), "next", "user_code", code)
}
