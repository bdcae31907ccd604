// Package logout ends the browser's session: OpenID Connect RP-Initiated Logout
// 1.0, where a client sends the person here, and OpenID Connect Back-Channel
// Logout 1.0, where the other clients are told.
//
// A session that ends takes with it the grants that came from it, unless they
// have the scope offline_access (Back-Channel Logout §2.7), and every client that
// has registered a backchannelLogoutURI and was visited in it is sent a logout
// token. The session itself remembers whom it visited.
package logout

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/grant"
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
	Grants   grant.Store

	// Notifier tells clients of logouts. Nil for none.
	Notifier *Notifier

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Endpoint is the logout endpoint of one issuer.
type Endpoint struct {
	Options
	pages    *pages.Pages
	browsers *resourceowner.Browsers
	sessions *resourceowner.Sessions
}

// New returns the logout endpoint with its pages.
func New(o Options) *Endpoint {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Endpoint{
		Options:  o,
		pages:    resourceowner.NewPages(o.Settings),
		browsers: resourceowner.NewBrowsers(o.Settings, o.Keys, o.Now),
		sessions: resourceowner.NewSessions(o.Settings, o.Keys, o.People, o.Now),
	}
}

// Handlers returns the handlers by their paths below the issuer.
func (e *Endpoint) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		issuer.PathLogout:        e.methods(e.request, http.MethodGet, http.MethodPost),
		issuer.PathLogoutConfirm: e.methods(e.confirm, http.MethodPost),
	}
}

// request answers a logout request (RP-Initiated Logout §2), by GET or by POST.
func (e *Endpoint) request(w http.ResponseWriter, r *http.Request) {
	params, encoded, err := oauth.ParseRequest(r)
	if err == nil {
		err = params.OnlyOnce()
	}
	if err != nil {
		e.refuse(w, r, refuseMalformed())
		return
	}
	if r.Method == http.MethodPost && !e.sessions.Carried(r) && len(encoded) <= maxRedirect {
		// A form that another site posts comes without our SameSite cookies. A
		// redirect comes with them.
		resourceowner.SeeOther(w, e.Settings.URL(issuer.PathLogout)+"?"+encoded)
		return
	}
	l, refused := e.understand(r.Context(), params)
	if refused != nil {
		e.refuse(w, r, refused)
		return
	}
	session, err := e.sessions.Find(r)
	switch {
	case errors.Is(err, resourceowner.ErrNoSession):
		e.sessions.End(w) // the cookie of one that is over, perhaps
		e.leave(w, l)
	case err != nil:
		e.trouble(w, r, err)
	case e.vouched(l, session):
		e.end(w, r, l, session)
	default:
		e.ask(w, r, l, session)
	}
}

// maxRedirect is the longest request that is passed on in a URL.
const maxRedirect = 16 << 10

// end ends the session, and what hangs on it. The grants come first: if the
// store fails, the session stays, so that the person can try again.
func (e *Endpoint) end(w http.ResponseWriter, r *http.Request, l *logout, session *resourceowner.Session) {
	if err := e.revoke(r.Context(), session.Visits()); err != nil {
		logr.FromContextOrDiscard(r.Context()).Error(err, "The grants of a session could not be revoked.")
		e.pages.Error(w, troubleRevoking())
		return
	}
	e.sessions.End(w)
	e.notify(r.Context(), session)
	logr.FromContextOrDiscard(r.Context()).Info("Logged out.", "subject", session.Person.Subject)
	e.leave(w, l.confirmed())
}

// revokeTimeout bounds the revocations of one logout.
const revokeTimeout = 10 * time.Second

// revoke ends the grants of the visits (Back-Channel Logout §2.7: "refresh tokens
// issued without the offline_access property to a session being logged out SHOULD
// be revoked"). A grant that is not there is of a code that was never redeemed.
func (e *Endpoint) revoke(ctx context.Context, visits []resourceowner.Visit) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	results := make(chan error, len(visits))
	for _, v := range visits {
		if v.Offline {
			results <- nil
			continue
		}
		go func() {
			err := e.Grants.Revoke(ctx, grant.Key{ClientID: v.ClientID, ID: v.GrantID}, grant.LoggedOut)
			if errors.Is(err, grant.ErrNotFound) {
				err = nil
			}
			results <- err
		}()
	}
	var failed error
	for range visits {
		failed = errors.Join(failed, <-results)
	}
	return failed
}

// leave sends the person on. Without a hint that vouches for the request, and
// without a person who has confirmed it, nobody is redirected: the page has a link.
func (e *Endpoint) leave(w http.ResponseWriter, l *logout) {
	switch {
	case l.redirectURI == "":
		e.pages.Left(w, pages.Left{})
	case l.trusted:
		resourceowner.SeeOther(w, l.location())
	default:
		e.pages.Left(w, pages.Left{Client: l.clientName(), ReturnTo: l.link()})
	}
}

// methods refuses every other method.
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
