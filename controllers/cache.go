package controllers

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// CacheOptions are what the manager's cache holds: of Secrets only those that
// the controller has made, and of each object only what is read, in the
// namespaces of the options.
func CacheOptions(o Options) cache.Options {
	secrets := cache.ByObject{
		Namespaces: o.watched(),
		Label:      labels.SelectorFromSet(labels.Set{v1alpha1.LabelManaged: "true"}),
		Transform:  trimMetadata,
	}
	if secrets.Namespaces != nil {
		// The operator's own keys are there, whichever namespaces have clients.
		secrets.Namespaces[o.OperatorNamespace] = cache.Config{}
	}
	return cache.Options{
		DefaultNamespaces: o.watched(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}:                secrets,
			&corev1.Namespace{}:             {Transform: trimMetadata},
			&v1alpha1.OAuthClient{}:         {Transform: trimMetadata},
			&v1alpha1.AuthorizationServer{}: {Transform: trimMetadata},
			&v1alpha1.OAuthUser{}:           {Transform: trimMetadata},
			&v1alpha1.OAuthGrant{}:          {Transform: trimGrant},
		},
	}
}

// watched are the namespaces whose namespaced objects a cache holds: nil for all.
func (o Options) watched() map[string]cache.Config {
	if len(o.Namespaces) == 0 {
		return nil
	}
	watched := make(map[string]cache.Config, len(o.Namespaces))
	for _, namespace := range o.Namespaces {
		watched[namespace] = cache.Config{}
	}
	return watched
}

// helmRelease is the type of the Secrets in which Helm keeps releases: large,
// many, and of no interest here.
const helmRelease = "helm.sh/release.v1"

// operatorCacheOptions are what the cache of the operator's own namespace holds:
// the Secrets that the controller has not made.
func operatorCacheOptions(namespace string) map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{
		&corev1.Secret{}: {
			Namespaces: map[string]cache.Config{namespace: {}},
			Label:      unmanaged(),
			Field:      fields.OneTermNotEqualSelector("type", helmRelease),
			Transform:  trimMetadata,
		},
	}
}

// unmanaged selects the Secrets that the controller has not made.
func unmanaged() labels.Selector {
	selector := labels.Everything()
	if r, err := labels.NewRequirement(v1alpha1.LabelManaged, selection.NotEquals, []string{"true"}); err == nil {
		selector = selector.Add(*r)
	}
	return selector
}

// trimMetadata drops what is large and never read.
func trimMetadata(in any) (any, error) {
	if o, ok := in.(metav1.Object); ok {
		o.SetManagedFields(nil)
		if a := o.GetAnnotations(); a[corev1.LastAppliedConfigAnnotation] != "" {
			delete(a, corev1.LastAppliedConfigAnnotation)
			o.SetAnnotations(a)
		}
	}
	return in, nil
}

// trimGrant keeps what says when a grant ends. There may be a hundred thousand
// of them.
func trimGrant(in any) (any, error) {
	g, ok := in.(*v1alpha1.OAuthGrant)
	if !ok {
		return in, nil
	}
	return &v1alpha1.OAuthGrant{
		TypeMeta: g.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         g.Namespace,
			Name:              g.Name,
			UID:               g.UID,
			ResourceVersion:   g.ResourceVersion,
			DeletionTimestamp: g.DeletionTimestamp,
		},
		Spec:   v1alpha1.OAuthGrantSpec{CreatedAt: g.Spec.CreatedAt, EndsAt: g.Spec.EndsAt},
		Status: v1alpha1.OAuthGrantStatus{ExpiresAt: g.Status.ExpiresAt},
	}, nil
}
