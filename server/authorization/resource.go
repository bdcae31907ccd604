package authorization

import (
	"strings"

	"oauth-operator.dev/server/oauth"
)

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
