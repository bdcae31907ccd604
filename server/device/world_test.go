package device_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/device"
	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/token"
)

// What the specs say most often.
type (
	answer = worldtest.Page   // of a browser
	reply  = worldtest.Answer // to a device
)

const (
	grantType = "urn:ietf:params:oauth:grant-type:device_code"
	tv        = "home.tv"      // a public client
	printer   = "home.printer" // a confidential one
	web       = "home.web"     // not for devices
	files     = "urn:example:files"
	alice     = "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"
	bob       = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
)

var (
	epoch = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	ring  = sync.OnceValue(func() keyring.Ring {
		return worldtest.Ring(epoch.Add(-time.Hour), keyring.UseVerifier, keyring.UseSignES256,
			keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser, keyring.UsePairwise)
	})
)

// world is an issuer with two replicas on one store, its clients and people.
type world struct {
	*worldtest.World
	replicas []http.Handler
	at       atomic.Int64 // the replica that browsers are at
	http     *httptest.Server
}

// newWorld starts an issuer with that path, "" for none.
func newWorld(path string) *world {
	w := &world{World: worldtest.New(epoch, ring(), &issuer.Settings{
		Name: "main", DisplayName: "Example Platform", IDTokenAlg: "ES256",
		Catalogue: []issuer.Scope{
			{Name: "openid", Description: "Know who you are", Default: true},
			{Name: "email", Description: "See your e-mail address"},
			{Name: "films", Description: "See the films that you have bought"},
			{Name: "offline_access"},
		},
		Resources: []issuer.Resource{{Identifier: files, Name: "The Files"}, {Identifier: "urn:example:other"}},
		Lifetimes: issuer.Lifetimes{
			Code: time.Minute, DeviceCode: 10 * time.Minute, AccessToken: 10 * time.Minute, IDToken: 10 * time.Minute,
			Refresh: 720 * time.Hour, RefreshIdle: 168 * time.Hour, RefreshGrace: 30 * time.Second, Session: 8 * time.Hour,
		},
	})}
	w.People[alice] = &resourceowner.Person{Subject: alice, Username: "alice", Name: "Alice Example", Email: "alice@example.com", LoginTag: "a1"}
	w.People[bob] = &resourceowner.Person{Subject: bob, Username: "bob", LoginTag: "b1"}
	w.Passwords[alice], w.Passwords[bob] = "correct horse", "battery staple"
	w.http = httptest.NewTLSServer(w.Logged(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.replicas[w.at.Load()].ServeHTTP(rw, r)
	})))
	DeferCleanup(w.http.Close)
	w.Settings.Issuer = w.http.URL + path
	w.register(tv, oauth.AuthMethodNone, oauth.GrantDeviceCode, oauth.GrantRefreshToken)
	w.register(printer, oauth.AuthMethodBasic, oauth.GrantDeviceCode)
	w.register(web, oauth.AuthMethodBasic, oauth.GrantAuthorizationCode)
	w.replicas = []http.Handler{w.replica(), w.replica()}
	return w
}

// replica builds everything of a replica that has to do with devices.
func (w *world) replica() http.Handler {
	mux := http.NewServeMux()
	login, authenticator := w.Login(), w.Authenticator()
	desk := devicecode.New(devicecode.Options{Settings: w.Settings, Keys: w.Keys, Notes: w.Grants, Now: w.Now})
	w.Mount(mux, login, device.New(device.Options{
		Settings: w.Settings, Keys: w.Keys, Registry: w, Authenticator: authenticator, People: w, Desk: desk, Login: login, Now: w.Now,
	}).Handlers(), logout.New(logout.Options{
		Settings: w.Settings, Keys: w.Keys, Registry: w, People: w, Grants: w.Grants, Now: w.Now,
	}).Handlers(), map[string]http.Handler{issuer.PathToken: token.New(token.Options{
		Settings: w.Settings, Keys: w.Keys, Registry: w, Authenticator: authenticator, Grants: w.Grants, People: w, Desk: desk, Now: w.Now,
	})})
	return mux
}

// register makes a client of that method for those grant types.
func (w *world) register(id, method string, grantTypes ...string) {
	w.Register(&registration.Client{
		ID: id, UID: "uid of " + id, Name: "The Cinema", AuthMethod: method, GrantTypes: grantTypes,
		Scope: oauth.Scope{"openid", "email", "films", "offline_access"}, DefaultScope: oauth.Scope{"openid"},
		Resources: []string{files}, Lifetimes: w.Settings.Lifetimes,
	})
}

// send posts a form of a client to a replica.
func (w *world) send(replica int, path, client string, form url.Values) reply {
	return w.do(replica, w.Request(w.Settings.BasePath()+path, client, form))
}

func (w *world) do(replica int, r *http.Request) reply { return worldtest.Ask(w.replicas[replica], r) }

// begin sends a good device authorization request to a replica.
func (w *world) begin(replica int, client string, pairs ...string) reply {
	GinkgoHelper()
	a := w.send(replica, "/device_authorization", client, worldtest.Pairs(pairs...))
	Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
	return a
}

// poll sends a device access token request to a replica.
func (w *world) poll(replica int, client, code string) reply {
	return w.send(replica, "/token", client, url.Values{"grant_type": {grantType}, "device_code": {code}})
}

// told expects an error of the token endpoint.
func told(a reply, code string) {
	GinkgoHelper()
	worldtest.ExpectError(a, http.StatusBadRequest, code)
}
