// Package permissions works out what roles and bindings let a service account
// do, and what of it was needed for what the account has done. The tests of
// least privilege stand on it.
package permissions

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Grant is one thing that a role lets an account do.
type Grant struct {
	// Role is the name of the role.
	Role string

	// Namespace is where it counts: everywhere if it is empty.
	Namespace string

	Verb, Group string

	// Resource has its subresource after a slash.
	Resource string

	// Name is of the only object that it is for, if it is for one.
	Name string

	// URL is what it is for, if it is for no resource.
	URL string
}

// String says it in words.
func (g Grant) String() string {
	what := g.Resource
	if g.Group != "" {
		what += "." + g.Group
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %s %s %s in %s", g.Role, g.Verb, cmp.Or(g.URL, what), g.Name, cmp.Or(g.Namespace, "all namespaces")))
}

// Request is something that an account has done.
type Request struct {
	Verb, Group, Resource, Namespace, Name string
}

// Allows reports whether the grant allows the request.
func (g Grant) Allows(r Request) bool {
	is := func(granted, asked string) bool { return granted == "*" || granted == asked }
	return g.URL == "" && is(g.Verb, r.Verb) && is(g.Group, r.Group) && is(g.Resource, r.Resource) &&
		(g.Namespace == "" || g.Namespace == r.Namespace) && (g.Name == "" || g.Name == r.Name)
}

// Granted returns what the objects let a service account do. It is an error if
// the account is bound to a role that is not among them: what that allows is not
// known here.
func Granted(objects []*unstructured.Unstructured, namespace, account string) ([]Grant, error) {
	roles := map[string][]rbacv1.PolicyRule{} // by kind, namespace and name
	key := func(kind, namespace, name string) string { return kind + "/" + namespace + "/" + name }
	for _, o := range objects {
		if o.GetKind() != "Role" && o.GetKind() != "ClusterRole" {
			continue
		}
		var role rbacv1.ClusterRole
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
			return nil, err
		}
		if role.AggregationRule != nil {
			return nil, fmt.Errorf("%s %s is aggregated: what it allows is not known here", o.GetKind(), o.GetName())
		}
		roles[key(o.GetKind(), o.GetNamespace(), o.GetName())] = role.Rules
	}
	var grants []Grant
	for _, o := range objects {
		if o.GetKind() != "RoleBinding" && o.GetKind() != "ClusterRoleBinding" {
			continue
		}
		var binding rbacv1.RoleBinding
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &binding); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(binding.Subjects, func(s rbacv1.Subject) bool { return isAccount(s, o.GetNamespace(), namespace, account) }) {
			continue
		}
		in := ""
		if binding.RoleRef.Kind == "Role" {
			in = o.GetNamespace()
		}
		rules, known := roles[key(binding.RoleRef.Kind, in, binding.RoleRef.Name)]
		if !known {
			return nil, fmt.Errorf("%s %s binds %s %s, which is not there", o.GetKind(), o.GetName(), binding.RoleRef.Kind, binding.RoleRef.Name)
		}
		for _, rule := range rules {
			grants = append(grants, expand(binding.RoleRef.Name, o.GetNamespace(), rule)...)
		}
	}
	return grants, nil
}

// isAccount reports whether the subject of a binding is the account, by its name
// or as one of a group.
func isAccount(s rbacv1.Subject, bindingNamespace, namespace, account string) bool {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		return s.Name == account && cmp.Or(s.Namespace, bindingNamespace) == namespace
	case rbacv1.UserKind:
		return s.Name == "system:serviceaccount:"+namespace+":"+account
	default:
		return slices.Contains([]string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}, s.Name)
	}
}

func expand(role, namespace string, rule rbacv1.PolicyRule) []Grant {
	var grants []Grant
	for _, verb := range rule.Verbs {
		for _, url := range rule.NonResourceURLs {
			grants = append(grants, Grant{Role: role, Namespace: namespace, Verb: verb, URL: url})
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				g := Grant{Role: role, Namespace: namespace, Verb: verb, Group: group, Resource: resource}
				if len(rule.ResourceNames) == 0 {
					grants = append(grants, g)
				}
				for _, g.Name = range rule.ResourceNames {
					grants = append(grants, g)
				}
			}
		}
	}
	return grants
}

// Unused returns what of the grants none of the requests needed. A request needs
// the narrowest grant that allows it; a role that is bound in several namespaces
// is of use if it is in one.
func Unused(grants []Grant, requests []Request) []Grant {
	anywhere := func(g Grant) Grant {
		g.Namespace = ""
		return g
	}
	used := map[Grant]bool{}
	for _, request := range requests {
		var allowed []Grant
		for _, g := range grants {
			if g.Allows(request) {
				allowed = append(allowed, g)
			}
		}
		if len(allowed) > 0 {
			used[anywhere(slices.MaxFunc(allowed, narrower))] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool { return used[anywhere(g)] })
}

func narrower(a, b Grant) int {
	return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(len(a.Namespace), len(b.Namespace)))
}
