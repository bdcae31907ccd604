package authorization_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/resourceowner"
)

// BenchmarkAuthorize is the whole authorization request of a person who has a
// session that remembers the consent: from the query to the code.
func BenchmarkAuthorize(b *testing.B) {
	g := NewWithT(b)
	w := &world{World: worldtest.New(epoch, newRing(epoch), &issuer.Settings{
		Issuer: "https://login.example", Lifetimes: issuer.Lifetimes{Code: 60e9, Session: 3600e9},
	})}
	client := newClient(confidential, oauth.AuthMethodBasic, callback)
	w.Clients[client.ID] = client
	person := &resourceowner.Person{Subject: alice, Username: "alice", LoginTag: "a1"}
	w.People[alice] = person
	sessions := resourceowner.NewSessions(w.Settings, w.Keys, w, w.Now)
	jar := httptest.NewRecorder()
	session, err := sessions.Begin(jar, person, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(sessions.Remember(jar, session, client.UID, client.Scope)).To(Succeed())
	cookies := jar.Result().Cookies()

	endpoint := w.endpoint(w.Login()).Handlers()[issuer.PathAuthorize]
	r := httptest.NewRequest(http.MethodGet, "/authorize?"+request("nonce", "n").Encode(), nil)
	r.AddCookie(cookies[len(cookies)-1])
	b.ReportAllocs()
	for b.Loop() {
		rec := httptest.NewRecorder()
		endpoint.ServeHTTP(rec, r)
		if !strings.HasPrefix(rec.Header().Get("Location"), callback+"?code=") {
			b.Fatal(rec.Code, rec.Header())
		}
	}
}

// BenchmarkErrorPage is what a stranger's nonsense costs.
func BenchmarkErrorPage(b *testing.B) {
	p := pages.New(pages.Options{Name: "Example Platform", Assets: "https://login.example/assets/"})
	b.ReportAllocs()
	for b.Loop() {
		p.Error(httptest.NewRecorder(), pages.Error{Status: 400, Code: "unknown_client", Title: "Title", Text: "Text"})
	}
}
