package validation

import (
	"slices"

	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"oauth-operator.dev/api/v1alpha1"
)

// personal are the scopes that only the person gives a client.
var personal = []string{"openid", "profile", "email", "groups", "offline_access"}

// Exchanges returns the rules by which the client may exchange access tokens
// (RFC 8693): those that name it, or select its namespace, which has these labels.
// None for a client without the grant type. They share memory with the
// AuthorizationServer, which must not be changed as long as they are in use.
func Exchanges(
	c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, namespaceLabels map[string]string,
) []*v1alpha1.TokenExchangeRule {
	if as.Spec.TokenExchange == nil || !slices.Contains(c.EffectiveGrantTypes(), v1alpha1.GrantTypeTokenExchange) {
		return nil
	}
	self := v1alpha1.OAuthClientReference{Namespace: c.Namespace, Name: c.Name}
	var rules []*v1alpha1.TokenExchangeRule
	for i := range as.Spec.TokenExchange.Rules {
		rule := &as.Spec.TokenExchange.Rules[i]
		selector := rule.Clients.NamespaceSelector
		if slices.Contains(rule.Clients.Refs, self) || selector != nil && selects(selector, namespaceLabels) {
			rules = append(rules, rule)
		}
	}
	return rules
}

// tokenExchange returns what is wrong with the rules of token exchange.
func tokenExchange(as *v1alpha1.AuthorizationServer) []Problem {
	if as.Spec.TokenExchange == nil {
		return nil
	}
	var problems []Problem
	seen := make(map[string]bool, len(as.Spec.TokenExchange.Rules))
	for i := range as.Spec.TokenExchange.Rules {
		rule, at := &as.Spec.TokenExchange.Rules[i], index("spec.tokenExchange.rules", i)
		add := func(field, format string, args ...any) {
			problems = append(problems, problem(at+field, v1alpha1.ReasonInvalid, format, args...))
		}
		switch {
		case len(validation.IsDNS1123Label(rule.Name)) > 0:
			add(".name", "%s %s", quote(rule.Name), badRuleName)
		case seen[rule.Name]:
			add(".name", "%s is the name of another rule already: messages tell rules apart by their names", quote(rule.Name))
		}
		seen[rule.Name] = true
		problems = append(problems, exchangeClients(at+".clients", &rule.Clients)...)
		exchangeResources(as, rule, add)
		exchangeScopes(as, rule, add)
	}
	return problems
}

func exchangeClients(at string, c *v1alpha1.TokenExchangeClients) []Problem {
	var problems []Problem
	if c.NamespaceSelector == nil && len(c.Refs) == 0 {
		problems = append(problems, problem(at, v1alpha1.ReasonInvalid,
			"needs namespaceSelector or refs: without them the rule is for nobody"))
	}
	if c.NamespaceSelector != nil {
		for _, err := range metav1validation.ValidateLabelSelector(c.NamespaceSelector,
			metav1validation.LabelSelectorValidationOptions{}, field.NewPath(at+".namespaceSelector")) {
			problems = append(problems, problem(err.Field, v1alpha1.ReasonInvalid, "%s", err.ErrorBody()))
		}
	}
	for k, ref := range c.Refs {
		if len(validation.IsDNS1123Label(ref.Namespace)) > 0 || len(validation.IsDNS1123Subdomain(ref.Name)) > 0 {
			problems = append(problems, problem(index(at+".refs", k), v1alpha1.ReasonInvalid,
				"%s names no OAuthClient: use its namespace and its name", quote(ref.Namespace+"/"+ref.Name)))
		}
	}
	return problems
}

// exchangeResources checks that there are the resources of a rule.
func exchangeResources(as *v1alpha1.AuthorizationServer, rule *v1alpha1.TokenExchangeRule, add func(field, format string, args ...any)) {
	known := func(resource string) bool {
		return slices.ContainsFunc(as.Spec.Resources, func(r v1alpha1.Resource) bool { return r.Identifier == resource })
	}
	if len(rule.From) == 0 {
		add(".from", "is empty: list the resources whose tokens can be exchanged")
	}
	for k, resource := range rule.From {
		if resource != as.Spec.Issuer && !known(resource) {
			add(index(".from", k), "there is no resource %s: remove it, or add it to spec.resources", quote(resource))
		}
	}
	if len(rule.To) == 0 {
		add(".to", "is empty: list the resources that tokens can be exchanged for")
	}
	for k, resource := range rule.To {
		switch {
		case resource == as.Spec.Issuer:
			add(index(".to", k), "is the issuer, which no token can be exchanged for: remove it")
		case !known(resource):
			add(index(".to", k), "there is no resource %s: remove it, or add it to spec.resources", quote(resource))
		}
	}
}

// exchangeScopes checks that there are the scopes of a rule, and that none is
// given that is for the person to give.
func exchangeScopes(as *v1alpha1.AuthorizationServer, rule *v1alpha1.TokenExchangeRule, add func(field, format string, args ...any)) {
	catalogue := as.Catalogue()
	for _, list := range []struct {
		name   string
		scopes []string
	}{{".scopes", rule.Scopes}, {".additionalScopes", rule.AdditionalScopes}} {
		for k, scope := range list.scopes {
			if !slices.ContainsFunc(catalogue, func(s v1alpha1.Scope) bool { return s.Name == scope }) {
				add(index(list.name, k), "the catalogue has no scope %s: remove it, or add it to spec.scopes", quote(scope))
			}
		}
	}
	for _, scope := range rule.AdditionalScopes {
		if slices.Contains(personal, scope) {
			add(".additionalScopes", "%s is for the person to give: remove it", quote(scope))
		}
	}
}
