package validation_test

import (
	"net/url"
	"strings"
	"testing"

	"oauth-operator.dev/api/validation"
)

// FuzzRedirectURIOf holds what clients rely on whose redirect URIs are made of hosts
// that somebody else has written: the browser is sent to that very host, on https and
// the port that goes with it, and to that very path.
func FuzzRedirectURIOf(f *testing.F) {
	for _, host := range []string{
		"app.example.com", "APP.example.com", "", "*.example.com", "app.example.com:8443", "user@app.example.com", "app.example.com.",
		"app.example.com/x", "app.example.com?", "app.example.com#", `app.example.com\`, "127.0.0.1", "[::1]", "xn--bcher-kva.example", "bücher.example", "a..b", "-a.example", "a_b.example", "0x7f.1", "%61.example",
	} {
		f.Add(host, "/callback")
	}
	for _, path := range []string{"", "callback", "//evil.example", "/a/../b", "/%2e%2e/b", "/a?x=1", "/a?code=1", "/a#b", "/*", `/\evil.example`, "/@evil.example", "/:80"} {
		f.Add("app.example.com", path)
	}
	f.Fuzz(func(t *testing.T, host, path string) {
		uri, ok := validation.RedirectURIOf(host, path)
		if !ok {
			if uri != "" {
				t.Errorf("refused %q and %q, and made %q", host, path, uri)
			}
			return
		}
		if err := validation.RedirectURI(uri); err != nil {
			t.Errorf("made %q, which is no redirect URI: %v", uri, err)
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("made %q, which net/url cannot read: %v", uri, err)
		}
		lower := strings.ToLower(host) // and in no other case
		switch {
		case u.Scheme != "https" || u.Opaque != "" || u.User != nil || u.Fragment != "":
			t.Errorf("made %q of %q and %q", uri, host, path)
		case u.Host != lower || u.Port() != "":
			t.Errorf("made %q, which leads to %q and not to the plain host %q", uri, u.Host, lower)
		case u.RequestURI() != path:
			t.Errorf("made %q, which asks for %q and not for %q", uri, u.RequestURI(), path)
		}
	})
}
