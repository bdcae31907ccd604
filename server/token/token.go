// Package token is the token endpoint (RFC 6749 §3.2). This file owns the order
// of the steps, which is the same for every request; each grant has a file of its
// own with what is different: code.go (§4.1.3), refresh.go (§6),
// clientcredentials.go (§4.4), exchange.go (RFC 8693) and device.go (RFC 8628).
package token

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/cors"
	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/throttle"
)

// Options of the endpoint. All but Now are needed.
type Options struct {
	Settings      *issuer.Settings
	Keys          *keys.Current
	Registry      registration.Registry
	Authenticator *clientauth.Authenticator
	Grants        grant.Store
	People        resourceowner.Directory

	// Desk is where devices and people meet (RFC 8628).
	Desk *devicecode.Desk

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// GrantTypes are the grants that there are, for the metadata.
func GrantTypes() []string {
	return []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken, oauth.GrantClientCredentials, oauth.GrantTokenExchange, oauth.GrantDeviceCode}
}

// New returns the token endpoint of one issuer. Scripts of any origin may use it:
// it takes no cookie.
func New(options Options) http.Handler {
	if options.Now == nil {
		options.Now = time.Now
	}
	return cors.Allow(&endpoint{
		Options: options,
		polls:   throttle.New(throttle.Options{Every: pollEvery, Burst: pollBurst, Keys: pollKeys, Now: options.Now}),
	}, http.MethodPost)
}

// Bounds of what public clients may poll from one address: a hundred devices behind
// it are not slowed down.
const (
	pollBurst, pollEvery = 200, 50 * time.Millisecond

	// pollKeys is how many addresses are remembered: about 2 MB.
	pollKeys = 10_000
)

type endpoint struct {
	Options
	polls *throttle.Limiter
}

// request is a token request whose client is known. It sees one moment and one
// set of keys from beginning to end.
type request struct {
	clientauth.Result

	params oauth.Params
	source string // address
	set    *keys.Set
	now    time.Time
}

// response is the successful response of RFC 6749 §5.1.
type response struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"`    // always said, also where it is what was asked for
	IDToken      string `json:"id_token,omitempty"` // OpenID Connect Core §3.1.3.3

	IssuedTokenType string `json:"issued_token_type,omitempty"` // RFC 8693 §2.2.1
}

// ServeHTTP answers a token request.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// RFC 6749 §3.2: "The client MUST use the HTTP "POST" method."
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		e.refuse(w, r, http.StatusMethodNotAllowed, oauth.NewError(oauth.CodeInvalidRequest, "Token requests use the method POST."))
		return
	}
	answer, err := e.answer(r)
	if err != nil {
		e.refuse(w, r, 0, err)
		return
	}
	if err := oauth.WriteJSON(w, http.StatusOK, answer); err != nil {
		logr.FromContextOrDiscard(r.Context()).V(1).Info("The token response could not be written.")
	}
}

// answer takes the steps of every token request in their order.
func (e *endpoint) answer(r *http.Request) (response, error) {
	params, err := oauth.ParseForm(r)
	if err != nil {
		return response{}, err
	}
	// RFC 6749 §3.2: "parameters MUST NOT be included more than once."
	grantType := params.Get(oauth.ParamGrantType)
	if err := params.OnlyOnce(repeatable(grantType)...); err != nil {
		return response{}, err
	}
	// RFC 6749 §3.2.1, with every grant.
	client, err := e.Authenticator.Authenticate(r, params)
	if err != nil {
		return response{}, err
	}
	answer, err := e.byType(grantType)
	if err != nil {
		return response{}, err
	}
	if !client.Client.MayUse(grantType) {
		return response{}, oauth.NewError(oauth.CodeUnauthorizedClient, "The client is not registered for this grant_type.")
	}
	return answer(r.Context(), &request{Result: client, params: params, source: throttle.Source(r), set: e.Keys.Load(), now: e.Now()})
}

// repeatable returns the parameters that may be sent more than once with a grant
// type (RFC 8707 §2, RFC 8693 §2.1).
func repeatable(grantType string) []string {
	if grantType == oauth.GrantTokenExchange {
		return []string{oauth.ParamResource, oauth.ParamAudience}
	}
	return []string{oauth.ParamResource}
}

// byType returns what answers requests of a grant type.
func (e *endpoint) byType(grantType string) (func(context.Context, *request) (response, error), error) {
	switch grantType {
	case oauth.GrantAuthorizationCode:
		return e.code, nil
	case oauth.GrantRefreshToken:
		return e.refresh, nil
	case oauth.GrantClientCredentials:
		return e.clientCredentials, nil
	case oauth.GrantTokenExchange:
		return e.exchange, nil
	case oauth.GrantDeviceCode:
		return e.device, nil
	case "":
		return nil, missing(oauth.ParamGrantType)
	default:
		return nil, oauth.NewError(oauth.CodeUnsupportedGrantType, "The authorization server does not support this grant_type.")
	}
}

// refuse answers an error (RFC 6749 §5.2) with the status, or where that is zero
// with the one that belongs to it. What is our own fault is logged as an error.
func (e *endpoint) refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	var protocol *oauth.Error
	if !errors.As(err, &protocol) {
		protocol = oauth.ServerError(err)
	}
	log := logr.FromContextOrDiscard(r.Context())
	if protocol.Status() >= http.StatusInternalServerError {
		log.Error(protocol.Unwrap(), "A token request failed.", "error", protocol.Code)
	} else {
		log.V(1).Info("A token request was refused.", "error", protocol.Code, "cause", protocol.Unwrap())
	}
	if status != 0 {
		err = oauth.WriteError(w, status, protocol)
	} else {
		err = e.Authenticator.WriteError(w, protocol)
	}
	if err != nil {
		log.V(1).Info("The error response could not be written.")
	}
}

// missing is the error for a parameter that is required.
func missing(name string) *oauth.Error {
	return oauth.NewError(oauth.CodeInvalidRequest, "The parameter "+name+" is missing.")
}

// invalidGrant is the error for a code or refresh token that is no good. The
// cause is a constant.
func invalidGrant(description, cause string) *oauth.Error {
	return oauth.NewError(oauth.CodeInvalidGrant, description).WithCause(errors.New(cause))
}

// person returns the resource owner, who has to be somebody who may still log in.
func (e *endpoint) person(ctx context.Context, subject string) (*resourceowner.Person, error) {
	person, err := e.People.Person(ctx, subject)
	switch {
	case errors.Is(err, resourceowner.ErrUnknown):
		return nil, invalidGrant("The resource owner can no longer use this authorization server.", "the resource owner may not log in")
	case err != nil:
		return nil, oauth.Unavailable(err)
	}
	return person, nil
}

// allowed returns the part of what the resource owner has granted that the
// client is still registered for: what the platform takes away is gone with the
// next token.
func allowed(granted oauth.Scope, client *registration.Client) (oauth.Scope, error) {
	scope := granted.Intersect(client.Scope)
	if len(scope) == 0 && len(granted) > 0 {
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The client is no longer registered for any of the granted scope.")
	}
	return scope, nil
}
