package resourceowner

import "oauth-operator.dev/server/oauth"

// Claims returns the claims about the person that the scope asks for
// (OpenID Connect Core §5.4; groups is our own). The claim sub is always there.
func (p *Person) Claims(scope oauth.Scope) map[string]any {
	claims := map[string]any{"sub": p.Subject}
	set := func(name, value string) {
		if value != "" {
			claims[name] = value
		}
	}
	if scope.Has(oauth.ScopeProfile) {
		set("name", p.Name)
		set("preferred_username", p.Username)
	}
	if scope.Has(oauth.ScopeEmail) && p.Email != "" {
		claims["email"] = p.Email
		claims["email_verified"] = true
	}
	if scope.Has(oauth.ScopeGroups) && len(p.Groups) > 0 {
		claims["groups"] = p.Groups
	}
	return claims
}
