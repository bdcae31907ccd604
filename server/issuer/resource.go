package issuer

import (
	"slices"

	"oauth-operator.dev/server/oauth"
)

// Resource is a protected resource that access tokens can be for (RFC 8707 §2).
type Resource struct {
	// Identifier is the resource indicator: an absolute URI without fragment,
	// which is the aud of the access tokens.
	Identifier string

	// Name is what people read at consent. "" for the identifier.
	Name string

	// Scope is what the resource understands. Empty for everything.
	Scope oauth.Scope

	// ServedBy are the client_ids of those who serve the resource and may
	// introspect its access tokens.
	ServedBy []string
}

// resource returns the entry of a resource. The issuer itself needs none.
func (s *Settings) resource(identifier string) (Resource, bool) {
	i := slices.IndexFunc(s.Resources, func(r Resource) bool { return r.Identifier == identifier })
	if i < 0 {
		return Resource{Identifier: identifier}, false
	}
	return s.Resources[i], true
}

// Knows reports whether there is such a resource beside the issuer itself.
func (s *Settings) Knows(identifier string) bool {
	_, ok := s.resource(identifier)
	return ok && identifier != s.Issuer
}

// Served returns the resources of that audience that the client serves.
func (s *Settings) Served(clientID string, audience []string) []string {
	var served []string
	for _, identifier := range audience {
		if r, ok := s.resource(identifier); ok && slices.Contains(r.ServedBy, clientID) {
			served = append(served, identifier)
		}
	}
	return served
}

// Understood returns the part of the scope that means something to at least one
// resource of that audience (RFC 8707 §2: "scopes [...] applicable at the
// resources").
func (s *Settings) Understood(scope oauth.Scope, audience []string) oauth.Scope {
	var known oauth.Scope
	for _, identifier := range audience {
		r, _ := s.resource(identifier)
		if len(r.Scope) == 0 {
			return scope
		}
		known = append(known, r.Scope...)
	}
	return scope.Intersect(known)
}

// DescribeResource returns the words for a resource: its name, or its identifier.
func (s *Settings) DescribeResource(identifier string) string {
	switch r, _ := s.resource(identifier); {
	case r.Name != "":
		return r.Name
	case identifier == s.Issuer:
		return s.SiteName()
	}
	return identifier
}
