// Package worldtest has what the tests of endpoints furnish their worlds with: an
// issuer with its keys, its clients, the people who log in and the grants; requests
// that are authenticated as a client is registered, and what the answers to them
// have in common; a browser that follows the pages. What is one endpoint's own
// stays with its tests, whose world embeds World.
//
// It is for tests: nothing that users run imports it, which a linter holds.
package worldtest

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/resourceowner"
)

// World is an issuer with everything that an endpoint stands on. It is the registry
// and the directory of its endpoints.
type World struct {
	Clock
	Registry
	Directory

	Settings *issuer.Settings
	Ring     keyring.Ring
	Keys     *keys.Current // those of the ring, until a spec stores others
	Grants   *Store
	Secrets  map[string]string // by client_id, of those that Register has made one for
	Log      Log
}

// New returns a world without clients and people, at that time.
func New(now time.Time, ring keyring.Ring, settings *issuer.Settings) *World {
	w := &World{Settings: settings, Ring: ring, Keys: &keys.Current{}, Secrets: map[string]string{}}
	w.Set(now)
	w.Clients = Clients{}
	w.People = map[string]*resourceowner.Person{}
	w.Passwords = map[string]string{}
	w.Keys.Store(Compile(ring))
	w.Grants = &Store{Store: memory.New(w.Now)}
	return w
}

// Authenticator makes what authenticates the clients of the world, with a throttle of
// its own.
func (w *World) Authenticator() *clientauth.Authenticator {
	verifiers := &keys.Verifiers{}
	verifiers.Store(w.Ring)
	return clientauth.New(clientauth.Options{Registry: w, Verifiers: verifiers, Realm: w.Settings.Issuer, Now: w.Now})
}

// Login makes the login of the issuer.
func (w *World) Login() *resourceowner.Login {
	return resourceowner.NewLogin(resourceowner.LoginOptions{
		Settings: w.Settings, Pages: resourceowner.NewPages(w.Settings),
		Browsers:  resourceowner.NewBrowsers(w.Settings, w.Keys, w.Now),
		Sessions:  resourceowner.NewSessions(w.Settings, w.Keys, w, w.Now),
		Directory: w, Now: w.Now,
	})
}

// Mount puts the login, what the pages refer to and the handlers of endpoints on the
// mux, below the path of the issuer.
func (w *World) Mount(mux *http.ServeMux, login *resourceowner.Login, endpoints ...map[string]http.Handler) {
	own := map[string]http.Handler{issuer.PathLogin: login, issuer.PathAssets: pages.Assets()}
	base := w.Settings.BasePath()
	for _, handlers := range append(endpoints, own) {
		for path, handler := range handlers {
			mux.Handle(base+path, http.StripPrefix(base, handler))
		}
	}
}

// Logged has a handler log to the log of the world.
func (w *World) Logged(next http.Handler) http.Handler {
	logger := funcr.New(w.Log.write, funcr.Options{Verbosity: 9})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(rw, r.WithContext(logr.NewContext(r.Context(), logger)))
	})
}

// Clock stands until it is told to go on.
type Clock struct {
	mutex sync.Mutex
	now   time.Time
}

// Now returns what the clock says.
func (c *Clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

// Set sets the clock.
func (c *Clock) Set(now time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = now
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Log keeps what is logged, at every level.
type Log struct {
	mutex sync.Mutex
	lines strings.Builder
}

func (l *Log) write(prefix, line string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lines.WriteString(prefix + " " + line + "\n")
}

// String returns what was logged until now.
func (l *Log) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.lines.String()
}
