package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/v1alpha1"
)

// issuance is what has become of a client's credentials.
type issuance struct {
	// ready is the condition CredentialsReady.
	ready metav1.Condition

	// credential is what the Secret holds: nil for a public client. It counts
	// only if ready is True.
	credential *v1alpha1.ClientCredential

	// cause is why the client secret was replaced: none if it was not, or if that
	// was begun before.
	cause string

	// rotation is when it is replaced next.
	rotation rotation

	// restarted says that the workloads were restarted that use it.
	restarted bool

	// again is when to look again, where nothing that is watched will say so.
	again time.Duration
}

func (i issuance) ok() bool { return i.ready.Status == metav1.ConditionTrue }

// issue sees to it that the client's Secret is as it should be.
func (r *oauthClientReconciler) issue(ctx context.Context, seen *clientObservation, v verdict) (issuance, error) {
	p := planFor(seen, v, r.now())
	if p.announce != nil && !seen.looked {
		// No client secret is replaced because the cache was behind.
		if err := r.look(ctx, seen); err != nil {
			return issuance{}, err
		}
		p = planFor(seen, v, r.now())
	}
	err := r.carryOut(ctx, seen, p)
	if apierrors.IsAlreadyExists(err) && !seen.looked {
		// There is a Secret of the name that the cache does not hold.
		if err := r.look(ctx, seen); err != nil {
			return issuance{}, err
		}
		if p = planFor(seen, v, r.now()); p.step == stepCreate {
			return issuance{}, errMoved
		}
		err = r.carryOut(ctx, seen, p)
	}
	issued, err := r.concluded(ctx, seen, p, err)
	if err != nil || !issued.ok() {
		return issued, err
	}
	return r.rollout(ctx, seen, issued)
}

// carryOut has the status say what comes, and makes the Secret what the plan says.
func (r *oauthClientReconciler) carryOut(ctx context.Context, seen *clientObservation, p plan) error {
	if err := r.announce(ctx, seen, p); err != nil {
		return err
	}
	switch p.step {
	case stepCreate:
		return r.create(ctx, seen, p)
	case stepRewrite:
		return applySecret(ctx, r.client, p.secret, seen.secret)
	case stepReplace:
		return r.replace(ctx, seen, p)
	case stepKeep, stepLeave:
	}
	return nil
}

// concluded turns the end of a plan into what is said of it.
func (r *oauthClientReconciler) concluded(ctx context.Context, seen *clientObservation, p plan, err error) (issuance, error) {
	switch {
	case err != nil && refused(err):
		return issuance{ready: fails(v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretRejected,
			fmt.Sprintf("the API server refuses the Secret %q: %s", p.secret.name, p.redact(err.Error()))), again: unwatched}, nil
	case err != nil:
		return issuance{}, overtaken(err)
	case p.step == stepLeave:
		return issuance{ready: p.left, again: p.again}, nil
	}
	if len(p.facts) > 0 {
		log.FromContext(ctx).Info("Wrote the Secret of the client.", "secret", p.secret.name, "because", strings.Join(p.facts, "; "))
		r.tell(seen, p)
	}
	message := fmt.Sprintf("Secret %q is complete", p.secret.name)
	if p.rotation.waits != "" && p.cause == "" {
		message += "; " + p.rotation.waits
	}
	return issuance{
		ready:      holds(v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonIssued, message),
		credential: p.credential(),
		cause:      p.cause,
		rotation:   p.rotation,
	}, nil
}

// tell reports what was done with a Secret that was there before.
func (r *oauthClientReconciler) tell(seen *clientObservation, p plan) {
	facts := strings.Join(p.facts, "; ")
	switch {
	case p.cause != "" && p.cause != causeRepair:
		report(r.events, seen.client, corev1.EventTypeNormal, v1alpha1.EventSecretRotated,
			fmt.Sprintf("Secret %q has a new client secret: %s", p.secret.name, facts))
	case p.step != stepCreate || seen.client.Status.Binding != nil:
		report(r.events, seen.client, corev1.EventTypeNormal, v1alpha1.EventSecretRepaired,
			fmt.Sprintf("Secret %q has been written anew: %s", p.secret.name, facts))
	}
}

// create never touches a Secret that exists: the API server decides who comes first.
func (r *oauthClientReconciler) create(ctx context.Context, seen *clientObservation, p plan) error {
	return r.createAs(ctx, seen, p.secret.object())
}

func (r *oauthClientReconciler) createAs(ctx context.Context, seen *clientObservation, made *corev1.Secret) error {
	if err := r.client.Create(ctx, made); err != nil {
		return err
	}
	seen.secret, seen.claim = made, claimOwn
	return nil
}

// replace is for what cannot be changed in place: the type of a Secret.
func (r *oauthClientReconciler) replace(ctx context.Context, seen *clientObservation, p plan) error {
	// What is made next has the same name, so no read has to wait for the end of
	// this one: the cache may not even hold it.
	if err := r.remove(ctx, seen.secret, client.DisableReadYourWritesConsistency); err != nil {
		return err
	}
	return r.createAs(ctx, seen, p.secret.inPlaceOf(seen.secret))
}

// remove deletes that very Secret in that very state.
func (r *oauthClientReconciler) remove(ctx context.Context, secret *corev1.Secret, opts ...client.DeleteOption) error {
	err := r.client.Delete(ctx, secret,
		append(opts, client.Preconditions{UID: &secret.UID, ResourceVersion: &secret.ResourceVersion})...)
	return client.IgnoreNotFound(err)
}

// tidy deletes the Secrets that the client had under other names, once the
// status names the new one. The next read of such a name waits until it is gone
// from the cache: a client that is to have the old name again must not be taken to
// have that Secret still, and lose the new one for it.
func (r *oauthClientReconciler) tidy(ctx context.Context, seen *clientObservation, i issuance) error {
	if !i.ok() {
		return nil
	}
	for _, old := range seen.others {
		if err := r.remove(ctx, old); err != nil {
			return overtaken(err)
		}
		log.FromContext(ctx).Info("Deleted a Secret that the client does not use any more.", "secret", old.Name)
	}
	return nil
}
