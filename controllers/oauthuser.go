package controllers

import (
	"cmp"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthusers,verbs=list;watch
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthusers/status,verbs=update

// oauthUserReconciler says whether a person can log in.
type oauthUserReconciler struct {
	tools
}

func (r *oauthUserReconciler) setup(mgr manager.Manager, own cluster.Cluster) error {
	usernameChanged := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.(*v1alpha1.OAuthUser).Spec.Username != e.ObjectNew.(*v1alpha1.OAuthUser).Spec.Username
	}, CreateFunc: appeared}
	return builder.ControllerManagedBy(mgr).
		For(&v1alpha1.OAuthUser{}).
		// Who has the username of another gets it when that one goes away.
		Watches(&v1alpha1.OAuthUser{}, handler.EnqueueRequestsFromMapFunc(r.sameUsername), builder.WithPredicates(usernameChanged)).
		WatchesRawSource(source.Kind[client.Object](own.GetCache(), &corev1.Secret{},
			handler.EnqueueRequestsFromMapFunc(r.usersOfSecret), predicate.Funcs{CreateFunc: appeared, UpdateFunc: dataChanged})).
		WithOptions(r.options).
		Complete(r.watched("oauthuser", r))
}

func (r *oauthUserReconciler) sameUsername(ctx context.Context, o client.Object) []reconcile.Request {
	return requestsFor(ctx, r.cache, &v1alpha1.OAuthUserList{},
		client.MatchingFields{indexUsername: o.(*v1alpha1.OAuthUser).Spec.Username})
}

func (r *oauthUserReconciler) usersOfSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	return requestsFor(ctx, r.cache, &v1alpha1.OAuthUserList{}, client.MatchingFields{indexPassword: secret.GetName()})
}

// userObservation is all that is decided on.
type userObservation struct {
	user *v1alpha1.OAuthUser

	// namesakes are all OAuthUsers of the username, the user among them.
	namesakes []v1alpha1.OAuthUser

	// hash is the value of the password Secret, if found.
	hash  string
	found bool
}

// Reconcile says in the status of one OAuthUser whether the person can log in.
func (r *oauthUserReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	seen, err := r.observe(ctx, request)
	if err != nil || seen == nil {
		return next(0, err)
	}
	ready := judgeUser(seen)
	return next(0, r.publish(ctx, seen.user, v1alpha1.OAuthUserStatus{
		ObservedGeneration: seen.user.Generation,
		Conditions: withConditions(seen.user.Status.Conditions, seen.user.Generation,
			metav1.NewTime(r.now().Truncate(time.Second)), ready),
	}))
}

func (r *oauthUserReconciler) observe(ctx context.Context, request reconcile.Request) (*userObservation, error) {
	seen := &userObservation{user: &v1alpha1.OAuthUser{}}
	if err := r.client.Get(ctx, request.NamespacedName, seen.user); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if !seen.user.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	var namesakes v1alpha1.OAuthUserList
	err := r.cache.List(ctx, &namesakes, client.MatchingFields{indexUsername: seen.user.Spec.Username}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	seen.namesakes = namesakes.Items
	var secret corev1.Secret
	err = r.own.Get(ctx, client.ObjectKey{Namespace: r.operatorNamespace, Name: seen.user.Spec.PasswordSecretRef.Name}, &secret)
	if err == nil {
		var value []byte
		value, seen.found = secret.Data[passwordKey(seen.user)]
		seen.hash = string(value)
	}
	return seen, client.IgnoreNotFound(err)
}

// passwordKey is the key that holds the hash, also for an object that has
// bypassed the defaults of the API server.
func passwordKey(u *v1alpha1.OAuthUser) string {
	return cmp.Or(u.Spec.PasswordSecretRef.Key, "password-hash")
}

// judgeUser returns the condition Ready.
func judgeUser(seen *userObservation) metav1.Condition {
	u := seen.user
	no := func(reason, format string, args ...any) metav1.Condition {
		return fails(v1alpha1.ConditionReady, reason, fmt.Sprintf(format, args...))
	}
	if problems := validation.User(u); len(problems) > 0 {
		return no(problems[0].Reason, "%s", validation.Message(problems))
	}
	if holder := usernameHolder(u, seen.namesakes); holder != u.Name {
		return no(v1alpha1.ReasonUsernameConflict,
			"spec.username: OAuthUser %q has the same username and is older: use another, or delete one of them", holder)
	}
	if u.Spec.Disabled {
		return no(v1alpha1.ReasonDisabled, "spec.disabled is true: the person is kept out")
	}
	ref := u.Spec.PasswordSecretRef
	if !seen.found {
		return no(v1alpha1.ReasonPasswordSecretNotFound,
			"spec.passwordSecretRef: there is no Secret %q with the key %q in the operator's namespace", ref.Name, passwordKey(u))
	}
	if _, err := passwordhash.Parse(seen.hash); err != nil {
		return no(v1alpha1.ReasonPasswordHashInvalid,
			"the key %q of Secret %q holds %s; make a hash with `oauth-operator hash-password`", passwordKey(u), ref.Name, err)
	}
	return holds(v1alpha1.ConditionReady, v1alpha1.ReasonUsable, "the person can log in")
}

// usernameHolder returns the name of the OAuthUser that the username belongs to:
// the oldest, and of those of one age the first by name.
func usernameHolder(u *v1alpha1.OAuthUser, namesakes []v1alpha1.OAuthUser) string {
	holder := u
	for i := range namesakes {
		other := &namesakes[i]
		if other.Spec.Username == u.Spec.Username && olderUser(other, holder) {
			holder = other
		}
	}
	return holder.Name
}

func olderUser(a, b *v1alpha1.OAuthUser) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

func (r *oauthUserReconciler) publish(ctx context.Context, u *v1alpha1.OAuthUser, status v1alpha1.OAuthUserStatus) error {
	if equality.Semantic.DeepEqual(u.Status, status) {
		return nil
	}
	before := u.Status.Conditions
	u.Status = status
	if err := r.client.Status().Update(ctx, u); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return overtaken(err)
	}
	announce(r.events, u, before, status.Conditions)
	return nil
}
