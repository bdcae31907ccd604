package resourceowner

import (
	"slices"

	"oauth-operator.dev/server/oauth"
)

// known are the claims about a person, each with the scope that asks for it
// (OpenID Connect Core §5.4; groups is our own).
var known = []struct {
	name  string
	scope string
	value func(*Person) any // nil for none
}{
	{"name", oauth.ScopeProfile, func(p *Person) any { return text(p.Name) }},
	{"preferred_username", oauth.ScopeProfile, func(p *Person) any { return text(p.Username) }},
	{"email", oauth.ScopeEmail, func(p *Person) any { return text(p.Email) }},
	{"email_verified", oauth.ScopeEmail, func(p *Person) any {
		if p.Email == "" {
			return nil
		}
		return true
	}},
	{"groups", oauth.ScopeGroups, func(p *Person) any {
		if len(p.Groups) == 0 {
			return nil
		}
		return p.Groups
	}},
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ScopeOfClaim returns the scope that asks for a claim about a person, or "" for
// a claim that nobody here can make.
func ScopeOfClaim(name string) string {
	for _, c := range known {
		if c.name == name {
			return c.scope
		}
	}
	return ""
}

// Claims returns the claims about the person that the scope asks for, and those
// that are asked for by name (OpenID Connect Core §5.4, §5.5). The claim sub is
// always there.
func (p *Person) Claims(scope oauth.Scope, names ...string) map[string]any {
	claims := map[string]any{"sub": p.Subject}
	for _, c := range known {
		if !scope.Has(c.scope) && !slices.Contains(names, c.name) {
			continue
		}
		if value := c.value(p); value != nil {
			claims[c.name] = value
		}
	}
	return claims
}

// Within returns those of the named claims whose scope is in that one: what a
// client may ask for by scope it may ask for by name, and nothing else.
func Within(names []string, scope oauth.Scope) []string {
	var allowed []string
	for _, name := range names {
		if s := ScopeOfClaim(name); s != "" && scope.Has(s) {
			allowed = append(allowed, name)
		}
	}
	return allowed
}
