package controllers

import (
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
		Credentials:        c.Status.Credentials,
	}
	if v.server != nil {
		status.AuthorizationServer = v.server.Name
		status.Issuer = v.server.Spec.Issuer
	}
	if i.ok() {
		status.Binding = &v1alpha1.SecretBinding{Name: c.SecretName()}
		status.Credentials = nil
		if i.credential != nil {
			status.Credentials = []v1alpha1.ClientCredential{*i.credential}
		}
	}
	status.Conditions = withConditions(c.Status.Conditions, c.Generation, now,
		summary("the client can be used: its credentials are in Secret "+c.SecretName(), v.accepted, i.ready),
		v.accepted, i.ready)
	return status
}

// standingBinding is what the status said, as long as that Secret is there.
func standingBinding(seen *clientObservation) *v1alpha1.SecretBinding {
	binding := seen.client.Status.Binding
	if binding == nil {
		return nil
	}
	if seen.secret != nil && seen.secret.Name == binding.Name && owns(seen.client, seen.secret) {
		return binding
	}
	for _, old := range seen.others {
		if old.Name == binding.Name {
			return binding
		}
	}
	return nil
}
