package registration

import (
	"slices"

	"oauth-operator.dev/server/oauth"
)

// Exchange is a rule by which a client may exchange access tokens (RFC 8693).
type Exchange struct {
	// From are the resources that the old token is for.
	From []string

	// To are the resources that the new token can be for.
	To []string

	// Scope is what the new token may have if the old one has it, and Additional
	// what it may have in any case.
	Scope, Additional oauth.Scope
}

// Exchangeable returns the rules of the client for the exchange of a token that is
// for one of these resources for one that is for the target.
func (c *Client) Exchangeable(from []string, target string) []Exchange {
	var rules []Exchange
	for _, rule := range c.Exchanges {
		held := func(resource string) bool { return slices.Contains(rule.From, resource) }
		if slices.Contains(rule.To, target) && slices.ContainsFunc(from, held) {
			rules = append(rules, rule)
		}
	}
	return rules
}
