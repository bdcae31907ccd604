package validation

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// Rank returns how many of the clients count before c at the AuthorizationServer:
// those of the same namespace that are, or want to be, registered with it too
// and are older, or of the same age and first by name. Those that are being
// deleted do not count. All may hold c itself, and clients of other namespaces.
//
// It matters where MaxClients says so, and costs a look at every one of all.
func Rank(c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer,
	all []*v1alpha1.OAuthClient, servers []*v1alpha1.AuthorizationServer,
) int {
	rank := 0
	for _, other := range all {
		if other.Namespace != c.Namespace || other.Name == c.Name || other.DeletionTimestamp != nil || !earlier(other, c) {
			continue
		}
		if its, _ := ResolveAuthorizationServer(other, servers); its != nil && its.Name == as.Name {
			rank++
		}
	}
	return rank
}

// earlier orders clients by creation, and by name where that does not tell.
func earlier(a, b *v1alpha1.OAuthClient) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// SamePlace reports whether two versions of a client of one name count alike in
// the ranks of others.
func SamePlace(a, b *v1alpha1.OAuthClient) bool {
	return a.CreationTimestamp.Equal(&b.CreationTimestamp) &&
		(a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil) &&
		a.Status.AuthorizationServer == b.Status.AuthorizationServer &&
		serverRef(a) == serverRef(b)
}

func serverRef(c *v1alpha1.OAuthClient) string {
	if c.Spec.AuthorizationServerRef == nil {
		return ""
	}
	return c.Spec.AuthorizationServerRef.Name
}

// MaxClients returns how many clients a namespace with these labels may have
// with the AuthorizationServer, and whether there is such a bound. Only then the
// rank that Client is given matters.
func MaxClients(as *v1alpha1.AuthorizationServer, namespaceLabels map[string]string) (most int, bounded bool) {
	most, bounded, _ = maxClients(selecting(as, namespaceLabels))
	return most, bounded
}

// maxClients returns the bound of the rules: of several that of the most
// generous, and none if one of them has none.
func maxClients(rules []*v1alpha1.PolicyRule) (most int, bounded bool, names []string) {
	for _, r := range rules {
		if r.MaxClientsPerNamespace == nil {
			return 0, false, nil
		}
		most = max(most, int(*r.MaxClientsPerNamespace))
		names = append(names, r.Name)
	}
	return most, len(rules) > 0, names
}

// judgeRank refuses a client that comes after as many as the namespace may have.
func (j *judgement) judgeRank(c *v1alpha1.OAuthClient, rank int) {
	most, bounded, names := maxClients(j.rules)
	if !bounded || rank < most {
		return
	}
	p := problem("metadata.namespace", v1alpha1.ReasonNotAllowed,
		"AuthorizationServer %s allows the namespace %s at most %d clients, and as many are older than this one (maxClientsPerNamespace of rules: %s): delete one, or have a rule changed",
		quote(j.server), quote(c.Namespace), most, strings.Join(names, ", "))
	p.Rules = names
	j.problems = append(j.problems, p)
}

// clientLifetime is one of the lifetimes that a client can ask for.
type clientLifetime struct {
	field string
	of    func(*v1alpha1.ClientLifetimes) *metav1.Duration
	value func(*v1alpha1.EffectiveLifetimes) *time.Duration
	most  time.Duration // that the CRD allows anyone
}

// leastLifetime is the shortest lifetime that there is.
const leastLifetime = time.Second

var clientLifetimes = []clientLifetime{
	{
		"accessToken",
		func(l *v1alpha1.ClientLifetimes) *metav1.Duration { return l.AccessToken },
		func(e *v1alpha1.EffectiveLifetimes) *time.Duration { return &e.AccessToken },
		24 * time.Hour,
	},
	{
		"idToken",
		func(l *v1alpha1.ClientLifetimes) *metav1.Duration { return l.IDToken },
		func(e *v1alpha1.EffectiveLifetimes) *time.Duration { return &e.IDToken },
		24 * time.Hour,
	},
	{
		"refreshToken",
		func(l *v1alpha1.ClientLifetimes) *metav1.Duration { return l.RefreshToken },
		func(e *v1alpha1.EffectiveLifetimes) *time.Duration { return &e.Refresh },
		8760 * time.Hour,
	},
	{
		"refreshTokenIdle",
		func(l *v1alpha1.ClientLifetimes) *metav1.Duration { return l.RefreshTokenIdle },
		func(e *v1alpha1.EffectiveLifetimes) *time.Duration { return &e.RefreshIdle },
		8760 * time.Hour,
	},
}

