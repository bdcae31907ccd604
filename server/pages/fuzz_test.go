package pages_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"oauth-operator.dev/server/pages"
)

// policies are the policies that a page with a form can have: no script, nothing of
// other sites, and a form that leads to us and to a scheme.
var policies = regexp.MustCompile(`^default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'( [a-z][a-z0-9+.-]*:)?$`)

// FuzzPolicy has anything be where a page leads to in the end: it adds one scheme to
// its policy, or nothing.
func FuzzPolicy(f *testing.F) {
	for _, to := range []string{"", "https://shop.example/cb", "com.example.app:/cb", "javascript:alert(1)", "a;script-src *:", "https:\r\nx", "*:", "A B:c", "'unsafe-inline':"} {
		f.Add(to)
	}
	all := pages.New(pages.Options{Name: "Example", Assets: "/assets/"})
	f.Fuzz(func(t *testing.T, to string) {
		w := httptest.NewRecorder()
		all.Login(w, http.StatusOK, pages.Login{Action: "/login", ReturnTo: to})
		if policy := w.Header().Values("Content-Security-Policy"); len(policy) != 1 || !policies.MatchString(policy[0]) {
			t.Errorf("%q: %q", to, policy)
		}
	})
}
