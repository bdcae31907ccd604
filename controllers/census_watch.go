package controllers

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// requestQueue is where a handler puts who is to be looked at.
type requestQueue = workqueue.TypedRateLimitingInterface[reconcile.Request]

func addAll(queue requestQueue, requests []reconcile.Request) {
	for _, request := range requests {
		queue.Add(request)
	}
}

// onClient has a client looked at that has appeared or changed, and those that
// come in, or have to go, because of it. It is the one handler of clients: so a
// client is never looked at before the census knows it.
func (r *oauthClientReconciler) onClient() handler.EventHandler {
	settle := func(ctx context.Context, queue requestQueue, namespace string, matters bool) {
		if matters {
			addAll(queue, r.census.misplaced(namespace, r.allServers(ctx)))
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, queue requestQueue) {
			matters := r.census.set(e.Object.(*v1alpha1.OAuthClient))
			queue.Add(requestFor(e.Object))
			settle(ctx, queue, e.Object.GetNamespace(), matters)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, queue requestQueue) {
			before, after := e.ObjectOld.(*v1alpha1.OAuthClient), e.ObjectNew.(*v1alpha1.OAuthClient)
			// One that was deleted and made anew may look like one that has changed.
			matters := before.UID != after.UID && r.census.remove(before)
			matters = r.census.set(after) || matters
			if before.UID != after.UID || r.clientChanged(e) {
				queue.Add(requestFor(after))
			}
			settle(ctx, queue, after.Namespace, matters)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, queue requestQueue) {
			matters := r.census.remove(e.Object.(*v1alpha1.OAuthClient))
			r.clientGone(e)
			settle(ctx, queue, e.Object.GetNamespace(), matters)
		},
	}
}

// onServer has those clients looked at that a change of an AuthorizationServer
// concerns: all of it, or, where the policy has changed alone, those to whom it
// says something else now.
func (r *oauthClientReconciler) onServer() handler.EventHandler {
	renew := func(ctx context.Context, queue requestQueue, name string) {
		servers := r.allServers(ctx)
		for _, as := range servers {
			if as.Name == name {
				addAll(queue, r.census.serverChanged(as, servers, func(namespace string) map[string]string {
					return r.labelsOf(ctx, namespace)
				}))
			}
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, queue requestQueue) {
			if appeared(e) {
				renew(ctx, queue, e.Object.GetName())
				addAll(queue, r.clientsOfServer(ctx, e.Object))
			}
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, queue requestQueue) {
			before, after := e.ObjectOld.(*v1alpha1.AuthorizationServer), e.ObjectNew.(*v1alpha1.AuthorizationServer)
			if before.UID != after.UID || before.Generation != after.Generation {
				renew(ctx, queue, after.Name)
			}
			if serverTouchesAll(before, after) {
				addAll(queue, r.clientsOfServer(ctx, after))
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, queue requestQueue) {
			addAll(queue, r.clientsOfServer(ctx, e.Object))
		},
	}
}

// serverTouchesAll reports whether the change of an AuthorizationServer concerns
// its clients wherever they are.
func serverTouchesAll(before, after *v1alpha1.AuthorizationServer) bool {
	differs := func(condition string) bool {
		return meta.IsStatusConditionTrue(before.Status.Conditions, condition) !=
			meta.IsStatusConditionTrue(after.Status.Conditions, condition)
	}
	return validation.TouchesAll(before, after) ||
		before.Annotations[v1alpha1.AnnotationDefault] != after.Annotations[v1alpha1.AnnotationDefault] ||
		differs(v1alpha1.ConditionAccepted) || differs(v1alpha1.ConditionKeysReady)
}

// onNamespace has those clients of a namespace looked at to whom a policy says
// something else now that the labels have changed; and all of them where it has
// appeared, or changed what it says of Secrets.
func (r *oauthClientReconciler) onNamespace() handler.EventHandler {
	renew := func(ctx context.Context, queue requestQueue, namespace string) {
		addAll(queue, r.census.namespaceChanged(namespace, r.labelsOf(ctx, namespace), r.allServers(ctx)))
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, queue requestQueue) {
			if appeared(e) {
				renew(ctx, queue, e.Object.GetName())
				addAll(queue, r.clientsOfNamespace(ctx, e.Object))
			}
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, queue requestQueue) {
			if labelsChanged(e) {
				renew(ctx, queue, e.ObjectNew.GetName())
			}
			if adoptable(e.ObjectOld) != adoptable(e.ObjectNew) {
				addAll(queue, r.clientsOfNamespace(ctx, e.ObjectNew))
			}
		},
	}
}

// adoptable is what a Namespace says of the Secrets that may be taken over.
func adoptable(namespace client.Object) string {
	return namespace.GetAnnotations()[v1alpha1.AnnotationAdoptSecrets]
}

// allServers returns the AuthorizationServers. They are the cache's: not to be
// changed.
func (r *oauthClientReconciler) allServers(ctx context.Context) []*v1alpha1.AuthorizationServer {
	var list v1alpha1.AuthorizationServerList
	if err := r.cache.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		// The cache only fails when it is being stopped.
		return nil
	}
	servers := make([]*v1alpha1.AuthorizationServer, len(list.Items))
	for i := range list.Items {
		servers[i] = &list.Items[i]
	}
	return servers
}

// labelsOf returns the labels of a namespace: none where it is not known.
func (r *oauthClientReconciler) labelsOf(ctx context.Context, name string) map[string]string {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.cache.Get(ctx, client.ObjectKey{Name: name}, namespace); err != nil {
		return nil
	}
	return namespace.Labels
}
