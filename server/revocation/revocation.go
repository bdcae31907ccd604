// Package revocation is the revocation endpoint (RFC 7009): a client says that it
// does not need a token any more.
//
// What is revoked is the grant that the token rests on, with all that came from
// it. An access token that a client has for itself rests on none. It cannot be
// revoked, and the client is told so.
package revocation

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/cors"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// Options of the endpoint. All but Now are needed.
type Options struct {
	Settings      *issuer.Settings
	Keys          *keys.Current
	Authenticator *clientauth.Authenticator
	Grants        grant.Store

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// New returns the revocation endpoint of one issuer. Scripts of any origin may
// use it (RFC 7009 §2.3): it takes no cookie.
func New(options Options) http.Handler {
	if options.Now == nil {
		options.Now = time.Now
	}
	return cors.Allow(&endpoint{options}, http.MethodPost)
}

type endpoint struct{ Options }

// ServeHTTP answers a revocation request.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// RFC 7009 §2.1: "by adding the following parameters [...] in the HTTP request
	// entity-body".
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		_ = oauth.WriteError(w, http.StatusMethodNotAllowed, oauth.NewError(oauth.CodeInvalidRequest, "Revocation requests use the method POST."))
		return
	}
	if err := e.answer(r); err != nil {
		e.refuse(w, r, err)
		return
	}
	// RFC 7009 §2.2: "The content of the response body is ignored".
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(http.StatusOK)
}

// answer takes the steps of RFC 7009 §2.1 in their order.
func (e *endpoint) answer(r *http.Request) error {
	params, err := oauth.ParseForm(r)
	if err != nil {
		return err
	}
	if err := params.OnlyOnce(); err != nil {
		return err
	}
	result, err := e.Authenticator.Authenticate(r, params)
	if err != nil {
		return err
	}
	token := params.Get(oauth.ParamToken)
	if token == "" {
		return oauth.NewError(oauth.CodeInvalidRequest, "The parameter token is missing.")
	}
	// token_type_hint is not needed: a token shows of what kind it is. So a wrong
	// or an unknown one changes nothing (RFC 7009 §2.1, §2.2).
	id, err := e.grantOf(result.Client, token)
	if err != nil || id == "" {
		return err
	}
	return e.revoke(r.Context(), grant.Key{ClientID: result.Client.ID, ID: id})
}

// grantOf returns the id of the grant that the token rests on. It is "" for what
// is no token that is still good: "invalid tokens do not cause an error response"
// (RFC 7009 §2.2).
func (e *endpoint) grantOf(client *registration.Client, token string) (string, error) {
	set, now := e.Keys.Load(), e.Now()
	if len(set.Public(now).Keys) == 0 {
		// Every token looks forged to a server without keys.
		return "", oauth.Unavailable(keys.ErrNoKey)
	}
	if len(token) > oauth.MaxToken {
		return "", nil
	}
	if refresh, err := grant.OpenRefreshToken(set, token, now); err == nil {
		// Also one that was replaced by now: its holder wants the end of the grant.
		// Whose it is shows when it is looked for among the client's own.
		return refresh.GrantID, nil
	}
	claims, err := accesstoken.Read(e.Settings, set, token, now)
	switch {
	case err != nil:
		return "", nil //nolint:nilerr // whatever it is, it is no token of ours that is still good
	case claims.ClientID != client.ID:
		// RFC 7009 §2.1: "the request is refused and the client is informed of the
		// error".
		return "", oauth.NewError(oauth.CodeInvalidGrant, "The token was issued to another client.")
	case claims.Act != nil:
		// The grant is another client's, which did not ask for this.
		return "", oauth.NewError(oauth.CodeUnsupportedTokenType,
			"An access token from token exchange cannot be revoked. It is good until it expires, or the token that it was exchanged for is revoked.")
	case claims.GrantID == "":
		return "", oauth.NewError(oauth.CodeUnsupportedTokenType,
			"An access token from client_credentials cannot be revoked. It is good until it expires.")
	}
	return claims.GrantID, nil
}

// revokeTimeout bounds a revocation that outlives its request.
const revokeTimeout = 10 * time.Second

// revoke ends the grant, also if the client hangs up. The client is told that it
// ended only if it did: while nobody knows, it has to try again (RFC 7009 §2.2.1).
func (e *endpoint) revoke(ctx context.Context, key grant.Key) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	err := e.Grants.Revoke(ctx, key, grant.RevokedByClient)
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return nil
	case err != nil:
		return oauth.Unavailable(err)
	}
	logr.FromContextOrDiscard(ctx).Info("A client has revoked a grant.", "client", key.ClientID, "grant", key.ID)
	return nil
}

// refuse answers an error (RFC 7009 §2.2.1, RFC 6749 §5.2).
func (e *endpoint) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var protocol *oauth.Error
	if !errors.As(err, &protocol) {
		protocol = oauth.ServerError(err)
	}
	log := logr.FromContextOrDiscard(r.Context())
	if protocol.Status() >= http.StatusInternalServerError {
		log.Error(protocol.Unwrap(), "A revocation request failed.", "error", protocol.Code)
	} else {
		log.V(1).Info("A revocation request was refused.", "error", protocol.Code, "cause", protocol.Unwrap())
	}
	if err := e.Authenticator.WriteError(w, protocol); err != nil {
		log.V(1).Info("The error response could not be written.")
	}
}
