package controllers

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch,namespace=oauth-operator-system

// verifierReconciler keeps the key with which the verifiers of client secrets are
// made. It belongs to no AuthorizationServer, so that none takes it along.
type verifierReconciler struct {
	tools
}

// verifierSchedule never ends a key: a verifier is made with the key that is
// there, and lives as long as its secret.
var verifierSchedule = []keyring.Schedule{{Use: keyring.UseVerifier}}

// setup watches the one Secret, and looks for it once at the start, because
// nothing would tell that it is not there.
func (r *verifierReconciler) setup(mgr manager.Manager) error {
	request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: r.operatorNamespace, Name: keyring.VerifierSecret}}
	return builder.ControllerManagedBy(mgr).
		Named("verifier").
		For(&corev1.Secret{}, builder.WithPredicates(r.isVerifierSecret())).
		WatchesRawSource(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
			queue.Add(request)
			return nil
		})).
		WithOptions(r.options).
		Complete(r.watched("verifier", r))
}

// Reconcile sees to it that the Secret is there.
func (r *verifierReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	again, err := r.keepRing(ctx, ringSecret{
		name:      keyring.VerifierSecret,
		labels:    map[string]string{v1alpha1.LabelKeys: v1alpha1.KeysVerifier},
		schedules: verifierSchedule,
	})
	if unusable := (*unusableRingError)(nil); errors.As(err, &unusable) {
		// The OAuthClients that need the key say so in a condition.
		log.FromContext(ctx).Info("The verifier key is not usable.", "why", unusable.Error())
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name}}
		report(r.events, secret, corev1.EventTypeWarning, v1alpha1.ReasonKeysUnusable, unusable.Error())
		return reconcile.Result{}, nil
	}
	return next(until(again, r.now()), err)
}
