package server

import (
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Options are what a Server stands on.
type Options struct {
	// Registry returns the registry of an issuer's clients.
	Registry func(*issuer.Settings) registration.Registry

	// Keys returns the keys of the issuer of that name, which may change at any
	// time and may not be there yet.
	Keys func(name string) *keys.Current

	// Verifiers are the keys that client secrets are checked with.
	Verifiers *keys.Verifiers

	// ServiceAccounts vouches for the service accounts that clients authenticate
	// as. Nil where there is no cluster.
	ServiceAccounts clientauth.ServiceAccounts

	// KeySets has the keys that clients publish. Nil where nothing is fetched.
	KeySets clientauth.KeySets

	// Sectors has what is at the sector identifier URIs of clients. Nil where nothing
	// is fetched: clients that have one are refused then.
	Sectors registration.SectorDocuments

	// Uses is told which client secrets are in use. Nil if nobody needs to know.
	Uses clientauth.Uses

	// Grants is where grants are remembered.
	Grants grant.Store

	// People are the resource owners.
	People resourceowner.Directory

	// Notifier tells clients of logouts (Back-Channel Logout). Nil for none.
	Notifier *logout.Notifier

	// Registerer takes the metrics. Nil for none.
	Registerer prometheus.Registerer

	Log logr.Logger

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Server answers the requests of every issuer.
type Server struct {
	options Options
	metrics *metrics

	mutex  sync.Mutex // held while the table is replaced
	routes atomic.Pointer[routes]
}

// routes are the issuers by their host, those with the longer path first.
type routes struct {
	byHost   map[string][]*tenant
	byIssuer map[string]*tenant
}

// New returns a server without issuers.
func New(options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Server{options: options, metrics: newMetrics(options.Registerer)}
	s.routes.Store(&routes{})
	return s
}

// SetIssuers makes these the issuers that are served. An issuer whose settings
// are what they were keeps its endpoints, and so their memory of who is guessing.
func (s *Server) SetIssuers(settings []*issuer.Settings) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	old := s.routes.Load()
	next := &routes{byHost: map[string][]*tenant{}, byIssuer: map[string]*tenant{}}
	for _, one := range settings {
		t := old.byIssuer[one.Issuer]
		if t == nil || !reflect.DeepEqual(t.settings, one) {
			t = s.newTenant(one)
		}
		next.byIssuer[one.Issuer] = t
		next.byHost[t.host] = append(next.byHost[t.host], t)
	}
	for _, tenants := range next.byHost {
		slices.SortFunc(tenants, func(a, b *tenant) int { return len(b.base) - len(a.base) })
	}
	s.routes.Store(next)
}

// ServeHTTP finds the issuer that a request is for by its host and path, and
// nothing else: what a caller puts into other headers does not make it another
// issuer's.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, t := range s.routes.Load().byHost[canonicalHost(r.Host)] {
		if handler := t.route(r.URL.Path); handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "No authorization server answers at this address.", http.StatusNotFound)
}

// canonicalHost makes the host of a request comparable to that of an issuer.
// Whether the request came by TLS is not known behind a proxy, so the default
// ports of both schemes count as none.
func canonicalHost(host string) string {
	host = strings.ToLower(host)
	if name, port, err := net.SplitHostPort(host); err == nil && (port == "443" || port == "80") {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return host
}

// place returns the host and the path of an issuer.
func place(issuerURL string) (host, base string) {
	u, err := url.Parse(issuerURL)
	if err != nil {
		return "", ""
	}
	return canonicalHost(u.Host), u.Path
}
