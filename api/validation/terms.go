package validation

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// Terms are what the policy of an AuthorizationServer says to the clients of one
// namespace: the rules that select it. As long as they stay the same, nothing
// about the policy or the labels is reason to judge those clients again.
type Terms struct {
	open  bool // there is no policy
	rules []*v1alpha1.PolicyRule
}

// TermsOf returns the terms of an AuthorizationServer for the clients of a
// namespace with these labels. They share memory with the AuthorizationServer,
// which must not be changed as long as they are in use.
func TermsOf(as *v1alpha1.AuthorizationServer, namespaceLabels map[string]string) Terms {
	return Terms{open: as.Spec.Policy == nil, rules: selecting(as, namespaceLabels)}
}

// Equal reports whether clients are told the same, in the same words.
func (t Terms) Equal(other Terms) bool {
	return t.open == other.open && slices.EqualFunc(t.rules, other.rules, sameRule)
}

// sameRule compares what the rules say, and not whom they select.
func sameRule(a, b *v1alpha1.PolicyRule) bool {
	if a == b {
		return true
	}
	x, y := *a, *b
	x.NamespaceSelector, y.NamespaceSelector = metav1.LabelSelector{}, metav1.LabelSelector{}
	return equality.Semantic.DeepEqual(x, y)
}

// Touched reports whether the clients of a namespace with these labels have to be
// judged again when an AuthorizationServer changes from before to after.
func Touched(before, after *v1alpha1.AuthorizationServer, namespaceLabels map[string]string) bool {
	return TouchesAll(before, after) || !TermsOf(before, namespaceLabels).Equal(TermsOf(after, namespaceLabels))
}

// TouchesAll reports whether every client of an AuthorizationServer has to be
// looked at again when it changes from before to after, wherever the client is:
// its issuer is another, or the scopes that there are, or which of them are the
// default, or the resources that there are, or whether it can be served at all.
func TouchesAll(before, after *v1alpha1.AuthorizationServer) bool {
	sameScope := func(a, b v1alpha1.Scope) bool { return a.Name == b.Name && a.Default == b.Default }
	sameResource := func(a, b v1alpha1.Resource) bool { return a.Identifier == b.Identifier }
	return before.UID != after.UID ||
		before.Spec.Issuer != after.Spec.Issuer ||
		!slices.EqualFunc(before.Catalogue(), after.Catalogue(), sameScope) ||
		!slices.EqualFunc(before.Spec.Resources, after.Spec.Resources, sameResource) ||
		(len(AuthorizationServer(before)) == 0) != (len(AuthorizationServer(after)) == 0)
}
