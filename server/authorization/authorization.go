// Package authorization is the authorization endpoint (RFC 6749 §3.1, §4.1.1,
// §4.1.2): from the client's request in the browser to the code, by way of the
// login and the consent.
//
// It is mounted by what Handlers returns, with the issuer's own path taken off:
//
//	for path, handler := range authorization.New(options).Handlers() {
//		mux.Handle(path, http.StripPrefix(settings.BasePath(), handler))
//	}
//
// What goes wrong is told to one of two. As long as it is not certain who the
// client is and where its answers go, it is told to the person, on a page: a
// refusal. From then on it is told to the client, by redirect: an *oauth.Error.
package authorization

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Options are what an Endpoint stands on.
type Options struct {
	Settings *issuer.Settings
	Keys     *keys.Current
	Registry registration.Registry
	People   resourceowner.Directory

	// Login logs people in, and sends them back to issuer.PathContinue. It is shared
	// by all pages of the issuer, and mounted by whoever shares it.
	Login *resourceowner.Login

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Endpoint is the authorization endpoint of one issuer. It stores nothing.
type Endpoint struct {
	settings *issuer.Settings
	keys     *keys.Current
	registry registration.Registry
	people   resourceowner.Directory
	now      func() time.Time

	pages    *pages.Pages
	browsers *resourceowner.Browsers
	sessions *resourceowner.Sessions
	login    *resourceowner.Login
}

// New returns the authorization endpoint with its pages.
func New(o Options) *Endpoint {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Endpoint{
		settings: o.Settings,
		keys:     o.Keys,
		registry: o.Registry,
		people:   o.People,
		now:      o.Now,
		pages:    resourceowner.NewPages(o.Settings),
		browsers: resourceowner.NewBrowsers(o.Settings, o.Keys, o.Now),
		sessions: resourceowner.NewSessions(o.Settings, o.Keys, o.People, o.Now),
		login:    o.Login,
	}
}

// Handlers returns the handlers by their paths below the issuer.
func (e *Endpoint) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		issuer.PathAuthorize: e.methods(e.authorize, http.MethodGet, http.MethodPost),
		issuer.PathContinue:  e.methods(e.resume, http.MethodGet),
		issuer.PathConsent:   e.methods(e.answer, http.MethodPost),
	}
}

// maxRequest is the largest authorization request, encoded: it has to pass
// through the form of a page and the URL of a redirect.
const maxRequest = 16 << 10

// authorize answers the client's request. RFC 6749 §3.1: GET must, POST may be
// supported; OpenID Connect Core §3.1.2.1 requires both.
func (e *Endpoint) authorize(w http.ResponseWriter, r *http.Request) {
	params, encoded, err := oauth.ParseRequest(r)
	switch {
	case err != nil:
		e.refuse(w, r, refuseMalformed(err))
	case len(encoded) > maxRequest:
		e.refuse(w, r, refuseLength())
	default:
		e.serve(w, r, flow{params: params, errand: resourceowner.Errand{Path: issuer.PathContinue, Request: encoded}})
	}
}

// resume goes on with a request after a login. It may be reloaded.
func (e *Endpoint) resume(w http.ResponseWriter, r *http.Request) {
	errand, err := e.login.Errand(r, issuer.PathContinue)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	params, err := oauth.ParseQuery(errand.Request)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	e.serve(w, r, flow{params: params, errand: errand})
}

// flow is one authorization request on its way.
type flow struct {
	params oauth.Params
	errand resourceowner.Errand
}

// serve takes a request as far as it gets. The order of the steps is the point:
// nobody is redirected to a client before the client and its redirect URI are
// known (RFC 6749 §4.1.2.1), nor before the person is (RFC 9700 §4.11.2), unless
// the client asks to be told silently (prompt=none).
func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request, f flow) {
	t, refused := e.target(r.Context(), f.params)
	if refused != nil {
		e.refuse(w, r, refused)
		return
	}
	session, err := e.sessions.Find(r)
	nobody := errors.Is(err, resourceowner.ErrNoSession)
	switch {
	case err != nil && r.Method == http.MethodPost && !e.sessions.Carried(r):
		// A form that another site posts comes without our SameSite cookies,
		// so nobody can tell whether there is a session. A redirect comes with them.
		resourceowner.SeeOther(w, e.settings.URL(issuer.PathAuthorize)+"?"+f.errand.Request)
		return
	case err != nil && t.silent && !nobody:
		e.fail(w, r, t, oauth.ServerError(err))
		return
	case err != nil && !t.silent && !nobody:
		e.trouble(w, r, err)
		return
	case nobody && !t.silent:
		e.askLogin(w, r, t, f)
		return
	}
	req, bad := e.request(t, f.params)
	if bad == nil && session != nil {
		bad = e.recognise(t, req, session)
	}
	if bad != nil {
		e.fail(w, r, t, bad)
		return
	}
	e.proceed(w, r, t, f, req, session)
}

// proceed decides what a valid request still needs of the person: nothing where
// the client wants it silent (OpenID Connect Core §3.1.2.6).
func (e *Endpoint) proceed(w http.ResponseWriter, r *http.Request, t *target, f flow, req *request, session *resourceowner.Session) {
	switch {
	case session == nil || req.needsLogin(session, f.errand, e.now()):
		if t.silent {
			e.fail(w, r, t, oauth.NewError(oauth.CodeLoginRequired, "The person has to log in."))
			return
		}
		e.askLogin(w, r, t, f)
	case req.somebodyElse:
		// OpenID Connect Core §3.1.2.1, id_token_hint: a positive response if the
		// person it names "is already logged in or is logged in as a result of
		// the request [...]; otherwise, it MUST return an error".
		if t.silent || f.errand.Session == session.ID {
			e.fail(w, r, t, oauth.NewError(oauth.CodeLoginRequired, "The person who is logged in is not the one that the request names."))
			return
		}
		e.askLogin(w, r, t, f)
	case req.needsConsent(t.client, session):
		if t.silent {
			e.fail(w, r, t, oauth.NewError(oauth.CodeConsentRequired, "The person has to consent."))
			return
		}
		e.askConsent(w, r, t, f, req, session)
	default:
		e.issue(w, r, t, req, session)
	}
}

// askLogin shows the login page.
func (e *Endpoint) askLogin(w http.ResponseWriter, r *http.Request, t *target, f flow) {
	e.login.Show(w, r, resourceowner.Prompt{
		Errand:   resourceowner.Errand{Path: issuer.PathContinue, Request: f.errand.Request},
		Client:   t.client.DisplayName(),
		ReturnTo: t.redirectURI,
		Hint:     e.hint(r.Context(), t, f.params),
	})
}

// methods refuses every other method. There is no CORS here either (RFC 9700
// §2.6): the browser itself comes, not a script.
func (e *Endpoint) methods(next http.HandlerFunc, allowed ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range allowed {
			if r.Method == m {
				next(w, r)
				return
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		e.refuse(w, r, refuseMethod())
	})
}
