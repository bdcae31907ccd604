package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
)

// +kubebuilder:rbac:groups=oauth-operator.dev,resources=authorizationservers,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthclients,verbs=list;watch,roleName=oauth-operator-controller-clients
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthclients/status,verbs=update,roleName=oauth-operator-controller-clients
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch;delete,roleName=oauth-operator-controller-clients
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch,roleName=oauth-operator-controller-clients

// oauthClientReconciler registers clients (RFC 6749 §2) and keeps the Secrets
// with their credentials.
type oauthClientReconciler struct {
	tools
	echo       echo
	census     census
	minted     mintedValues
	references references
	sources    redirectSources
	checked    sync.Map // of types.UID -> checkedReference
	warned     warnings
}

// Reconcile brings one OAuthClient, its Secret and its status together. For a new
// client it makes two writes, and none where all is as it should be.
func (r *oauthClientReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	seen, err := r.observe(ctx, request.NamespacedName)
	if err != nil || seen == nil {
		return next(0, err)
	}
	verdict := judge(seen)
	issued, err := r.issue(ctx, seen, verdict)
	if err != nil {
		return next(0, err)
	}
	now := metav1.NewTime(r.now().Truncate(time.Second))
	status := clientStatus(seen, verdict, issued, now)
	if err := r.publish(ctx, seen, issued, status); err != nil {
		return next(0, err)
	}
	r.warn(seen.client, now.Time)
	again := sooner(issued.again, nextLook(seen.client, issued.ok(), now.Time))
	return next(again, r.tidy(ctx, seen, issued))
}

// publish writes the status if it is different, and remembers what it says.
func (r *oauthClientReconciler) publish(ctx context.Context, seen *clientObservation, issued issuance, status v1alpha1.OAuthClientStatus) error {
	c, before := seen.client, seen.client.Status
	if !equality.Semantic.DeepEqual(before, status) {
		c.Status = status
		r.echo.writes(c, *status.DeepCopy())
		if err := r.client.Status().Update(ctx, c); err != nil {
			if apierrors.IsNotFound(err) {
				return nil
			}
			return overtaken(err)
		}
		r.echo.wrote(c)
		announce(r.events, c, before.Conditions, status.Conditions)
	}
	if issued.ok() {
		r.remember(seen, issued, before.Credentials)
	}
	return nil
}
