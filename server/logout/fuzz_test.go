package logout_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// FuzzRequest sends anything as a logout request: nobody is sent anywhere but to a
// registered address with the state as it came, and not without a hint that the issuer
// has signed; no link leads elsewhere either, and no server fails.
func FuzzRequest(f *testing.F) {
	RegisterTestingT(f)
	w := startWorld(nil)
	f.Cleanup(w.http.Close)
	_, hint := w.browser().visit(shop)
	f.Add(bye, "s", hint, shop)
	f.Add(bye+"?from=a%20b", "&=%+ é\r\nx: y\"<", hint, "")
	f.Add(bye+"/../x", "s", "", shop)
	f.Add("https://shop.example@evil.example/bye", "#", hint, wiki)
	f.Add("//evil.example", "s", strings.TrimRight(hint, "A")+"A", "")
	f.Add("com.example.shop:/bye", "\x00\xff", "a.b.c", "team.gone")
	registered := w.Clients[shop].OpenID.PostLogoutRedirectURIs
	f.Fuzz(func(t *testing.T, uri, state, token, client string) {
		ask := url.Values{"post_logout_redirect_uri": {uri}, "state": {state}, "id_token_hint": {token}, "client_id": {client}}
		r := httptest.NewRequest(http.MethodGet, w.Settings.Issuer+"/logout?"+ask.Encode(), http.NoBody)
		answer := httptest.NewRecorder()
		w.http.Config.Handler.ServeHTTP(answer, r)
		if answer.Code >= http.StatusInternalServerError {
			t.Fatalf("%q: status %d", ask, answer.Code)
		}
		for _, quote := range []string{`href="`, `action="`} {
			for _, after := range strings.Split(answer.Body.String(), quote)[1:] {
				to, _, _ := strings.Cut(after, `"`)
				if !strings.HasPrefix(to, w.Settings.Issuer+"/") && !slices.ContainsFunc(registered, func(one string) bool {
					return to == one || strings.HasPrefix(to, one+"?state=") || strings.HasPrefix(to, one+"&amp;state=")
				}) {
					t.Errorf("%q: a link to %q", ask, to)
				}
			}
		}
		location := answer.Header().Get("Location")
		if location == "" {
			return
		}
		if token != hint || !slices.Contains(registered, uri) {
			t.Errorf("%q: sent to %q", ask, location)
		}
		rest, ok := strings.CutPrefix(location, uri)
		values, err := url.ParseQuery(strings.TrimLeft(rest, "?&"))
		if !ok || err != nil || values.Get("state") != state || strings.ContainsAny(location, "#\r\n \"<>\\") {
			t.Errorf("%q: sent to %q", ask, location)
		}
	})
}
