package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/v1alpha1"
)

// announce has the status name the new client secret, before the Secret does. If
// the write of the Secret then fails, the client secret is used for the next try:
// so what cannot be written does not fill the status.
func (r *oauthClientReconciler) announce(ctx context.Context, seen *clientObservation, p plan) error {
	if p.announce == nil {
		return nil
	}
	if p.touch {
		if err := r.touch(ctx, seen, p); err != nil {
			return err
		}
	}
	c := seen.client
	c.Status.Credentials = p.announce
	r.echo.writes(c, *c.Status.DeepCopy())
	if err := r.client.Status().Update(ctx, c); err != nil {
		// A refusal of the status is none of the Secret.
		if err := overtaken(err); errors.Is(err, errMoved) {
			return err
		}
		return fmt.Errorf("announcing a client secret: %s", err.Error())
	}
	r.echo.wrote(c)
	r.minted.keep(c, p.current.value)
	return nil
}

// touch ends all writes of the Secret that are still under way: the credentials
// that were announced for them can be forgotten then.
func (r *oauthClientReconciler) touch(ctx context.Context, seen *clientObservation, p plan) (err error) {
	if seen.secret != nil {
		seen.secret, err = touch(ctx, r.client, seen.secret, p.current.ID)
		return err
	}
	// It takes the name, so that none of them is created.
	empty := p.secret
	empty.data, empty.annotations = nil, map[string]string{annotationTouched: p.current.ID}
	if err := r.client.Create(ctx, empty.object()); err != nil {
		return err
	}
	return errMoved
}

// rollout restarts the workloads that use a client secret that is new to them. The
// Secret has it already; that they cannot be restarted does not keep the rotation
// from its end.
func (r *oauthClientReconciler) rollout(ctx context.Context, seen *clientObservation, i issuance) (issuance, error) {
	c := seen.client
	if i.credential == nil || c.Spec.Rotation == nil || !c.Spec.Rotation.RolloutRestart || !replaces(c.Status.Credentials, *i.credential) {
		return i, nil
	}
	if !r.rolloutRestart {
		report(r.events, c, corev1.EventTypeWarning, v1alpha1.EventRolloutRestartFailed,
			"spec.rotation.rolloutRestart: this installation restarts no workloads: set controller.rolloutRestart of the Helm chart, or restart what uses the Secret yourself")
		return i, nil
	}
	err := r.restart(ctx, c, c.SecretName(), i.credential.ID)
	switch {
	case err == nil:
		i.restarted = true
	case refused(err) || apierrors.IsNotFound(err):
		log.FromContext(ctx).Info("The workloads are not restarted.", "secret", c.SecretName(), "why", err.Error())
		report(r.events, c, corev1.EventTypeWarning, v1alpha1.EventRolloutRestartFailed, err.Error())
	default:
		return issuance{}, overtaken(err)
	}
	return i, nil
}

// mintedValues are the client secrets that were made for replacements which have
// not come to their end. They are in memory alone.
type mintedValues struct {
	values sync.Map // of types.UID -> string
}

func (m *mintedValues) keep(c *v1alpha1.OAuthClient, value string) { m.values.Store(c.UID, value) }

func (m *mintedValues) of(uid types.UID) string {
	value, _ := m.values.Load(uid)
	text, _ := value.(string)
	return text
}

func (m *mintedValues) forget(uid types.UID) { m.values.Delete(uid) }

// remember notes what has come of a replacement.
func (r *oauthClientReconciler) remember(seen *clientObservation, i issuance, before []v1alpha1.ClientCredential) {
	r.minted.forget(seen.client.UID)
	r.noteReference(seen, i)
	if i.credential != nil && replaces(before, *i.credential) {
		countRotation(causeOf(seen.client, i))
	}
}

// causeOf says why a client secret was replaced. Where that was begun by a
// controller that has ended since, it is what can be.
func causeOf(c *v1alpha1.OAuthClient, i issuance) string {
	switch {
	case i.cause != "":
		return i.cause
	case c.Spec.Secret.Ref != nil:
		return causeReference
	case request(c) != "":
		return causeRequest
	case c.Spec.Rotation != nil && c.Spec.Rotation.Interval != nil:
		return causeInterval
	default:
		return causeRepair
	}
}

// warn says once of an old client secret that it is in use close to its end: who
// uses it will be refused then.
func (r *oauthClientReconciler) warn(c *v1alpha1.OAuthClient, now time.Time) {
	for i := range c.Status.Credentials {
		p := &c.Status.Credentials[i]
		at := warnAt(c, p)
		if at.IsZero() || now.Before(at) || ended(*p, now) || !usedAfterReplaced(p, c.Status.Credentials) {
			continue
		}
		if !r.warned.first(c, p.ID) {
			continue
		}
		report(r.events, c, corev1.EventTypeWarning, v1alpha1.EventRetiringSecretInUse, fmt.Sprintf(
			"the client secret of credential %s was replaced, was still used at %s, and is refused from %s on: restart what has not read the new one",
			p.ID, p.LastUsedAt.UTC().Format(time.RFC3339), p.ExpiresAt.UTC().Format(time.RFC3339)))
	}
}

// warnings are the credentials that were warned of. They are in memory alone: a
// controller that starts warns again.
type warnings struct {
	given sync.Map // of types.UID -> []string, the credentials of one client
}

// first reports whether the credential was not warned of yet, and notes that it is
// now. What the client has no more is dropped. One client is looked at by one
// worker at a time.
func (w *warnings) first(c *v1alpha1.OAuthClient, credential string) bool {
	noted, _ := w.given.Load(c.UID)
	given, _ := noted.([]string)
	if slices.Contains(given, credential) {
		return false
	}
	kept := []string{credential}
	for _, id := range given {
		if slices.ContainsFunc(c.Status.Credentials, func(p v1alpha1.ClientCredential) bool { return p.ID == id }) {
			kept = append(kept, id)
		}
	}
	w.given.Store(c.UID, kept)
	return true
}

func (w *warnings) forget(uid types.UID) { w.given.Delete(uid) }

// forget drops what was noted of a client.
func (r *oauthClientReconciler) forget(c client.Object) {
	r.echo.forget(c)
	r.minted.forget(c.GetUID())
	r.checked.Delete(c.GetUID())
	r.warned.forget(c.GetUID())
}
