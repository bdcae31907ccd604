// Package userinfo is the UserInfo endpoint (OpenID Connect Core §5.3): the one
// protected resource of our own, so RFC 6750 from the side of a resource server.
package userinfo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/cors"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/resourceowner"
)

// Options of the endpoint. All but Now are needed.
type Options struct {
	Settings *issuer.Settings
	Keys     *keys.Current
	Grants   grant.Store
	People   resourceowner.Directory

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// New returns the UserInfo endpoint of one issuer. Scripts of any origin may use
// it (OpenID Connect Core §5.3): it takes no cookie.
func New(options Options) http.Handler {
	if options.Now == nil {
		options.Now = time.Now
	}
	return cors.Allow(&endpoint{options}, http.MethodGet, http.MethodPost)
}

type endpoint struct{ Options }

// ServeHTTP answers a UserInfo request.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	log := logr.FromContextOrDiscard(r.Context())
	// OpenID Connect Core §5.3: "MUST support the use of the HTTP GET and HTTP
	// POST methods".
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		_ = oauth.WriteError(w, http.StatusMethodNotAllowed, oauth.NewError(oauth.CodeInvalidRequest, "UserInfo requests use the methods GET and POST."))
		return
	}
	claims, err := e.answer(r)
	if err == nil {
		err = oauth.WriteJSON(w, http.StatusOK, claims)
	} else {
		err = e.refuse(w, log, err)
	}
	if err != nil {
		log.V(1).Info("The response could not be written.")
	}
}

// answer returns the claims that the access token of the request is good for.
func (e *endpoint) answer(r *http.Request) (map[string]any, error) {
	token, err := bearerToken(r)
	if err != nil {
		return nil, err
	}
	now := e.Now()
	claims, err := accesstoken.Verify(e.Settings, e.Keys.Load(), token, now)
	if err != nil {
		return nil, invalidToken(err)
	}
	scope, err := oauth.ParseScope(claims.Scope)
	if err != nil {
		return nil, invalidToken(err)
	}
	if !scope.Has(oauth.ScopeOpenID) {
		return nil, oauth.NewError(oauth.CodeInsufficientScope, "The access token has no scope openid.")
	}
	if err := e.stands(r.Context(), claims, now); err != nil {
		return nil, err
	}
	person, err := e.People.Person(r.Context(), claims.Subject)
	switch {
	case errors.Is(err, resourceowner.ErrUnknown):
		return nil, invalidToken(err)
	case err != nil:
		return nil, oauth.Unavailable(err)
	}
	return person.Claims(scope), nil
}

// stands checks that what the token rests on has not been revoked.
func (e *endpoint) stands(ctx context.Context, claims accesstoken.Claims, now time.Time) error {
	g, err := e.Grants.Get(ctx, grant.Key{ClientID: claims.ClientID, ID: claims.GrantID})
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return invalidToken(err)
	case err != nil:
		return oauth.Unavailable(err)
	case !g.Active(now) || g.Issuer != e.Settings.Name || g.Subject != claims.Subject:
		return invalidToken(errRevoked)
	}
	return nil
}

var errRevoked = errors.New("userinfo: the grant does not stand")
