package logout_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/hack/person"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/authorization"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

const (
	shop     = "team.shop"
	wiki     = "team.wiki"
	alice    = "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"
	bob      = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
	password = "correct horse"
	callback = "https://shop.example/callback"
	bye      = "https://shop.example/bye"
	evil     = `"><script>alert(1)</script>`
)

var epoch = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// world is a login, a logout, and what they stand on.
type world struct {
	*worldtest.World
	http *httptest.Server
}

// newWorld starts an issuer over TLS, for one spec.
func newWorld(notifier *logout.Notifier) *world {
	w := startWorld(notifier)
	DeferCleanup(w.http.Close)
	return w
}

// startWorld starts an issuer over TLS.
func startWorld(notifier *logout.Notifier) *world {
	ring := worldtest.Ring(epoch, keyring.UseCode, keyring.UseBrowser, keyring.UseSignES256, keyring.UsePairwise)
	w := &world{World: worldtest.New(epoch, ring, &issuer.Settings{
		Name: "main", DisplayName: "Example Platform", IDTokenAlg: "ES256",
		Lifetimes: issuer.Lifetimes{Code: time.Minute, Session: 8 * time.Hour},
	})}
	for _, id := range []string{shop, wiki} {
		w.Clients[id] = &registration.Client{
			ID: id, UID: "uid of " + id, Name: "The " + id + evil, AuthMethod: oauth.AuthMethodBasic,
			GrantTypes: []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}, ResponseTypes: []string{oauth.ResponseTypeCode},
			RedirectURIs: []registration.RedirectURI{registration.CompileRedirectURI(callback, false)},
			Scope:        oauth.Scope{"openid", "offline_access"}, DefaultScope: oauth.Scope{"openid"},
			OpenID: registration.OpenID{PostLogoutRedirectURIs: []string{bye, bye + "?from=a%20b", "com.example.shop:/bye"}},
		}
	}
	w.People[alice] = &resourceowner.Person{Subject: alice, Username: "alice", Name: "Alice " + evil}
	w.People[bob] = &resourceowner.Person{Subject: bob, Username: "bob"}
	w.Passwords[alice], w.Passwords[bob] = password, password
	mux := http.NewServeMux()
	w.http = httptest.NewTLSServer(mux)
	w.Settings.Issuer = w.http.URL
	login := w.Login()
	w.Mount(mux, login, authorization.New(authorization.Options{
		Settings: w.Settings, Keys: w.Keys, Registry: w, People: w, Login: login, Now: w.Now,
	}).Handlers(), logout.New(logout.Options{
		Settings: w.Settings, Keys: w.Keys, Registry: w, People: w, Grants: w.Grants, Notifier: notifier, Now: w.Now,
	}).Handlers())
	return w
}

// browser is somebody's, who may be logged in.
type browser struct {
	*person.Person
	world *world
	jar   map[string]string
}

func (w *world) browser() *browser {
	GinkgoHelper()
	p, err := person.New("alice", password, w.http.Client().Transport)
	Expect(err).NotTo(HaveOccurred())
	b := &browser{Person: p, world: w, jar: map[string]string{}}
	p.Watch = func(page *person.Page) {
		for _, line := range page.Header.Values("Set-Cookie") {
			if c, err := http.ParseSetCookie(line); err == nil {
				b.jar[c.Name] = c.Value
			}
		}
	}
	return b
}

// cookies returns the header with which the browser sends its cookies.
func (b *browser) cookies() string {
	var all []string
	for name, value := range b.jar {
		all = append(all, name+"="+value)
	}
	return strings.Join(all, "; ")
}

// visit logs in and allows, and redeems the code as the token endpoint does. It
// returns the grant and the ID token that the client gets.
func (b *browser) visit(client string, pairs ...string) (grant.Grant, string) {
	GinkgoHelper()
	v := url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	page, err := b.Visit(context.Background(), b.world.Settings.Issuer+"/authorize?"+v.Encode(), func(u *url.URL) bool { return u.Host == "shop.example" })
	Expect(err).NotTo(HaveOccurred())
	Expect(page.Location).NotTo(BeNil(), page.Body)
	c, err := grant.OpenCode(b.world.Keys.Load(), page.Location.Query().Get("code"), b.world.Now())
	Expect(err).NotTo(HaveOccurred(), page.Location.String())
	g := grant.Grant{
		ID: c.GrantID, Issuer: "main", ClientID: c.ClientID, ClientUID: c.ClientUID, Subject: c.Subject, SessionID: c.SessionID, Scope: c.Scope,
		AuthTime: b.world.Now(), CreatedAt: b.world.Now(), EndsAt: b.world.Now().Add(24 * time.Hour), ExpiresAt: b.world.Now().Add(24 * time.Hour),
	}
	Expect(b.world.Grants.Create(context.Background(), g)).To(Succeed())
	p, err := b.world.Person(context.Background(), c.Subject)
	Expect(err).NotTo(HaveOccurred())
	token, err := accesstoken.IDToken{Client: b.world.Clients[client], Grant: g, Person: p, Scope: c.Scope}.Sign(b.world.Settings, b.world.Keys.Load(), b.world.Now())
	Expect(err).NotTo(HaveOccurred())
	return g, token
}

// loggedIn reports whether the browser has a session.
func (b *browser) loggedIn() bool {
	GinkgoHelper()
	v := url.Values{"client_id": {shop}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "prompt": {"none"}, "nonce": {"n"}}
	page, err := b.Visit(context.Background(), b.world.Settings.Issuer+"/authorize?"+v.Encode(), func(u *url.URL) bool { return u.Host == "shop.example" })
	Expect(err).NotTo(HaveOccurred())
	code := page.Location.Query().Get("error")
	Expect(code).To(BeElementOf("", "login_required", "consent_required"))
	return code != "login_required"
}

// leave sends a logout request.
func (b *browser) leave(pairs ...string) *person.Page {
	GinkgoHelper()
	return b.open("/logout?" + worldtest.Pairs(pairs...).Encode())
}

func (b *browser) open(path string) *person.Page {
	GinkgoHelper()
	page, err := b.Visit(context.Background(), b.world.Settings.Issuer+path, func(u *url.URL) bool { return "https://"+u.Host != b.world.Settings.Issuer })
	Expect(err).NotTo(HaveOccurred())
	return page
}

// press answers the logout page.
func (b *browser) press(page *person.Page, decision string) *person.Page {
	GinkgoHelper()
	next, err := b.Submit(context.Background(), page, "logout", url.Values{"decision": {decision}})
	Expect(err).NotTo(HaveOccurred(), page.Body)
	return next
}

var stateField = regexp.MustCompile(`name="state" value="([^"]+)"`)

// post posts a form with nothing but a jar of its own, as another site would have
// it done; cross says that the browser names another site as its origin.
func (w *world) post(path, body string, jar http.CookieJar, headers ...string) *http.Response {
	GinkgoHelper()
	if jar == nil {
		jar, _ = cookiejar.New(nil)
	}
	client := &http.Client{Transport: w.http.Client().Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequest(http.MethodPost, w.Settings.Issuer+path, strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(r)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(response.Body.Close)
	return response
}
