package embedded

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// kind is a kind of object that can be kept.
type kind struct {
	schema.GroupVersionKind

	resource   string
	namespaced bool

	// status says that there is a status subresource: other writes leave the
	// status as it is, and this one leaves all else.
	status bool

	// forgotten says that objects are accepted and not kept.
	forgotten bool
}

// httpRoute is the kind that redirect URIs can be taken from beside Ingress.
var httpRoute = schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: "v1", Kind: "HTTPRoute"}

var kinds = []kind{
	{GroupVersionKind: v1alpha1.GroupVersion.WithKind("AuthorizationServer"), resource: "authorizationservers", status: true},
	{GroupVersionKind: v1alpha1.GroupVersion.WithKind("OAuthClient"), resource: "oauthclients", namespaced: true, status: true},
	{GroupVersionKind: v1alpha1.GroupVersion.WithKind("OAuthUser"), resource: "oauthusers", status: true},
	{GroupVersionKind: v1alpha1.GroupVersion.WithKind("OAuthGrant"), resource: "oauthgrants", namespaced: true, status: true},
	{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Namespace"), resource: "namespaces"},
	{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Secret"), resource: "secrets", namespaced: true},
	{GroupVersionKind: networkingv1.SchemeGroupVersion.WithKind("Ingress"), resource: "ingresses", namespaced: true},
	{GroupVersionKind: httpRoute, resource: "httproutes", namespaced: true},
	{GroupVersionKind: coordinationv1.SchemeGroupVersion.WithKind("Lease"), resource: "leases", namespaced: true},
	{GroupVersionKind: eventsv1.SchemeGroupVersion.WithKind("Event"), resource: "events", namespaced: true, forgotten: true},
}

func kindOf(gvk schema.GroupVersionKind) *kind {
	for i := range kinds {
		if kinds[i].GroupVersionKind == gvk {
			return &kinds[i]
		}
	}
	return nil
}

func kindOfResource(group, version, resource string) *kind {
	for i := range kinds {
		if k := &kinds[i]; k.Group == group && k.Version == version && k.resource == resource {
			return k
		}
	}
	return nil
}

// mapper knows the kinds that there are.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	for _, k := range kinds {
		scope := meta.RESTScopeRoot
		if k.namespaced {
			scope = meta.RESTScopeNamespace
		}
		plural := k.GroupVersion().WithResource(k.resource)
		m.AddSpecific(k.GroupVersionKind, plural, plural, scope)
	}
	return m
}
