// Package userinfo is the UserInfo endpoint (OpenID Connect Core §5.3): the one
// protected resource of our own, so RFC 6750 from the side of a resource server.
package userinfo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/cors"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Options of the endpoint. All but Now are needed.
type Options struct {
	Settings *issuer.Settings
	Keys     *keys.Current
	Registry registration.Registry
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
	a, err := e.answer(r)
	switch {
	case err != nil:
		err = e.refuse(w, log, err)
	case a.client.OpenID.UserinfoAlg != "":
		err = e.signed(w, log, a)
	default:
		err = oauth.WriteJSON(w, http.StatusOK, a.claims)
	}
	if err != nil {
		log.V(1).Info("The response could not be written.")
	}
}

// answer is what an access token is good for.
type answer struct {
	client *registration.Client
	claims map[string]any
}

// signed answers with a JWT (OpenID Connect Core §5.3.2: "If the UserInfo
// Response is signed [...] the content-type of the HTTP response MUST be
// application/jwt").
func (e *endpoint) signed(w http.ResponseWriter, log logr.Logger, a answer) error {
	token, err := accesstoken.SignUserinfo(e.Settings, e.Keys.Load(), a.client, a.claims, e.Now())
	if err != nil {
		return e.refuse(w, log, oauth.Unavailable(err))
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwt")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_, err = io.WriteString(w, token)
	return err
}

// answer returns what the access token of the request is good for.
func (e *endpoint) answer(r *http.Request) (answer, error) {
	token, err := bearerToken(r)
	if err != nil {
		return answer{}, err
	}
	now := e.Now()
	claims, err := accesstoken.Verify(e.Settings, e.Keys.Load(), token, now)
	if err != nil {
		return answer{}, invalidToken(err)
	}
	scope, err := oauth.ParseScope(claims.Scope)
	if err != nil {
		return answer{}, invalidToken(err)
	}
	if !scope.Has(oauth.ScopeOpenID) {
		return answer{}, oauth.NewError(oauth.CodeInsufficientScope, "The access token has no scope openid.")
	}
	client, err := e.client(r.Context(), claims.ClientID)
	if err != nil {
		return answer{}, err
	}
	g, err := e.grant(r.Context(), claims, client, now)
	if err != nil {
		return answer{}, err
	}
	person, err := e.People.Person(r.Context(), g.Subject)
	switch {
	case errors.Is(err, resourceowner.ErrUnknown):
		return answer{}, invalidToken(err)
	case err != nil:
		return answer{}, oauth.Unavailable(err)
	}
	told := person.Claims(scope, resourceowner.Within(g.Claims.Of(oauth.ClaimsUserinfo), client.Scope)...)
	told["sub"] = claims.Subject // pairwise, perhaps
	return answer{client: client, claims: told}, nil
}

// client returns the client that the token was issued to. One that is gone takes
// its tokens with it.
func (e *endpoint) client(ctx context.Context, id string) (*registration.Client, error) {
	client, err := e.Registry.Lookup(ctx, id)
	switch {
	case errors.Is(err, registration.ErrUnknown), errors.Is(err, registration.ErrRefused):
		return nil, invalidToken(err)
	case err != nil:
		return nil, oauth.Unavailable(err)
	}
	return client, nil
}

// grant returns what the token rests on, which must not have been revoked.
func (e *endpoint) grant(ctx context.Context, claims accesstoken.Claims, client *registration.Client, now time.Time) (grant.Grant, error) {
	g, err := e.Grants.Get(ctx, grant.Key{ClientID: claims.ClientID, ID: claims.GrantID})
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return g, invalidToken(err)
	case err != nil:
		return g, oauth.Unavailable(err)
	case !g.Active(now) || g.Issuer != e.Settings.Name || g.ClientUID != client.UID:
		return g, invalidToken(errRevoked)
	}
	subject, err := accesstoken.Subject(e.Keys.Load(), client, g.Subject)
	switch {
	case err != nil:
		return g, oauth.Unavailable(err)
	case subject != claims.Subject:
		return g, invalidToken(errRevoked)
	}
	return g, nil
}

var errRevoked = errors.New("userinfo: the grant does not stand")
