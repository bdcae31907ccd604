package authorization_test

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// FuzzRequest sends anything as parameters whose values have a grammar of their
// own, from the browser of a person who has logged in and consented: there is an
// answer that the client can read or a page, never more than was consented to, and
// never a failure of the server.
func FuzzRequest(f *testing.F) {
	RegisterTestingT(f)
	w := startWorld("")
	f.Cleanup(w.http.Close)
	b := w.browser().signIn()
	w.code(b.submit(b.visit(request()), "allow"))
	f.Add(`{"id_token":{"email":{"essential":true},"acr":{"values":["1"]}},"userinfo":{"sub":{"value":"x"}}}`, "login", "1")
	f.Add(`{"id_token":[]}`, "none consent", "-1")
	f.Add(`{"userinfo":{"email":{"value":`+strings.Repeat("[", 500), "none", "99999999999999999999")
	f.Add(`null`, "select_account login", "0")
	f.Add("", "none", "")
	f.Fuzz(func(t *testing.T, claims, prompt, maxAge string) {
		RegisterTestingT(t)
		a := b.visit(request("claims", claims, "prompt", prompt, "max_age", maxAge))
		if a.status >= 500 {
			t.Fatalf("claims %q, prompt %q, max_age %q: status %d", claims, prompt, maxAge, a.status)
		}
		if a.query.Get("code") == "" {
			return
		}
		c := w.code(a)
		if !slices.Equal(c.Scope, []string{"openid"}) || len(c.Claims) > 0 {
			t.Errorf("claims %q, prompt %q: granted %v and %v without being asked", claims, prompt, c.Scope, c.Claims)
		}
	})
}
