package authorization_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/authorization"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// answer is what a visit ended with.
type answer = worldtest.Page

var epoch = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

const (
	confidential = "shop.frontend"
	public       = "shop.cli"
	several      = "shop.several"
	callback     = "https://shop.example/callback"
	verifierS256 = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636 Appendix B
	alice        = "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"
	bob          = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
)

// world is an authorization endpoint with everything that it stands on.
type world struct {
	*worldtest.World
	http *httptest.Server
}

// newWorld starts an issuer with that path ("" for none) over TLS, for a spec.
func newWorld(path string) *world {
	w := startWorld(path)
	DeferCleanup(w.http.Close)
	return w
}

// startWorld is newWorld for whoever stops it themselves.
func startWorld(path string) *world {
	w := &world{World: worldtest.New(epoch, newRing(epoch), &issuer.Settings{
		Name: "main", DisplayName: "Example Platform",
		Catalogue: []issuer.Scope{
			{Name: "openid", Description: "Know who you are", Default: true},
			{Name: "email", Description: "See your e-mail address"},
			{Name: "orders:read", Description: "Read your orders"},
			{Name: "admin"},
		},
		Resources: []issuer.Resource{
			{Identifier: calendarAPI, Name: "The Calendar"}, {Identifier: filesAPI, Scope: oauth.Scope{"orders:read"}}, {Identifier: "urn:other"},
		},
		Lifetimes: issuer.Lifetimes{Code: time.Minute, Session: 8 * time.Hour},
	})}
	for _, c := range []*registration.Client{
		newClient(confidential, oauth.AuthMethodBasic, callback),
		newClient(public, oauth.AuthMethodNone, "http://127.0.0.1/done", "com.example.shop:/done"),
		newClient(several, oauth.AuthMethodBasic, callback, callback+"?tenant=a%2Fb&x="),
	} {
		w.Clients[c.ID] = c
	}
	w.People[alice] = &resourceowner.Person{Subject: alice, Username: "alice", Name: "Alice Example", LoginTag: "a1"}
	w.People[bob] = &resourceowner.Person{Subject: bob, Username: "bob", LoginTag: "b1"}
	w.Passwords[alice], w.Passwords[bob] = "correct horse", "battery staple"
	mux := http.NewServeMux()
	w.http = httptest.NewTLSServer(w.Logged(mux))
	w.Settings.Issuer = w.http.URL + path
	login := w.Login()
	w.Mount(mux, login, w.endpoint(login).Handlers())
	return w
}

func (w *world) endpoint(login *resourceowner.Login) *authorization.Endpoint {
	return authorization.New(authorization.Options{
		Settings: w.Settings, Keys: w.Keys, Registry: w, People: w, Login: login, Now: w.Now,
	})
}

func newClient(id, method string, redirectURIs ...string) *registration.Client {
	c := &registration.Client{
		ID: id, UID: "uid of " + id, Name: "The Shop", AuthMethod: method,
		GrantTypes: []string{oauth.GrantAuthorizationCode}, ResponseTypes: []string{oauth.ResponseTypeCode},
		Scope: oauth.Scope{"openid", "email", "orders:read"}, DefaultScope: oauth.Scope{"openid"},
		Resources: []string{calendarAPI, filesAPI},
	}
	for _, uri := range redirectURIs {
		c.RedirectURIs = append(c.RedirectURIs, registration.CompileRedirectURI(uri, c.Public()))
	}
	return c
}

func newRing(now time.Time) keyring.Ring {
	return worldtest.Ring(now, keyring.UseCode, keyring.UseBrowser, keyring.UseSignES256, keyring.UsePairwise)
}

// person changes a person; nil removes them.
func (w *world) person(subject string, how func(*resourceowner.Person)) {
	if how == nil {
		delete(w.People, subject)
		return
	}
	changed := *w.People[subject]
	how(&changed)
	w.People[subject] = &changed
}

// request returns the parameters of a good request, changed by pairs of name and
// value; an empty value leaves the parameter out.
func request(pairs ...string) url.Values {
	v := url.Values{
		"client_id": {confidential}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"},
		"state": {"xyz"}, "code_challenge": {verifierS256}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Del(pairs[i])
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

// code opens the code of a successful answer.
func (w *world) code(a answer) grant.Code {
	GinkgoHelper()
	Expect(a.Query.Has("error")).To(BeFalse(), a.Location)
	c, err := grant.OpenCode(w.Keys.Load(), a.Query.Get("code"), w.Now())
	Expect(err).NotTo(HaveOccurred())
	return c
}
