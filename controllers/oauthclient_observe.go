package controllers

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// clientObservation is all that is decided on.
type clientObservation struct {
	client *v1alpha1.OAuthClient

	// servers are all AuthorizationServers. They are the cache's: not to be changed.
	servers []*v1alpha1.AuthorizationServer

	namespaceLabels map[string]string

	// rank is how many clients of the namespace count before this one, where a
	// policy bounds their number.
	rank int

	// redirects are what spec.redirectURIsFrom has come to.
	redirects redirects

	// ring holds the keys that verifiers are made with: none if ringFault says why.
	ring      keyring.Ring
	ringFault string

	// adoptable is what the namespace says of Secrets that may be taken over.
	adoptable string

	// secret is the Secret of the wanted name, or nil, and claim says whether it
	// is the client's. Of one that is not it may have the metadata alone.
	secret *corev1.Secret
	claim  claim

	// looked says that the secret is from the API server, not from the cache.
	looked bool

	// reference is the client secret that spec.secret.ref names.
	reference reference

	// minted is a client secret that was made for a replacement under way.
	minted string

	// others are the Secrets of other names that the client owns: from before
	// spec.secret.name was changed.
	others []*corev1.Secret
}

// observe returns nil if there is nothing to do for the client.
func (r *oauthClientReconciler) observe(ctx context.Context, key types.NamespacedName) (*clientObservation, error) {
	seen := &clientObservation{client: &v1alpha1.OAuthClient{}}
	if err := r.client.Get(ctx, key, seen.client); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if !seen.client.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	var servers v1alpha1.AuthorizationServerList
	if err := r.cache.List(ctx, &servers, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	for i := range servers.Items {
		seen.servers = append(seen.servers, &servers.Items[i])
	}
	known, err := r.observeNamespace(ctx, seen)
	if err != nil || !known {
		return nil, err
	}
	if err := r.place(seen); err != nil {
		return nil, err
	}
	if err := r.observeRedirects(ctx, seen); err != nil {
		return nil, err
	}
	if err := r.observeRing(ctx, seen); err != nil {
		return nil, err
	}
	if err := r.observeSecrets(ctx, seen); err != nil {
		return nil, err
	}
	seen.minted = r.minted.of(seen.client.UID)
	return seen, r.observeReference(ctx, seen)
}

// observeNamespace reports whether the namespace is known yet. If it is not, its
// appearance will be reason to look again.
func (r *oauthClientReconciler) observeNamespace(ctx context.Context, seen *clientObservation) (known bool, err error) {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	err = r.cache.Get(ctx, client.ObjectKey{Name: seen.client.Namespace}, namespace)
	if err != nil {
		return false, client.IgnoreNotFound(err)
	}
	seen.namespaceLabels = namespace.Labels
	seen.adoptable = namespace.Annotations[v1alpha1.AnnotationAdoptSecrets]
	return true, nil
}

func (r *oauthClientReconciler) observeRing(ctx context.Context, seen *clientObservation) error {
	var secret corev1.Secret
	err := r.cache.Get(ctx, client.ObjectKey{Namespace: r.operatorNamespace, Name: keyring.VerifierSecret}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		seen.ringFault = "the key is not made yet"
	case err != nil:
		return err
	default:
		if seen.ring, err = decodeRing(&secret); err != nil {
			seen.ringFault = err.Error()
		}
	}
	return nil
}

func (r *oauthClientReconciler) observeSecrets(ctx context.Context, seen *clientObservation) error {
	wanted := client.ObjectKey{Namespace: seen.client.Namespace, Name: seen.client.SecretName()}
	secret := &corev1.Secret{}
	switch err := r.client.Get(ctx, wanted, secret); {
	case err == nil:
		seen.secret = secret
		if seen.claim, err = r.claimed(ctx, seen, secret); err != nil {
			return err
		}
	case !apierrors.IsNotFound(err):
		return err
	}
	// A Secret that is missed here is seen in the end: its own event is reason
	// to look. So the list need not wait for the writes to all other Secrets.
	for _, owner := range []string{string(seen.client.UID), unownedOf(seen.client.Name)} {
		var found corev1.SecretList
		err := r.client.List(ctx, &found, client.InNamespace(seen.client.Namespace),
			client.MatchingFields{indexOwner: owner}, client.DisableReadYourWritesConsistency)
		if err != nil {
			return err
		}
		for i := range found.Items {
			s := &found.Items[i]
			if s.Name != wanted.Name && !refersTo(seen.client, s) && (owns(seen.client, s) || isOurs(seen.client, s)) {
				seen.others = append(seen.others, s)
			}
		}
	}
	return nil
}

// owns reports whether the Secret is the client's own: the controller made it
// for this very object.
func owns(c *v1alpha1.OAuthClient, secret metav1.Object) bool {
	owner := metav1.GetControllerOfNoCopy(secret)
	return owner != nil && owner.UID == c.UID
}
