package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// +kubebuilder:rbac:groups=oauth-operator.dev,resources=authorizationservers/status,verbs=update

// authorizationServerReconciler says whether an issuer can be served, and makes
// and rotates its keys.
type authorizationServerReconciler struct {
	tools
	echo echo
}

func (r *authorizationServerReconciler) setup(mgr manager.Manager) error {
	issuerChanged := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.(*v1alpha1.AuthorizationServer).Spec.Issuer != e.ObjectNew.(*v1alpha1.AuthorizationServer).Spec.Issuer
	}, CreateFunc: appeared}
	return builder.ControllerManagedBy(mgr).
		// What the API server says of a Secret that it refuses may be different
		// each time, and is in the status: its echo must not be reason to ask again.
		For(&v1alpha1.AuthorizationServer{}, builder.WithPredicates(predicate.Funcs{
			UpdateFunc: r.serverChanged,
			DeleteFunc: func(e event.DeleteEvent) bool { r.echo.forget(e.Object); return false },
		})).
		Owns(&corev1.Secret{}).
		// Who has the issuer of another is served when that one goes away.
		Watches(&v1alpha1.AuthorizationServer{}, handler.EnqueueRequestsFromMapFunc(r.sameIssuer), builder.WithPredicates(issuerChanged)).
		WithOptions(r.options).
		Complete(r.watched("authorizationserver", r))
}

func (r *authorizationServerReconciler) sameIssuer(ctx context.Context, o client.Object) []reconcile.Request {
	return requestsFor(ctx, r.cache, &v1alpha1.AuthorizationServerList{},
		client.MatchingFields{indexIssuer: validation.IssuerAddress(o.(*v1alpha1.AuthorizationServer).Spec.Issuer)})
}

// Reconcile brings one AuthorizationServer, its keys and its status together.
func (r *authorizationServerReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	server := &v1alpha1.AuthorizationServer{}
	if err := r.client.Get(ctx, request.NamespacedName, server); err != nil || !server.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	rivals, err := r.rivals(ctx, server)
	if err != nil {
		return next(0, err)
	}
	accepted := acceptServer(server, rivals)
	keys, again, err := r.keepKeys(ctx, server, accepted)
	if err != nil {
		return next(0, err)
	}
	status := serverStatus(server, accepted, keys, metav1.NewTime(r.now().Truncate(time.Second)))
	return next(until(again, r.now()), r.publish(ctx, server, status))
}

// rivals are all AuthorizationServers of the same issuer, the server among them.
func (r *authorizationServerReconciler) rivals(
	ctx context.Context, server *v1alpha1.AuthorizationServer,
) ([]*v1alpha1.AuthorizationServer, error) {
	var list v1alpha1.AuthorizationServerList
	err := r.cache.List(ctx, &list, client.MatchingFields{indexIssuer: validation.IssuerAddress(server.Spec.Issuer)}, client.UnsafeDisableDeepCopy)
	rivals := make([]*v1alpha1.AuthorizationServer, 0, len(list.Items))
	for i := range list.Items {
		rivals = append(rivals, &list.Items[i])
	}
	return rivals, err
}

// acceptServer returns the condition Accepted.
func acceptServer(server *v1alpha1.AuthorizationServer, rivals []*v1alpha1.AuthorizationServer) metav1.Condition {
	if problems := validation.AuthorizationServer(server); len(problems) > 0 {
		return fails(v1alpha1.ConditionAccepted, problems[0].Reason, validation.Message(problems))
	}
	if owner := validation.IssuerOwner(server, rivals); owner.Name != server.Name {
		return fails(v1alpha1.ConditionAccepted, v1alpha1.ReasonIssuerConflict, fmt.Sprintf(
			"spec.issuer: AuthorizationServer %q has the same issuer and is older: use another issuer, or delete one of them", owner.Name))
	}
	return holds(v1alpha1.ConditionAccepted, v1alpha1.ReasonAccepted, "the specification can be served")
}

// keepKeys returns the condition KeysReady, and when to look at the keys again.
func (r *authorizationServerReconciler) keepKeys(
	ctx context.Context, server *v1alpha1.AuthorizationServer, accepted metav1.Condition,
) (metav1.Condition, time.Time, error) {
	if accepted.Status != metav1.ConditionTrue {
		return fails(v1alpha1.ConditionKeysReady, v1alpha1.ReasonNotAttempted,
			"the specification is not accepted: keys that exist stay as they are"), time.Time{}, nil
	}
	name := keyring.SecretName(server.Name)
	again, err := r.keepRing(ctx, ringSecret{
		name: name,
		labels: map[string]string{
			v1alpha1.LabelKeys:                v1alpha1.KeysServer,
			v1alpha1.LabelAuthorizationServer: server.Name,
		},
		owner:     server,
		kind:      "AuthorizationServer",
		schedules: keySchedules(validation.LongestLifetimes(server)),
	})
	if unusable := (*unusableRingError)(nil); errors.As(err, &unusable) {
		return fails(v1alpha1.ConditionKeysReady, v1alpha1.ReasonKeysUnusable, unusable.Error()), time.Time{}, nil
	}
	if refusal := (*rejectedRingError)(nil); errors.As(err, &refusal) {
		return fails(v1alpha1.ConditionKeysReady, v1alpha1.ReasonSecretRejected, refusal.Error()), r.now().Add(unwatched), nil
	}
	return holds(v1alpha1.ConditionKeysReady, v1alpha1.ReasonKeysPublished, fmt.Sprintf("Secret %q holds all keys", name)), again, err
}

// serverChanged leaves out the echo of our own status, and nothing that comes with it.
func (r *authorizationServerReconciler) serverChanged(e event.UpdateEvent) bool {
	before, after := e.ObjectOld.(*v1alpha1.AuthorizationServer), e.ObjectNew.(*v1alpha1.AuthorizationServer)
	same := before.Generation == after.Generation && equality.Semantic.DeepEqual(before.Annotations, after.Annotations)
	return !same || equality.Semantic.DeepEqual(before.Status, after.Status) || !r.echo.heard(after, after.Status)
}

// serverStatus computes the status.
func serverStatus(server *v1alpha1.AuthorizationServer, accepted, keys metav1.Condition, now metav1.Time) v1alpha1.AuthorizationServerStatus {
	return v1alpha1.AuthorizationServerStatus{
		ObservedGeneration: server.Generation,
		Conditions: withConditions(server.Status.Conditions, server.Generation, now,
			summary("the issuer can be served", accepted, keys), accepted, keys),
	}
}

func (r *authorizationServerReconciler) publish(
	ctx context.Context, server *v1alpha1.AuthorizationServer, status v1alpha1.AuthorizationServerStatus,
) error {
	if equality.Semantic.DeepEqual(server.Status, status) {
		return nil
	}
	before := server.Status.Conditions
	server.Status = status
	r.echo.writes(server, *status.DeepCopy())
	if err := r.client.Status().Update(ctx, server); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return overtaken(err)
	}
	r.echo.wrote(server)
	announce(r.events, server, before, status.Conditions)
	return nil
}
