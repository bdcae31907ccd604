// Package introspection is the introspection endpoint (RFC 7662), with the signed
// responses of RFC 9701: those who serve a resource ask whether an access token is
// good, and clients whether their own tokens are.
//
// A caller learns nothing of tokens that are not meant for it: whatever is wrong,
// it reads {"active":false}.
package introspection

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Options of the endpoint. All but Now are needed.
type Options struct {
	Settings      *issuer.Settings
	Keys          *keys.Current
	Registry      registration.Registry
	Authenticator *clientauth.Authenticator
	Grants        grant.Store
	People        resourceowner.Directory

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// New returns the introspection endpoint of one issuer. It has no CORS: no script
// in a browser can keep the secret that it takes.
func New(options Options) http.Handler {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &endpoint{options}
}

type endpoint struct{ Options }

// question is an introspection request whose caller is known. It sees one moment
// and one set of keys from beginning to end.
type question struct {
	caller *registration.Client
	token  string
	set    *keys.Set
	now    time.Time
}

// ServeHTTP answers an introspection request.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// RFC 7662 §2.1: "using an HTTP POST [...] request". In a URL the token would
	// be in logs.
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		_ = oauth.WriteError(w, http.StatusMethodNotAllowed, oauth.NewError(oauth.CodeInvalidRequest, "Introspection requests use the method POST."))
		return
	}
	q, err := e.question(r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	answer, err := e.introspect(r.Context(), q)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	if wantsJWT(r.Header.Values("Accept")) {
		err = e.writeSigned(w, r, q, answer)
	} else {
		err = oauth.WriteJSON(w, http.StatusOK, answer)
	}
	if err != nil {
		logr.FromContextOrDiscard(r.Context()).V(1).Info("The response could not be written.")
	}
}

// question reads the request and finds out who asks.
func (e *endpoint) question(r *http.Request) (question, error) {
	params, err := oauth.ParseForm(r)
	if err != nil {
		return question{}, err
	}
	if err := params.OnlyOnce(); err != nil {
		return question{}, err
	}
	result, err := e.Authenticator.Authenticate(r, params)
	if err != nil {
		return question{}, err
	}
	// RFC 7662 §2.1: "the endpoint MUST also require some form of authorization to
	// access this endpoint". A public client has only said who it is.
	if !result.Authenticated {
		return question{}, oauth.NewError(oauth.CodeInvalidClient, "Introspection is for clients that authenticate, and not for public ones.")
	}
	q := question{caller: result.Client, token: params.Get(oauth.ParamToken), set: e.Keys.Load(), now: e.Now()}
	if q.token == "" {
		return question{}, oauth.NewError(oauth.CodeInvalidRequest, "The parameter token is missing.")
	}
	if len(q.set.Public(q.now).Keys) == 0 {
		// Every token looks forged to a server without keys.
		return question{}, oauth.Unavailable(keys.ErrNoKey)
	}
	return q, nil
}

// refuse answers an error (RFC 7662 §2.3, RFC 6749 §5.2).
func (e *endpoint) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var protocol *oauth.Error
	if !errors.As(err, &protocol) {
		protocol = oauth.ServerError(err)
	}
	log := logr.FromContextOrDiscard(r.Context())
	if protocol.Status() >= http.StatusInternalServerError {
		log.Error(protocol.Unwrap(), "An introspection request failed.", "error", protocol.Code)
	} else {
		log.V(1).Info("An introspection request was refused.", "error", protocol.Code, "cause", protocol.Unwrap())
	}
	if err := e.Authenticator.WriteError(w, protocol); err != nil {
		log.V(1).Info("The error response could not be written.")
	}
}
