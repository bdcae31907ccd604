package authorization_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/internal/worldtest"
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
	w.code(b.Submit(b.visit(request()), "allow"))
	f.Add(`{"id_token":{"email":{"essential":true},"acr":{"values":["1"]}},"userinfo":{"sub":{"value":"x"}}}`, "login", "1")
	f.Add(`{"id_token":[]}`, "none consent", "-1")
	f.Add(`{"userinfo":{"email":{"value":`+strings.Repeat("[", 500), "none", "99999999999999999999")
	f.Add(`null`, "select_account login", "0")
	f.Add("", "none", "")
	f.Fuzz(func(t *testing.T, claims, prompt, maxAge string) {
		RegisterTestingT(t)
		a := b.visit(request("claims", claims, "prompt", prompt, "max_age", maxAge))
		if a.Status >= 500 {
			t.Fatalf("claims %q, prompt %q, max_age %q: status %d", claims, prompt, maxAge, a.Status)
		}
		if a.Query.Get("code") == "" {
			return
		}
		c := w.code(a)
		if !slices.Equal(c.Scope, []string{"openid"}) || len(c.Claims) > 0 {
			t.Errorf("claims %q, prompt %q: granted %v and %v without being asked", claims, prompt, c.Scope, c.Claims)
		}
	})
}

// FuzzResponse sends anything as the parameters that decide where the answer goes and
// what comes with it, from the browser of a person who has consented: it goes to the
// registered redirect URI, which begins it to the letter, and the state comes back as it
// went.
func FuzzResponse(f *testing.F) {
	RegisterTestingT(f)
	w := startWorld("")
	f.Cleanup(w.http.Close)
	b := w.browser().signIn()
	w.code(b.Submit(b.visit(request()), "allow"))
	f.Add(callback, "xyz", "query", verifierS256)
	f.Add(callback, "&code=x#\r\nLocation: https://evil.example", "form_post", verifierS256)
	f.Add(callback+"/../evil", "%00", "fragment", "")
	f.Add("https://app.example@evil.example/", "\u202e\"><script>", "query", strings.Repeat("a", 43))
	f.Add("//evil.example", "\xff", "", "x")
	f.Add("javascript:alert(1)", "", "form_post", verifierS256)
	f.Fuzz(func(t *testing.T, redirectURI, state, mode, challenge string) {
		RegisterTestingT(t)
		a := b.visit(request("redirect_uri", redirectURI, "state", state, "response_mode", mode, "code_challenge", challenge))
		if a.Status >= 500 {
			t.Fatalf("%q, %q, %q, %q: status %d", redirectURI, state, mode, challenge, a.Status)
		}
		answered := a.Query
		if a.ByID("respond") != nil {
			form, fields := a.Form("continue")
			if answered = fields; worldtest.Attr(form, "action") != callback {
				t.Errorf("%q: posted to %q", redirectURI, worldtest.Attr(form, "action"))
			}
			if strings.ContainsFunc(state, unicode.IsControl) {
				answered.Set("state", state) // HTML has no carriage return and no zero byte
			}
		} else if a.Location == "" {
			return
		} else if !strings.HasPrefix(a.Location, callback+"?") || strings.ContainsAny(a.Location, "#\r\n \"<>\\") {
			t.Errorf("%q, %q: sent to %q", redirectURI, state, a.Location)
		}
		if redirectURI != callback {
			t.Errorf("%q: answered at %q", redirectURI, a.Location)
		}
		if answered.Get("state") != state || answered.Get("iss") != w.Settings.Issuer {
			t.Errorf("%q came back as %q", state, answered)
		}
		if answered.Has("code") == answered.Has("error") {
			t.Errorf("%q: neither a code nor an error, or both", answered)
		}
	})
}