// ClientLifetimes returns how long what the AuthorizationServer issues to the
// client is good: what the client asks for, or else what the AuthorizationServer
// says, and in both cases no longer than the policy allows clients from a
// namespace with these labels.
func ClientLifetimes(
	c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, namespaceLabels map[string]string,
) v1alpha1.EffectiveLifetimes {
	effective := as.Spec.Lifetimes.Effective()
	rules := selecting(as, namespaceLabels)
	for _, l := range clientLifetimes {
		value := l.value(&effective)
		if asked := l.of(&c.Spec.Lifetimes); asked != nil {
			*value = asked.Duration
		}
		if most, bounded, _ := maxLifetime(rules, l); bounded {
			*value = min(*value, most)
		}
	}
	effective.RefreshIdle = min(effective.RefreshIdle, effective.Refresh)
	return effective
}

// LongestLifetimes returns the lifetimes that no client of the AuthorizationServer
// can exceed, whatever it asks for and wherever it is: for those who have to keep
// something as long as anything that was issued is good.
func LongestLifetimes(as *v1alpha1.AuthorizationServer) v1alpha1.EffectiveLifetimes {
	longest := as.Spec.Lifetimes.Effective()
	var rules []*v1alpha1.PolicyRule
	if as.Spec.Policy != nil {
		for i := range as.Spec.Policy.Rules {
			rules = append(rules, &as.Spec.Policy.Rules[i])
		}
	}
	for _, l := range clientLifetimes {
		most, bounded, _ := maxLifetime(rules, l)
		if !bounded {
			most = l.most
		}
		*l.value(&longest) = most
	}
	longest.RefreshIdle = min(longest.RefreshIdle, longest.Refresh)
	return longest
}

// maxLifetime returns the bound of the rules on one lifetime: of several that
// of the most generous, and none if one of them has none.
func maxLifetime(rules []*v1alpha1.PolicyRule, l clientLifetime) (most time.Duration, bounded bool, names []string) {
	for _, r := range rules {
		d := l.of(&r.MaxLifetimes)
		if d == nil {
			return 0, false, nil
		}
		most = max(most, d.Duration)
		names = append(names, r.Name)
	}
	return most, len(rules) > 0, names
}

// judgeLifetimes refuses what a client asks for beyond what the rules allow.
func (j *judgement) judgeLifetimes(c *v1alpha1.OAuthClient) {
	for _, l := range clientLifetimes {
		asked := l.of(&c.Spec.Lifetimes)
		most, bounded, names := maxLifetime(j.rules, l)
		if asked == nil || !bounded || asked.Duration <= most {
			continue
		}
		p := problem("spec.lifetimes."+l.field, v1alpha1.ReasonNotAllowed,
			"%s is longer than the %s that AuthorizationServer %s allows in this namespace (maxLifetimes of rules: %s): ask for less, or have a rule changed",
			asked.Duration, most, quote(j.server), strings.Join(names, ", "))
		p.Rules = names
		j.problems = append(j.problems, p)
	}
}

// boundLifetimes checks lifetimes against the bounds of the CRD.
func boundLifetimes(at string, lifetimes *v1alpha1.ClientLifetimes) []Problem {
	var problems []Problem
	for _, l := range clientLifetimes {
		if d := l.of(lifetimes); d != nil {
			problems = append(problems, lifetime(at+"."+l.field, d.Duration, leastLifetime, l.most)...)
		}
	}
	return problems
}

// lifetime checks one duration against its bounds.
func lifetime(field string, d, least, most time.Duration) []Problem {
	if d >= least && d <= most && d%time.Second == 0 {
		return nil
	}
	return []Problem{problem(field, v1alpha1.ReasonInvalid,
		"%s is out of bounds: use whole seconds, from %s to %s", d, least, most)}
}
