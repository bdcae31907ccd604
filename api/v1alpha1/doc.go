// Package v1alpha1 holds the resources that people apply: OAuthClient,
// AuthorizationServer and OAuthUser, and OAuthGrant, which the authorization
// server writes.
//
// The package is plain types with their validation rules in CEL. It has no
// client and needs no controller-runtime, so that anything may import it.
//
// +kubebuilder:object:generate=true
// +groupName=oauth-operator.dev
package v1alpha1
