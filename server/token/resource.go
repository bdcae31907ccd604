package token

import (
	"slices"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// targets returns what the access token of a grant is for (RFC 8707 §2.2): the
// resources that the request names, which "MUST be [...] among those" of the
// grant, or all of these. None is the issuer itself. What the platform has taken
// away from the client since is gone with the next token.
func (e *endpoint) targets(req *request, g grant.Grant) ([]string, error) {
	asked, err := oauth.ParseResources(req.params.All(oauth.ParamResource))
	if err != nil {
		return nil, err
	}
	granted := g.Resources
	if len(granted) == 0 {
		granted = []string{e.Settings.Issuer}
	}
	for _, resource := range asked {
		if !slices.Contains(granted, resource) {
			return nil, oauth.InvalidTarget("A resource is not within what the authorization request has named.")
		}
	}
	if len(asked) == 0 {
		asked = granted
	}
	still := e.registered(req.Client, asked)
	if len(still) == 0 {
		return nil, oauth.InvalidTarget("The client is no longer registered for any of the resources.")
	}
	return still, nil
}

// ownTargets returns what the access token of a client for itself is for: what it
// asks for, which it has to be registered for, or the issuer.
func (e *endpoint) ownTargets(req *request) ([]string, error) {
	asked, err := oauth.ParseResources(req.params.All(oauth.ParamResource))
	if err != nil {
		return nil, err
	}
	if len(e.registered(req.Client, asked)) != len(asked) {
		return nil, oauth.InvalidTarget("A resource does not exist, or the client is not registered for it.")
	}
	return asked, nil
}

// registered returns the resources that the client may have access tokens for. The
// issuer itself needs no registration.
func (e *endpoint) registered(client *registration.Client, resources []string) []string {
	var allowed []string
	for _, resource := range resources {
		if resource == e.Settings.Issuer || slices.Contains(client.Resources, resource) {
			allowed = append(allowed, resource)
		}
	}
	return allowed
}

// forResources makes the claims those of a token for the resources. A scope of
// which they understand nothing gives no token.
func (e *endpoint) forResources(claims accesstoken.Claims, resources []string) (accesstoken.Claims, error) {
	narrowed := claims.For(e.Settings, resources)
	if narrowed.Scope == "" && claims.Scope != "" {
		return claims, oauth.NewError(oauth.CodeInvalidScope, "The scope means nothing to the resources that the token is for.")
	}
	return narrowed, nil
}
