package token

import (
	"context"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/oauth"
)

// personal are the scopes that ask for something about a person. A client has no
// person to tell about.
var personal = oauth.Scope{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopeGroups}

// clientCredentials answers an access token request of a client for itself
// (RFC 6749 §4.4). It touches no store, and there is no refresh token (§4.4.3).
func (e *endpoint) clientCredentials(_ context.Context, req *request) (response, error) {
	// RFC 6749 §4.4: "MUST only be used by confidential clients."
	if !req.Authenticated {
		return response{}, oauth.NewError(oauth.CodeUnauthorizedClient, "A public client cannot use this grant_type.")
	}
	scope, err := ownScope(req)
	if err != nil {
		return response{}, err
	}
	resources, err := e.ownTargets(req)
	if err != nil {
		return response{}, err
	}
	claims, err := e.forResources(accesstoken.ForClient(e.Settings, req.Client, scope, req.now), resources)
	if err != nil {
		return response{}, err
	}
	return e.bearer(req, claims)
}

// ownScope returns the scope of a client's token for itself. A client that asks
// for the scopes of a person is told that it cannot have them; from the default
// they are left out, because nobody asked for them (RFC 6749 §3.3).
func ownScope(req *request) (oauth.Scope, error) {
	asked, err := oauth.ParseScope(req.params.Get(oauth.ParamScope))
	if err != nil {
		return nil, err
	}
	if len(asked) == 0 {
		var scope oauth.Scope
		for _, token := range req.Client.DefaultScope {
			if !personal.Has(token) {
				scope = append(scope, token)
			}
		}
		return scope, nil
	}
	if !asked.In(req.Client.Scope) {
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The client is not registered for all of the scope.")
	}
	if len(asked.Intersect(personal)) > 0 {
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The scope asks about a resource owner, and this grant_type has none.")
	}
	return asked, nil
}
