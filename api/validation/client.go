package validation

import (
	"slices"

	"oauth-operator.dev/api/v1alpha1"
)

// maxClientName is the longest name of an OAuthClient: it becomes a label value.
const maxClientName = 63

// Client returns what keeps an OAuthClient from being served by the
// AuthorizationServer: fields that no issuer could serve, scopes that are not in
// its catalogue, and what its policy does not allow clients from a namespace
// with these labels. Without an AuthorizationServer it judges the fields alone.
//
// A namespace whose labels are not known (nil) is selected by the rules for
// every namespace alone. The rank is that of function Rank; it matters only where
// MaxClients says that there is a bound, and may be 0 elsewhere.
func Client(
	c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, namespaceLabels map[string]string, rank int,
) []Problem {
	problems := clientNames(c)
	problems = append(problems, clientGrants(c)...)
	problems = append(problems, clientAssertions(c)...)
	problems = append(problems, clientRedirects(c)...)
	problems = append(problems, clientOpenID(c)...)
	problems = append(problems, boundLifetimes("spec.lifetimes", &c.Spec.Lifetimes)...)
	for i, scope := range c.Spec.Scopes {
		if !validScope(scope) {
			problems = append(problems, problem(index("spec.scopes", i), v1alpha1.ReasonInvalid, "%s %s", quote(scope), badScope))
		}
	}
	if as == nil {
		return problems
	}
	catalogue := as.Catalogue()
	problems = append(problems, clientScopes(c, as.Name, catalogue)...)
	problems = append(problems, clientResources(c, as)...)
	if len(problems) > 0 || as.Spec.Policy == nil {
		// What is not valid is not asked of the policy: one sentence is enough.
		return problems
	}
	return allowed(c, as, catalogue, namespaceLabels, rank)
}

func clientNames(c *v1alpha1.OAuthClient) []Problem {
	var problems []Problem
	if len(c.Name) > maxClientName {
		problems = append(problems, problem("metadata.name", v1alpha1.ReasonInvalid,
			"must have at most %d characters: it becomes a label value and a part of the client_id", maxClientName))
	}
	if !plainText(c.Spec.ClientName) {
		problems = append(problems, problem("spec.clientName", v1alpha1.ReasonInvalid, badText))
	}
	return problems
}

// clientGrants checks that grant types, response types and the way to
// authenticate go together.
func clientGrants(c *v1alpha1.OAuthClient) []Problem {
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	grants, method := c.EffectiveGrantTypes(), c.EffectiveAuthMethod()
	for i, g := range grants {
		switch g {
		case v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeClientCredentials, v1alpha1.GrantTypeTokenExchange,
			v1alpha1.GrantTypeDeviceCode:
		case v1alpha1.GrantTypeRefreshToken:
			// RFC 6749 §4.4.3: client credentials come without a refresh token.
			if !slices.Contains(grants, v1alpha1.GrantTypeAuthorizationCode) && !slices.Contains(grants, v1alpha1.GrantTypeDeviceCode) {
				add("spec.grantTypes", "refresh_token needs authorization_code or %s, which refresh tokens come from: add one, or remove refresh_token", v1alpha1.GrantTypeDeviceCode)
			}
		default:
			add(index("spec.grantTypes", i), "%s is not known: use authorization_code, refresh_token, client_credentials, %s or %s",
				quote(string(g)), v1alpha1.GrantTypeTokenExchange, v1alpha1.GrantTypeDeviceCode)
		}
	}
	switch method {
	case v1alpha1.AuthMethodClientSecretBasic, v1alpha1.AuthMethodClientSecretPost, v1alpha1.AuthMethodPrivateKeyJWT:
	case v1alpha1.AuthMethodNone:
		// RFC 6749 §4.4: "MUST only be used by confidential clients".
		if slices.Contains(grants, v1alpha1.GrantTypeClientCredentials) {
			add("spec.tokenEndpointAuthMethod", "a public client (none) cannot have the grant type client_credentials: use client_secret_basic, or remove client_credentials")
		}
		// Whoever exchanges a token acts by it, and has to be somebody.
		if slices.Contains(grants, v1alpha1.GrantTypeTokenExchange) {
			add("spec.tokenEndpointAuthMethod", "a public client (none) cannot have the grant type %s: use client_secret_basic, or remove that", v1alpha1.GrantTypeTokenExchange)
		}
	default:
		add("spec.tokenEndpointAuthMethod", "%s is not known: use client_secret_basic, client_secret_post, private_key_jwt or none", quote(string(method)))
	}
	for i, r := range c.Spec.ResponseTypes {
		switch {
		case r != v1alpha1.ResponseTypeCode:
			add(index("spec.responseTypes", i), "%s is not known: use code", quote(string(r)))
		case !slices.Contains(grants, v1alpha1.GrantTypeAuthorizationCode):
			// RFC 7591 §2.1.
			add("spec.responseTypes", "code goes with the grant type authorization_code: add that, or leave responseTypes out")
		}
	}
	return problems
}

// clientScopes checks that the scopes are in the catalogue.
func clientScopes(c *v1alpha1.OAuthClient, issuer string, catalogue []v1alpha1.Scope) []Problem {
	var problems []Problem
	for i, scope := range c.Spec.Scopes {
		known := func(s v1alpha1.Scope) bool { return s.Name == scope }
		if validScope(scope) && !slices.ContainsFunc(catalogue, known) {
			problems = append(problems, problem(index("spec.scopes", i), v1alpha1.ReasonInvalid,
				"AuthorizationServer %s has no scope %s: remove it, or have it added to the catalogue", quote(issuer), quote(scope)))
		}
	}
	return problems
}

// badScope is what is said of a scope that is none.
const badScope = `is no scope: use 1 to 128 printable ASCII characters other than space, quotation mark and backslash (RFC 6749 §3.3)`

// maxScope is the longest scope, in bytes.
const maxScope = 128

// validScope checks scope-token (RFC 6749 Appendix A.4: NQCHAR).
func validScope(scope string) bool {
	return scope != "" && len(scope) <= maxScope && only(scope, nqchar)
}

// nqchar is %x21 / %x23-5B / %x5D-7E.
func nqchar(c byte) bool { return c > ' ' && c < 0x7F && c != '"' && c != '\\' }
