package controllers

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
)

// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthgrants,verbs=list;watch;delete,roleName=oauth-operator-controller-clients

// oauthGrantReconciler clears away the grants that have ended.
type oauthGrantReconciler struct {
	tools
}

func (r *oauthGrantReconciler) setup(mgr manager.Manager) error {
	endMoved := predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			return !grantEnd(e.ObjectOld.(*v1alpha1.OAuthGrant)).Equal(grantEnd(e.ObjectNew.(*v1alpha1.OAuthGrant)))
		},
		DeleteFunc: never,
	}
	return builder.ControllerManagedBy(mgr).
		For(&v1alpha1.OAuthGrant{}, builder.WithPredicates(endMoved)).
		WithOptions(r.options).
		Complete(r.watched("oauthgrant", r))
}

// Reconcile deletes one OAuthGrant if it has ended, or comes back when it will
// have.
func (r *oauthGrantReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	grant := &v1alpha1.OAuthGrant{}
	if err := r.cache.Get(ctx, request.NamespacedName, grant, client.UnsafeDisableDeepCopy); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	end, now := grantEnd(grant), r.now()
	if end.IsZero() || !grant.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, nil
	}
	if now.Before(end) {
		return reconcile.Result{RequeueAfter: until(end, now)}, nil
	}
	// A grant that has been refreshed at this moment is another version.
	uid, version := grant.UID, grant.ResourceVersion
	gone := &v1alpha1.OAuthGrant{ObjectMeta: metav1.ObjectMeta{Namespace: grant.Namespace, Name: grant.Name}}
	err := r.client.Delete(ctx, gone, client.DisableReadYourWritesConsistency,
		client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) == nil {
		return reconcile.Result{}, nil
	}
	return next(0, overtaken(err))
}

// codeLimit is the longest time for which a code can be redeemed, and a little more
// for clocks that differ: 10 minutes for an authorization code (RFC 6749 §4.1.2), 30
// for a device code (RFC 8628 §3.2).
const codeLimit = 30*time.Minute + skew

// grantEnd returns from when on nothing needs the grant any more: it cannot be
// refreshed, and its code cannot be presented a second time, which
// only the grant would tell. A revoked grant ends no earlier. It is the zero time
// for a grant that does not say.
func grantEnd(g *v1alpha1.OAuthGrant) time.Time {
	end := g.Spec.EndsAt.Time
	if expires := g.Status.ExpiresAt.Time; end.IsZero() || (!expires.IsZero() && expires.Before(end)) {
		end = expires
	}
	if end.IsZero() {
		return end
	}
	if replayed := g.Spec.CreatedAt.Add(codeLimit); !g.Spec.CreatedAt.IsZero() && end.Before(replayed) {
		return replayed
	}
	return end
}
