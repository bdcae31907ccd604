package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// clientStatus computes the status from what was observed and done.
func clientStatus(seen *clientObservation, v verdict, i issuance, now metav1.Time) v1alpha1.OAuthClientStatus {
	c := seen.client
	status := v1alpha1.OAuthClientStatus{
		ObservedGeneration: c.Generation,
		ClientID:           v1alpha1.ClientID(c.Namespace, c.Name),
		Binding:            standingBinding(seen),
		RedirectURIs:       seen.redirects.uris,
		Rotation:           c.Status.Rotation,
		Credentials:        aged(c, c.Status.Credentials, now.Time),
	}
	if v.server != nil {
		status.AuthorizationServer = v.server.Name
		status.Issuer = v.server.Spec.Issuer
	}
	if i.ok() {
		status.Binding = &v1alpha1.SecretBinding{Name: c.SecretName()}
		status.Rotation = nil
		if i.credential == nil {
			status.Credentials = nil
		} else {
			settled := settled(status.Credentials, *i.credential, c.RotationOverlap(), len(seen.others) > 0, now.Time)
			status.Credentials = fitting(aged(c, settled, now.Time))
			status.Rotation = rotationStatus(c, i, now)
		}
	}
	parts := append([]metav1.Condition{v.accepted, i.ready}, seen.redirects.conditions()...)
	ready := summary("the client can be used: its credentials are in Secret "+c.SecretName(), parts...)
	status.Conditions = withConditions(c.Status.Conditions, c.Generation, now, append([]metav1.Condition{ready}, parts...)...)
	return status
}

// rotationStatus says what was done, and what will be: nil where there is nothing
// to say.
func rotationStatus(c *v1alpha1.OAuthClient, i issuance, now metav1.Time) *v1alpha1.RotationStatus {
	var status v1alpha1.RotationStatus
	if c.Status.Rotation != nil {
		status = *c.Status.Rotation
	}
	replaced := replaces(c.Status.Credentials, *i.credential)
	if replaced {
		status.LastAt = &now
	}
	// A client secret that was made, or found, for a client that had none is what
	// was asked for too: so a client that is restored does not lose its own.
	if c.Spec.Secret.Ref == nil && request(c) != "" && (replaced || len(c.Status.Credentials) == 0) {
		status.LastRequest = request(c)
	}
	if i.restarted {
		status.RestartedFor = i.credential.ID
	}
	status.NextAt = nil
	next := i.rotation.next
	if replaced {
		next = nextByInterval(c, i.credential.CreatedAt.Time, now.Time)
	}
	if !next.IsZero() {
		status.NextAt = seconds(next)
	}
	if status == (v1alpha1.RotationStatus{}) {
		return nil
	}
	return &status
}

// standingBinding is what the status said, as long as that Secret is there.
func standingBinding(seen *clientObservation) *v1alpha1.SecretBinding {
	binding := seen.client.Status.Binding
	if binding == nil {
		return nil
	}
	if seen.secret != nil && seen.secret.Name == binding.Name && seen.claim != claimNone {
		return binding
	}
	if slices.ContainsFunc(seen.others, func(old *corev1.Secret) bool { return old.Name == binding.Name }) {
		return binding
	}
	return nil
}
