package authorization_test

import (
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/internal/worldtest"
)

// browser is somebody's, whom clients send here.
type browser struct{ *worldtest.Browser }

func (w *world) browser() *browser {
	GinkgoHelper()
	return &browser{worldtest.NewBrowser(w.Settings.Issuer, w.http.Client().Transport)}
}

// alone makes the browser show redirects rather than follow them.
func (b *browser) alone() *browser { return &browser{b.Alone()} }

// visit sends the authorization request.
func (b *browser) visit(v url.Values) answer {
	GinkgoHelper()
	return b.raw(v.Encode())
}

func (b *browser) raw(query string) answer {
	GinkgoHelper()
	return b.Open("/authorize?" + query)
}

// signIn leaves the browser with a session of alice.
func (b *browser) signIn() *browser {
	GinkgoHelper()
	a := b.Login(b.visit(request()), "alice", "correct horse")
	Expect(a.ByID("consent")).NotTo(BeNil(), a.Body)
	return b
}
