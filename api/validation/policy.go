package validation

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"oauth-operator.dev/api/v1alpha1"
)

// allowed returns what the policy does not allow the client. Rules add up: each
// thing that is asked for has to be allowed by one of the rules that select the
// namespace, and not all by the same.
func allowed(
	c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, catalogue []v1alpha1.Scope,
	namespaceLabels map[string]string, rank int,
) []Problem {
	rules := selecting(as, namespaceLabels)
	if len(rules) == 0 {
		return []Problem{problem("metadata.namespace", v1alpha1.ReasonNotAllowed,
			"no policy rule of AuthorizationServer %s selects the namespace %s: have a rule added, or label the namespace",
			quote(as.Name), quote(c.Namespace))}
	}
	j := judgement{rules: rules, server: as.Name}
	for i, grant := range c.EffectiveGrantTypes() {
		j.judge(position("spec.grantTypes", i, len(c.Spec.GrantTypes)), "grant type", string(grant),
			func(r *v1alpha1.PolicyRule) bool { return permits(r.GrantTypes, grant) })
	}
	method := c.EffectiveAuthMethod()
	j.judge("spec.tokenEndpointAuthMethod", "authentication method", string(method),
		func(r *v1alpha1.PolicyRule) bool { return permits(r.TokenEndpointAuthMethods, method) })
	for i, scope := range c.EffectiveScopes(catalogue) {
		j.judge(position("spec.scopes", i, len(c.Spec.Scopes)), "scope", scope,
			func(r *v1alpha1.PolicyRule) bool { return permits(r.Scopes, scope) })
	}
	for i, resource := range c.Spec.Resources {
		j.judge(index("spec.resources", i), "resource", resource,
			func(r *v1alpha1.PolicyRule) bool { return permits(r.Resources, resource) })
	}
	for i, uri := range c.AllRedirectURIs() {
		host, at := redirectHost(uri), index("spec.redirectURIs", i)
		if i >= len(c.Spec.RedirectURIs) {
			at = "spec.redirectURIsFrom"
		}
		j.judge(at, "redirect host", host,
			func(r *v1alpha1.PolicyRule) bool { return permitsHost(r.RedirectHosts, host) })
	}
	if uri := c.Spec.SectorIdentifierURI; uri != "" {
		// Its host takes the place of those of the redirect URIs (OpenID Connect Core §8.1).
		host := redirectHost(uri)
		j.judge("spec.sectorIdentifierURI", "redirect host", host,
			func(r *v1alpha1.PolicyRule) bool { return permitsHost(r.RedirectHosts, host) })
	}
	j.judgeLifetimes(c)
	j.judgeRank(c, rank)
	return j.problems
}

// selecting returns the rules that select a namespace with these labels.
func selecting(as *v1alpha1.AuthorizationServer, namespaceLabels map[string]string) []*v1alpha1.PolicyRule {
	if as.Spec.Policy == nil {
		return nil
	}
	rules := make([]*v1alpha1.PolicyRule, 0, len(as.Spec.Policy.Rules))
	for i := range as.Spec.Policy.Rules {
		if rule := &as.Spec.Policy.Rules[i]; selects(&rule.NamespaceSelector, namespaceLabels) {
			rules = append(rules, rule)
		}
	}
	return rules
}

// judgement gathers what none of the rules allows.
type judgement struct {
	rules    []*v1alpha1.PolicyRule
	server   string
	problems []Problem
}

func (j *judgement) judge(field, what, value string, permits func(*v1alpha1.PolicyRule) bool) {
	if slices.ContainsFunc(j.rules, permits) {
		return
	}
	names := make([]string, len(j.rules))
	for i, r := range j.rules {
		names[i] = r.Name
	}
	p := problem(field, v1alpha1.ReasonNotAllowed,
		"the %s %s is not allowed in this namespace by AuthorizationServer %s (rules: %s): ask for another, or have a rule changed",
		what, quote(value), quote(j.server), strings.Join(names, ", "))
	p.Rules = names
	j.problems = append(j.problems, p)
}

// position returns the path of an element, or of the list where the element
// stands there by default.
func position(field string, i, listed int) string {
	if listed == 0 {
		return field
	}
	return index(field, i)
}

// permits reports whether a list of a rule has the item. A list that is left
// out does not restrict.
func permits[T comparable](list []T, item T) bool {
	return list == nil || slices.Contains(list, item)
}

func permitsHost(list []string, host string) bool {
	return list == nil || slices.ContainsFunc(list, func(pattern string) bool { return hostMatches(pattern, host) })
}

// hostMatches compares without regard to case (RFC 3986 §3.2.2). A pattern
// that begins with "*." stands for exactly one label in the place of the star.
func hostMatches(pattern, host string) bool {
	domain, wildcard := strings.CutPrefix(pattern, "*")
	if !wildcard {
		return strings.EqualFold(pattern, host)
	}
	dot := strings.IndexByte(host, '.')
	return dot > 0 && strings.EqualFold(domain, host[dot:])
}

// redirectHost returns what a redirect URI that RedirectURI accepts is called in
// redirectHosts: its host without port, or of a private-use scheme the scheme
// and the colon.
func redirectHost(uri string) string {
	scheme, after, _ := strings.Cut(uri, ":")
	if scheme != "https" && scheme != "http" {
		return scheme + ":"
	}
	authority := strings.TrimPrefix(after, "//")
	if end := strings.IndexAny(authority, "/?"); end >= 0 {
		authority = authority[:end]
	}
	host, _ := hostOf(authority)
	return host
}

