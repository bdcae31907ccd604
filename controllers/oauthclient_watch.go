package controllers

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// setup says what an OAuthClient depends on.
func (r *oauthClientReconciler) setup(mgr manager.Manager) error {
	return builder.ControllerManagedBy(mgr).
		For(&v1alpha1.OAuthClient{}, builder.WithPredicates(predicate.NewPredicateFuncs(nothing))). // in favour of:
		Watches(&v1alpha1.OAuthClient{}, r.onClient()).
		Owns(&corev1.Secret{}).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.clientsOfSecret),
			builder.WithPredicates(predicate.Funcs{CreateFunc: appeared})).
		WatchesRawSource(source.Func(r.references.watch)).
		WatchesRawSource(source.Func(r.sources.watch)).
		Watches(&v1alpha1.AuthorizationServer{}, r.onServer()).
		WatchesMetadata(&corev1.Namespace{}, r.onNamespace()).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.allClients),
			builder.WithPredicates(r.isVerifierSecret(), predicate.Funcs{CreateFunc: appeared, UpdateFunc: dataChanged})).
		WithOptions(r.options).
		Complete(r.watched("oauthclient", r))
}

// clientChanged leaves out the echo of our own status. That somebody else has
// changed the status is reason to look.
func (r *oauthClientReconciler) clientChanged(e event.UpdateEvent) bool {
	before, after := e.ObjectOld.(*v1alpha1.OAuthClient), e.ObjectNew.(*v1alpha1.OAuthClient)
	if before.Generation != after.Generation || request(before) != request(after) {
		return true
	}
	return !equality.Semantic.DeepEqual(withoutUse(before), withoutUse(after)) && !r.echo.heard(after, after.Status)
}

// withoutUse is the status without the uses of the client secret that is current:
// nothing is decided on them. Those of one that was replaced may give it more time.
func withoutUse(c *v1alpha1.OAuthClient) v1alpha1.OAuthClientStatus {
	status := c.Status
	status.Credentials = slices.Clone(status.Credentials)
	for i := range status.Credentials {
		if p := &status.Credentials[i]; p.State != v1alpha1.CredentialRetiring {
			p.LastUsedAt = nil
		}
	}
	return status
}

// clientGone needs no work: the garbage collector deletes the Secret.
func (r *oauthClientReconciler) clientGone(e event.DeleteEvent) { r.forget(e.Object) }

// clientsOfSecret returns the client that a Secret without an owner was made for,
// and those that take their client secret from a Secret.
func (r *oauthClientReconciler) clientsOfSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	requests := r.clientsOfReference(ctx, secret)
	if name := secret.GetLabels()[v1alpha1.LabelClient]; name != "" && metav1.GetControllerOfNoCopy(secret) == nil {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKey{Namespace: secret.GetNamespace(), Name: name}})
	}
	return requests
}

// clientsOfServer returns the clients that an AuthorizationServer concerns: those
// that are registered with it or name it, and those that have found none.
func (r *oauthClientReconciler) clientsOfServer(ctx context.Context, server client.Object) []reconcile.Request {
	registered := requestsFor(ctx, r.cache, &v1alpha1.OAuthClientList{}, client.MatchingFields{indexServer: server.GetName()})
	return append(registered, requestsFor(ctx, r.cache, &v1alpha1.OAuthClientList{}, client.MatchingFields{indexServer: noServer})...)
}

func (r *oauthClientReconciler) clientsOfNamespace(ctx context.Context, namespace client.Object) []reconcile.Request {
	return requestsFor(ctx, r.cache, &v1alpha1.OAuthClientList{}, client.InNamespace(namespace.GetName()))
}

func (r *oauthClientReconciler) allClients(ctx context.Context, _ client.Object) []reconcile.Request {
	return requestsFor(ctx, r.cache, &v1alpha1.OAuthClientList{})
}

// isVerifierSecret lets the Secret with the verifier keys pass.
func (t tools) isVerifierSecret() predicate.Predicate {
	return predicate.NewPredicateFuncs(func(o client.Object) bool {
		return o.GetNamespace() == t.operatorNamespace && o.GetName() == keyring.VerifierSecret
	})
}

// appeared leaves out what was there when the controller started: every object
// is looked at then anyway.
func appeared(e event.CreateEvent) bool { return !e.IsInInitialList }

func never(event.DeleteEvent) bool { return false }

func nothing(client.Object) bool { return false }

func labelsChanged(e event.UpdateEvent) bool {
	return !equality.Semantic.DeepEqual(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels())
}

func dataChanged(e event.UpdateEvent) bool {
	return !equality.Semantic.DeepEqual(e.ObjectOld.(*corev1.Secret).Data, e.ObjectNew.(*corev1.Secret).Data)
}
