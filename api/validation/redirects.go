package validation

import (
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"oauth-operator.dev/api/v1alpha1"
)

// clientRedirects checks the redirect URIs of a client and where they come from.
func clientRedirects(c *v1alpha1.OAuthClient) []Problem {
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	const listed, taken = "spec.redirectURIs", "spec.redirectURIsFrom"
	switch code := slices.Contains(c.EffectiveGrantTypes(), v1alpha1.GrantTypeAuthorizationCode); {
	case code && len(c.Spec.RedirectURIs) == 0 && len(c.Spec.RedirectURIsFrom) == 0:
		// RFC 6749 §3.1.2.2; from every client, as RFC 9700 §2.1 compares.
		add(listed, "the grant type authorization_code needs at least one: add it here or in redirectURIsFrom, or set grantTypes to [client_credentials]")
	case !code && len(c.Spec.RedirectURIs) > 0:
		add(listed, "only the grant type authorization_code uses them: add that to grantTypes, or remove redirectURIs")
	case !code && len(c.Spec.RedirectURIsFrom) > 0:
		add(taken, "only the grant type authorization_code uses it: add that to grantTypes, or remove redirectURIsFrom")
	}
	for i, uri := range c.AllRedirectURIs() {
		err := RedirectURI(uri)
		switch {
		case err == nil:
		case i < len(c.Spec.RedirectURIs):
			add(index(listed, i), "%s %s", quote(uri), err)
		default:
			add(taken, "it has come to %s, which %s", quote(uri), err)
		}
	}
	for i := range c.Spec.RedirectURIsFrom {
		problems = append(problems, redirectSource(index(taken, i), &c.Spec.RedirectURIsFrom[i])...)
	}
	return problems
}

// maxRedirectPath is the longest path of a source, in bytes.
const maxRedirectPath = 512

func redirectSource(at string, s *v1alpha1.RedirectURISource) []Problem {
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(at+field, v1alpha1.ReasonInvalid, format, args...))
	}
	switch s.Kind {
	case v1alpha1.RedirectURISourceIngress, v1alpha1.RedirectURISourceHTTPRoute:
	default:
		add(".kind", "%s is not known: use Ingress or HTTPRoute", quote(string(s.Kind)))
	}
	if len(validation.IsDNS1123Subdomain(s.Name)) > 0 {
		add(".name", "%s cannot be the name of such an object: use lower-case letters, digits, - and ., with a letter or digit at both ends", quote(s.Name))
	}
	if err := redirectPath(s.Path); err != nil {
		add(".path", "%s %s", quote(s.Path), err)
	}
	return problems
}

var errRedirectPath = errors.New("must begin with a slash and have 1 to 512 characters")

// redirectPath reports what keeps a text from being the path, with or without
// query, of redirect URIs.
func redirectPath(path string) error {
	if !strings.HasPrefix(path, "/") || len(path) > maxRedirectPath {
		return errRedirectPath
	}
	return RedirectURI("https://host" + path)
}

// RedirectURIOf returns the redirect URI with that host and path: https, and the
// port that goes with it. It is not ok for what is no plain host, such as one
// with a wildcard, a port or a user, and for a path that no redirect URI has.
func RedirectURIOf(host, path string) (uri string, ok bool) {
	if !validHost(host) || redirectPath(path) != nil {
		return "", false
	}
	uri = "https://" + strings.ToLower(host) + path
	if RedirectURI(uri) != nil {
		return "", false
	}
	return uri, true
}