// selects reports whether the selector selects a namespace with these labels,
// as metav1.LabelSelectorAsSelector would, but without building anything: it
// is asked at request time. A selector that is not valid selects nothing. Of
// labels that are not known (nil) nothing is concluded, not even that one of them
// is not there.
func selects(selector *metav1.LabelSelector, labels map[string]string) bool {
	for key, want := range selector.MatchLabels {
		if value, ok := labels[key]; !ok || value != want {
			return false
		}
	}
	for i := range selector.MatchExpressions {
		if !meets(&selector.MatchExpressions[i], labels) {
			return false
		}
	}
	return true
}

func meets(e *metav1.LabelSelectorRequirement, labels map[string]string) bool {
	if labels == nil {
		return false
	}
	value, ok := labels[e.Key]
	switch e.Operator {
	case metav1.LabelSelectorOpIn:
		return ok && slices.Contains(e.Values, value)
	case metav1.LabelSelectorOpNotIn:
		return len(e.Values) > 0 && (!ok || !slices.Contains(e.Values, value))
	case metav1.LabelSelectorOpExists:
		return ok && len(e.Values) == 0
	case metav1.LabelSelectorOpDoesNotExist:
		return !ok && len(e.Values) == 0
	default:
		return false
	}
}

// policy returns what is wrong with the rules themselves.
func policy(p *v1alpha1.Policy) []Problem {
	if p == nil {
		return nil
	}
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	seen := make(map[string]bool, len(p.Rules))
	for i, rule := range p.Rules {
		at := index("spec.policy.rules", i)
		switch {
		case len(validation.IsDNS1123Label(rule.Name)) > 0:
			add(at+".name", "%s %s", quote(rule.Name), badRuleName)
		case seen[rule.Name]:
			add(at+".name", "%s is the name of another rule already: messages tell rules apart by their names", quote(rule.Name))
		}
		seen[rule.Name] = true
		for _, err := range metav1validation.ValidateLabelSelector(&rule.NamespaceSelector,
			metav1validation.LabelSelectorValidationOptions{}, field.NewPath(at+".namespaceSelector")) {
			add(err.Field, "%s", err.ErrorBody())
		}
		for _, list := range emptyLists(&rule) {
			add(at+"."+list, "is empty, which would allow nothing: leave it out to allow everything, or list what is allowed")
		}
		for k, scope := range rule.Scopes {
			if !validScope(scope) {
				add(index(at+".scopes", k), "%s %s", quote(scope), badScope)
			}
		}
		for k, resource := range rule.Resources {
			if !validResource(resource) {
				add(index(at+".resources", k), "%s %s", quote(resource), badResource)
			}
		}
		for k, host := range rule.RedirectHosts {
			if !validHostPattern(host) {
				add(index(at+".redirectHosts", k), "%s %s", quote(host), badHostPattern)
			}
		}
		problems = append(problems, boundLifetimes(at+".maxLifetimes", &rule.MaxLifetimes)...)
		if most := rule.MaxClientsPerNamespace; most != nil && *most < 0 {
			add(at+".maxClientsPerNamespace", "%d is no number of clients: use 0 or more, or leave it out for no bound", *most)
		}
	}
	return problems
}

// emptyLists returns the names of the rule's lists that are there without
// anything in them. They would get lost when the object is written again by
// software that knows its type, and then not restrict any more.
func emptyLists(r *v1alpha1.PolicyRule) []string {
	var names []string
	for _, list := range []struct {
		name  string
		empty bool
	}{
		{"scopes", r.Scopes != nil && len(r.Scopes) == 0},
		{"grantTypes", r.GrantTypes != nil && len(r.GrantTypes) == 0},
		{"tokenEndpointAuthMethods", r.TokenEndpointAuthMethods != nil && len(r.TokenEndpointAuthMethods) == 0},
		{"resources", r.Resources != nil && len(r.Resources) == 0},
		{"redirectHosts", r.RedirectHosts != nil && len(r.RedirectHosts) == 0},
	} {
		if list.empty {
			names = append(names, list.name)
		}
	}
	return names
}

const (
	badRuleName    = "cannot name a rule: use lower-case letters, digits and -, with a letter or digit at both ends"
	badHostPattern = `is no redirect host: use a host name without port, or "*." and a domain, or an IP address (IPv6 in brackets), or a private-use scheme with its colon, such as com.example.app:`
)

// maxHostPattern is the longest entry of redirectHosts, in bytes.
const maxHostPattern = 253

// validHostPattern reports whether the entry of redirectHosts can ever match.
func validHostPattern(pattern string) bool {
	if len(pattern) > maxHostPattern {
		return false
	}
	if scheme, ok := strings.CutSuffix(pattern, ":"); ok && privateUse(scheme) {
		return true
	}
	if domain, ok := strings.CutPrefix(pattern, "*."); ok {
		return validHostname(domain)
	}
	return validHost(pattern)
}

// String keeps a problem short where it is printed.
func (p Problem) String() string { return fmt.Sprintf("%s (%s)", p.Message, p.Reason) }
