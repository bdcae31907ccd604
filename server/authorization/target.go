package authorization

import (
	"context"
	"errors"
	"strings"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// target is whom the request is for and where the answer goes. Both are certain.
type target struct {
	client      *registration.Client
	redirectURI string

	// sent says whether the request named the redirect URI (RFC 6749 §4.1.3).
	sent bool

	// state goes back to the client as it came (RFC 6749 §4.1.2).
	state string

	// silent says that the client wants no page shown, whatever happens
	// (prompt=none, OpenID Connect Core §3.1.2.1).
	silent bool

	// posted says that the answer goes there in a form (OAuth 2.0 Form Post
	// Response Mode), and not in the query.
	posted bool
}

// target finds out about client and redirect URI. Whatever is wrong with these
// is for the person to read: "the authorization server SHOULD inform the resource
// owner of the error and MUST NOT automatically redirect the user-agent to the
// invalid redirection URI" (RFC 6749 §4.1.2.1).
func (e *Endpoint) target(ctx context.Context, params oauth.Params) (*target, *refusal) {
	// RFC 6749 §3.1: parameters MUST NOT be included more than once. With two
	// values of one of these there is nobody to tell but the person.
	if params.Repeated(oauth.ParamClientID) || params.Repeated(oauth.ParamRedirectURI) {
		return nil, refuseRepeated()
	}
	clientID := params.Get(oauth.ParamClientID)
	if clientID == "" {
		return nil, refuseNoClient()
	}
	client, err := e.registry.Lookup(ctx, clientID)
	switch {
	case errors.Is(err, registration.ErrUnknown):
		return nil, refuseUnknownClient(clientID)
	case errors.Is(err, registration.ErrRefused):
		return nil, refuseClient(clientID, err)
	case err != nil:
		return nil, refuseFault(err)
	}
	redirectURI, refused := redirectURI(client, params)
	if refused != nil {
		return nil, refused
	}
	return &target{
		client:      client,
		posted:      isWeb(redirectURI) && !params.Repeated(oauth.ParamResponseMode) && params.Get(oauth.ParamResponseMode) == oauth.ResponseModeFormPost,
		redirectURI: redirectURI,
		sent:        params.Has(oauth.ParamRedirectURI),
		state:       singleState(params),
		silent:      !params.Repeated(oauth.ParamPrompt) && hasPrompt(params, oauth.PromptNone),
	}, nil
}

// redirectURI returns where the answer goes (RFC 6749 §3.1.2.3).
func redirectURI(client *registration.Client, params oauth.Params) (string, *refusal) {
	if requested := params.Get(oauth.ParamRedirectURI); requested != "" {
		if !client.MatchRedirectURI(requested) {
			return "", refuseRedirectURI(client, requested)
		}
		return requested, nil
	}
	switch {
	case len(client.RedirectURIs) == 0:
		return "", refuseNoRedirectURI(client)
	case len(client.RedirectURIs) > 1:
		return "", refuseAmbiguous(client)
	case isOpenID(params):
		return "", refuseOpenIDRedirect(client) // OpenID Connect Core §3.1.2.1: redirect_uri REQUIRED
	}
	return client.RedirectURIs[0].String(), nil
}

// isWeb reports whether a form can be posted to the redirect URI: no app is
// reached like that by its private-use scheme (RFC 8252 §7.1).
func isWeb(redirectURI string) bool {
	return strings.HasPrefix(redirectURI, "https://") || strings.HasPrefix(redirectURI, "http://")
}

// singleState returns the state, unless it was sent twice: then none of the two
// is the client's.
func singleState(params oauth.Params) string {
	if params.Repeated(oauth.ParamState) {
		return ""
	}
	return params.Get(oauth.ParamState)
}

// isOpenID reports whether the request is an authentication request (OpenID
// Connect Core §3.1.2.1).
func isOpenID(params oauth.Params) bool {
	for token := range strings.SplitSeq(params.Get(oauth.ParamScope), " ") {
		if token == oauth.ScopeOpenID {
			return true
		}
	}
	return false
}
