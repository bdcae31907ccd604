// Package device is the device authorization grant (RFC 8628) up to the token
// request: the device authorization endpoint (§3.1, §3.2), and the page where a
// person enters the code that the device shows, and decides (§3.3).
//
// Both stand at a devicecode.Desk, which the token endpoint has too (§3.4). Nothing
// is stored for a request that a device makes; what a person does is.
package device

import (
	"net/http"
	"strings"
	"time"

	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/cors"
	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/throttle"
)

// Options are what an Endpoint stands on.
type Options struct {
	Settings      *issuer.Settings
	Keys          *keys.Current
	Registry      registration.Registry
	Authenticator *clientauth.Authenticator
	People        resourceowner.Directory
	Desk          *devicecode.Desk

	// Login logs people in, and sends them back to issuer.PathDevice. It is shared by
	// all pages of the issuer.
	Login *resourceowner.Login

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Endpoint is the device authorization endpoint of one issuer with its pages.
type Endpoint struct {
	Options

	pages    *pages.Pages
	browsers *resourceowner.Browsers
	sessions *resourceowner.Sessions

	// Bounds of what strangers may ask for, by address, and of guesses, by person
	// and by address (RFC 8628 §5.1).
	requests *throttle.Limiter
	person   *throttle.Limiter
	source   *throttle.Limiter
}

// Bounds, each a number at once and the time for one more. A person who tries
// without end has 30 tries while a code is good, unless its lifetime was made
// longer.
const (
	requestBurst, requestEvery = 100, 200 * time.Millisecond
	personBurst, personEvery   = 10, 30 * time.Second
	sourceBurst, sourceEvery   = 60, 5 * time.Second

	// boundKeys is how many keys each bound remembers: about 2 MB.
	boundKeys = 10_000
)

// New returns the device authorization endpoint with its pages.
func New(o Options) *Endpoint {
	if o.Now == nil {
		o.Now = time.Now
	}
	limiter := func(burst int, every time.Duration) *throttle.Limiter {
		return throttle.New(throttle.Options{Every: every, Burst: burst, Keys: boundKeys, Now: o.Now})
	}
	return &Endpoint{
		Options:  o,
		pages:    resourceowner.NewPages(o.Settings),
		browsers: resourceowner.NewBrowsers(o.Settings, o.Keys, o.Now),
		sessions: resourceowner.NewSessions(o.Settings, o.Keys, o.People, o.Now),
		requests: limiter(requestBurst, requestEvery),
		person:   limiter(personBurst, personEvery),
		source:   limiter(sourceBurst, sourceEvery),
	}
}

// Handlers returns the handlers by their paths below the issuer. Scripts of any
// origin may use the endpoint, which takes no cookie; the pages are for the browser
// itself.
func (e *Endpoint) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		issuer.PathDeviceAuthorization: cors.Allow(http.HandlerFunc(e.authorize), http.MethodPost),
		issuer.PathDevice:              e.byMethod(e.ask, e.enter),
		issuer.PathDeviceConfirm:       e.byMethod(e.confirm, e.answer),
		issuer.PathDeviceDone:          e.byMethod(e.done, nil),
	}
}

// byMethod hands GET and POST over, and refuses every other method.
func (e *Endpoint) byMethod(get, post http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := []string{http.MethodGet}
		if post != nil {
			allowed = append(allowed, http.MethodPost)
		}
		switch {
		case r.Method == http.MethodGet:
			get(w, r)
		case r.Method == http.MethodPost && post != nil:
			post(w, r)
		default:
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			e.refuse(w, r, refuseMethod())
		}
	})
}
