package controllers

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// sourceScheme knows the kinds that have hosts.
var sourceScheme = func() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(networkingv1.AddToScheme(scheme))
	utilruntime.Must(gatewayv1.Install(scheme))
	return scheme
}()

// sourceKinds are the kinds that have hosts.
var sourceKinds = map[v1alpha1.RedirectURISourceKind]struct {
	gvk    schema.GroupVersionKind
	object func() client.Object
}{
	v1alpha1.RedirectURISourceIngress: {
		networkingv1.SchemeGroupVersion.WithKind("Ingress"), func() client.Object { return &networkingv1.Ingress{} },
	},
	v1alpha1.RedirectURISourceHTTPRoute: {
		schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: gatewayv1.GroupVersion.Version, Kind: "HTTPRoute"},
		func() client.Object { return &gatewayv1.HTTPRoute{} },
	},
}

// hostsOf returns the hosts of a source, as they stand there.
func hostsOf(source any) []string {
	var hosts []string
	switch s := source.(type) {
	case *networkingv1.Ingress:
		for i := range s.Spec.Rules {
			hosts = append(hosts, s.Spec.Rules[i].Host)
		}
	case *gatewayv1.HTTPRoute:
		for _, host := range s.Spec.Hostnames {
			hosts = append(hosts, string(host))
		}
	}
	return hosts
}

// trimSource keeps the hosts.
func trimSource(in any) (any, error) {
	identity := func(o metav1.Object) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion()}
	}
	switch s := in.(type) {
	case *networkingv1.Ingress:
		trimmed := &networkingv1.Ingress{TypeMeta: s.TypeMeta, ObjectMeta: identity(s)}
		for _, host := range distinct(hostsOf(s)) {
			trimmed.Spec.Rules = append(trimmed.Spec.Rules, networkingv1.IngressRule{Host: host})
		}
		return trimmed, nil
	case *gatewayv1.HTTPRoute:
		return &gatewayv1.HTTPRoute{
			TypeMeta: s.TypeMeta, ObjectMeta: identity(s), Spec: gatewayv1.HTTPRouteSpec{Hostnames: s.Spec.Hostnames},
		}, nil
	}
	return in, nil
}

// sameHosts reports whether two versions of a source have the same hosts.
func sameHosts(a, b any) bool { return slices.Equal(hostsOf(a), hostsOf(b)) }
