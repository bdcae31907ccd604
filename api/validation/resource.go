package validation

import (
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"oauth-operator.dev/api/v1alpha1"
)

// resources returns what is wrong with the protected resources of an
// AuthorizationServer.
func resources(as *v1alpha1.AuthorizationServer) []Problem {
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	catalogue := as.Catalogue()
	seen := make(map[string]bool, len(as.Spec.Resources))
	for i := range as.Spec.Resources {
		r := &as.Spec.Resources[i]
		at := index("spec.resources", i)
		switch {
		case !validResource(r.Identifier):
			add(at+".identifier", "%s %s", quote(r.Identifier), badResource)
		case seen[r.Identifier]:
			add(at+".identifier", "%s is there already: name each resource once", quote(r.Identifier))
		}
		seen[r.Identifier] = true
		if !plainText(r.DisplayName) {
			add(at+".displayName", badText)
		}
		if r.Scopes != nil && len(r.Scopes) == 0 {
			add(at+".scopes", "is empty, which would leave nothing: leave it out for all scopes, or list what the resource understands")
		}
		for k, scope := range r.Scopes {
			if !slices.ContainsFunc(catalogue, func(s v1alpha1.Scope) bool { return s.Name == scope }) {
				add(index(at+".scopes", k), "the catalogue has no scope %s: remove it, or add it to spec.scopes", quote(scope))
			}
		}
		for k, c := range r.ServedBy {
			// A client_id is made of both, so neither may hold anything else.
			if len(validation.IsDNS1123Label(c.Namespace)) > 0 || len(validation.IsDNS1123Subdomain(c.Name)) > 0 {
				add(index(at+".servedBy", k), "%s names no OAuthClient: use its namespace and its name", quote(c.Namespace+"/"+c.Name))
			}
		}
	}
	return problems
}

// clientResources checks that the AuthorizationServer has the resources.
func clientResources(c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer) []Problem {
	var problems []Problem
	for i, resource := range c.Spec.Resources {
		known := func(r v1alpha1.Resource) bool { return r.Identifier == resource }
		if !slices.ContainsFunc(as.Spec.Resources, known) {
			problems = append(problems, problem(index("spec.resources", i), v1alpha1.ReasonInvalid,
				"AuthorizationServer %s has no resource %s: remove it, or have it added to its spec.resources", quote(as.Name), quote(resource)))
		}
	}
	return problems
}

const badResource = "is no resource indicator: use an absolute URI without fragment (RFC 8707 §2), with the scheme in lower case and at most 256 characters, such as https://calendar.example.com/api"

// maxResource is the longest resource indicator, in bytes. Sixteen of them have
// to fit into an authorization code.
const maxResource = 256

// validResource checks a resource indicator (RFC 8707 §2: "MUST be an absolute
// URI, as specified by Section 4.3 of [RFC3986] [and] MUST NOT include a fragment
// component").
func validResource(resource string) bool {
	scheme, rest, ok := strings.Cut(resource, ":")
	if !ok || rest == "" || len(resource) > maxResource || scheme == "" || scheme[0] < 'a' || scheme[0] > 'z' {
		return false
	}
	for i := range len(scheme) {
		if c := scheme[i]; !schemeCharacter(c) && c != '.' {
			return false
		}
	}
	if strings.Contains(rest, "#") || !uriCharacters(rest) {
		return false
	}
	u, err := url.Parse(resource)
	return err == nil && u.IsAbs()
}
