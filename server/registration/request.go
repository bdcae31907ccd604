package registration

import (
	"slices"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
)

// RequestedScope returns the scope that the client asks for with that value of
// the parameter scope, or its default if it asks for none: "the authorization
// server MUST either process the request using a pre-defined default value or fail
// the request" (RFC 6749 §3.3). The error is an *oauth.Error: invalid_scope.
func (c *Client) RequestedScope(parameter string) (oauth.Scope, error) {
	scope, err := oauth.ParseScope(parameter)
	if err != nil {
		return nil, err
	}
	if len(scope) == 0 {
		scope = slices.Clone(c.DefaultScope)
	}
	if len(scope) == 0 {
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The client has no default scope, so the request has to name one.")
	}
	if !scope.In(c.Scope) {
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The request asks for a scope that does not exist or that the client is not registered for.")
	}
	return scope, nil
}

// RequestedResources returns what the client asks for access to with those values
// of the parameter resource (RFC 8707 §2.1). What it is given is bound to them. The
// error is an *oauth.Error: invalid_target, or invalid_scope for a scope that means
// nothing there.
func (c *Client) RequestedResources(settings *issuer.Settings, scope oauth.Scope, values []string) ([]string, error) {
	asked, err := oauth.ParseResources(values)
	if err != nil {
		return nil, err
	}
	for _, resource := range asked {
		if resource != settings.Issuer && !slices.Contains(c.Resources, resource) {
			return nil, oauth.InvalidTarget("A resource does not exist, or the client is not registered for it.")
		}
	}
	audience := asked
	if len(audience) == 0 {
		audience = []string{settings.Issuer}
	}
	if len(settings.Understood(scope, audience)) == 0 {
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The scope means nothing to the resources that the request names.")
	}
	return asked, nil
}

// DisplayName is the name of the client on the pages.
func (c *Client) DisplayName() string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}
