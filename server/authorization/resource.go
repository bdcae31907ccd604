package authorization

import (
	"slices"
	"strings"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// resources returns what the client asks for access to (RFC 8707 §2.1). The code
// and the grant are bound to it.
func (e *Endpoint) resources(client *registration.Client, scope oauth.Scope, params oauth.Params) ([]string, *oauth.Error) {
	asked, err := oauth.ParseResources(params.All(oauth.ParamResource))
	if err != nil {
		return nil, asError(err)
	}
	for _, resource := range asked {
		if resource != e.settings.Issuer && !slices.Contains(client.Resources, resource) {
			return nil, oauth.InvalidTarget("A resource does not exist, or the client is not registered for it.")
		}
	}
	audience := asked
	if len(audience) == 0 {
		audience = []string{e.settings.Issuer}
	}
	if len(e.settings.Understood(scope, audience)) == 0 {
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The scope means nothing to the resources that the request names.")
	}
	return asked, nil
}

// atResource marks a resource among what a person is asked. No scope has a space.
const atResource = " "

// places are the resources as a person is asked for them.
func (r *request) places() []string {
	places := make([]string, len(r.resources))
	for i, resource := range r.resources {
		places[i] = atResource + resource
	}
	return places
}

// describe returns the words for what a person is asked.
func (e *Endpoint) describe(name string) string {
	if resource, ok := strings.CutPrefix(name, atResource); ok {
		return "Do so at " + e.settings.DescribeResource(resource)
	}
	return e.settings.Describe(name)
}

// allowance is what the person need not be asked for again in this session. What
// was allowed at one resource is not allowed at another.
func (r *request) allowance() oauth.Scope {
	if len(r.resources) == 0 {
		return r.shown()
	}
	var pairs oauth.Scope
	for _, name := range r.shown() {
		if strings.HasPrefix(name, atResource) {
			continue
		}
		for _, place := range r.places() {
			pairs = append(pairs, name+place)
		}
	}
	return pairs
}
