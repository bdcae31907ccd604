package controllers

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
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
		For(&v1alpha1.OAuthClient{}, builder.WithPredicates(predicate.Funcs{UpdateFunc: r.clientChanged, DeleteFunc: r.clientGone})).
		Owns(&corev1.Secret{}).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.clientsOfSecret),
			builder.WithPredicates(predicate.Funcs{CreateFunc: appeared})).
		WatchesRawSource(source.Func(r.references.watch)).
		Watches(&v1alpha1.AuthorizationServer{}, handler.EnqueueRequestsFromMapFunc(r.clientsOfServer),
			builder.WithPredicates(predicate.Funcs{CreateFunc: appeared, UpdateFunc: serverChanged})).
		WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.clientsOfNamespace),
			builder.WithPredicates(predicate.Funcs{CreateFunc: appeared, UpdateFunc: namespaceChanged, DeleteFunc: never})).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.allClients),
			builder.WithPredicates(r.isVerifierSecret(), predicate.Funcs{CreateFunc: appeared, UpdateFunc: dataChanged})).
		WithOptions(r.options).
		Complete(r)
}

// clientChanged leaves out the echo of our own status. That somebody else has
// changed the status is reason to look.
func (r *oauthClientReconciler) clientChanged(e event.UpdateEvent) bool {
	before, after := e.ObjectOld.(*v1alpha1.OAuthClient), e.ObjectNew.(*v1alpha1.OAuthClient)
	if before.Generation != after.Generation || request(before) != request(after) {
		return true
	}
	return !equality.Semantic.DeepEqual(withoutUse(before), withoutUse(after)) && !r.echo.heard(after)
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
func (r *oauthClientReconciler) clientGone(e event.DeleteEvent) bool {
	r.forget(e.Object)
	return false
}

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

// namespaceChanged passes what is read of a Namespace.
func namespaceChanged(e event.UpdateEvent) bool {
	adoptable := func(o client.Object) string { return o.GetAnnotations()[v1alpha1.AnnotationAdoptSecrets] }
	return labelsChanged(e) || adoptable(e.ObjectOld) != adoptable(e.ObjectNew)
}

func labelsChanged(e event.UpdateEvent) bool {
	return !equality.Semantic.DeepEqual(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels())
}

func dataChanged(e event.UpdateEvent) bool {
	return !equality.Semantic.DeepEqual(e.ObjectOld.(*corev1.Secret).Data, e.ObjectNew.(*corev1.Secret).Data)
}

// serverChanged passes what clients see of an AuthorizationServer.
func serverChanged(e event.UpdateEvent) bool {
	before, after := e.ObjectOld.(*v1alpha1.AuthorizationServer), e.ObjectNew.(*v1alpha1.AuthorizationServer)
	ready := func(as *v1alpha1.AuthorizationServer, condition string) bool {
		return meta.IsStatusConditionTrue(as.Status.Conditions, condition)
	}
	return before.Generation != after.Generation ||
		before.Annotations[v1alpha1.AnnotationDefault] != after.Annotations[v1alpha1.AnnotationDefault] ||
		ready(before, v1alpha1.ConditionAccepted) != ready(after, v1alpha1.ConditionAccepted) ||
		ready(before, v1alpha1.ConditionKeysReady) != ready(after, v1alpha1.ConditionKeysReady)
}
