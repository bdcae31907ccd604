package registration

import (
	"oauth-operator.dev/api/v1alpha1"
)

// compileExchanges compiles the rules by which a client may exchange tokens.
func compileExchanges(rules []*v1alpha1.TokenExchangeRule) []Exchange {
	var compiled []Exchange
	for _, rule := range rules {
		compiled = append(compiled, Exchange{
			From: rule.From, To: rule.To, Scope: rule.Scopes, Additional: rule.AdditionalScopes,
		})
	}
	return compiled
}
