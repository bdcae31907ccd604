package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// claim is by what right a Secret is a client's.
type claim int

const (
	claimNone  claim = iota // it is somebody else's
	claimOwn                // the controller made it for this very object
	claimHeir               // it was made for a client of this name, and is nobody else's
	claimAdopt              // its namespace allows to take it over
)

// claimTo decides by the metadata of a Secret alone. Adoptable is the annotation
// of its namespace.
func claimTo(c *v1alpha1.OAuthClient, secret metav1.Object, adoptable string) claim {
	owner := metav1.GetControllerOfNoCopy(secret)
	if owner != nil && owner.UID == c.UID {
		return claimOwn
	}
	if owner != nil && !isNamesake(c, owner) {
		return claimNone
	}
	// It was retained, or is from a backup, or its owner was deleted just now.
	labels := secret.GetLabels()
	if labels[v1alpha1.LabelKeys] != "" {
		return claimNone // the operator's own keys, whatever their namespace allows
	}
	if labels[v1alpha1.LabelManaged] == "true" && labels[v1alpha1.LabelClient] == c.Name {
		return claimHeir
	}
	if allows(adoptable, secret.GetName()) {
		return claimAdopt
	}
	return claimNone
}

// isNamesake reports whether the owner was a client of the same name.
func isNamesake(c *v1alpha1.OAuthClient, owner *metav1.OwnerReference) bool {
	group, _, _ := strings.Cut(owner.APIVersion, "/")
	return group == v1alpha1.GroupName && owner.Kind == "OAuthClient" && owner.Name == c.Name
}

// unadoptable says why a Secret that the namespace allows to take over is left
// alone all the same, or nothing. To take it over must not mean to delete what
// somebody else has made.
func (seen *clientObservation) unadoptable() string {
	if seen.claim != claimAdopt {
		return ""
	}
	name, typ := seen.secret.Name, string(seen.secret.Type)
	asked := seen.client.Spec.Secret.Template
	switch {
	case validation.ForeignType(typ):
		return fmt.Sprintf("Secret %q is of the type %s, which has a meaning for others: it is left alone. Set spec.secret.name to another name", name, typ)
	case asked != nil && asked.Type != "" && asked.Type != typ:
		return fmt.Sprintf("Secret %q is of the type %s, and would have to be deleted for another type: it is left alone. "+
			"Leave spec.secret.template.type out, or set spec.secret.name to another name", name, typ)
	}
	return ""
}

// allows reports whether the value of AnnotationAdoptSecrets names the Secret.
func allows(adoptable, name string) bool {
	return slices.ContainsFunc(strings.Split(adoptable, ","), func(listed string) bool {
		listed = strings.TrimSpace(listed)
		return listed == "*" || listed == name
	})
}

// claimed is claimTo, where a Secret that is another client's stays with it: two
// that may take it over would do so in turn.
func (r *oauthClientReconciler) claimed(ctx context.Context, seen *clientObservation, secret metav1.Object) (claim, error) {
	claim := claimTo(seen.client, secret, seen.adoptable)
	holder := secret.GetLabels()[v1alpha1.LabelClient]
	if claim != claimAdopt || holder == "" || holder == seen.client.Name {
		return claim, nil
	}
	err := r.cache.Get(ctx, types.NamespacedName{Namespace: seen.client.Namespace, Name: holder}, &v1alpha1.OAuthClient{})
	if apierrors.IsNotFound(err) {
		return claim, nil
	}
	return claimNone, err
}

// look reads the Secret of the wanted name from the API server: for what the
// cache does not hold because it has no label, and before something is replaced. It
// reads no more than the metadata of what is somebody else's.
func (r *oauthClientReconciler) look(ctx context.Context, seen *clientObservation) (err error) {
	key := client.ObjectKey{Namespace: seen.client.Namespace, Name: seen.client.SecretName()}
	found := &metav1.PartialObjectMetadata{}
	found.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	seen.looked, seen.secret, seen.claim = true, nil, claimNone
	if err := r.live.Get(ctx, key, found); err != nil {
		return client.IgnoreNotFound(err)
	}
	seen.secret = &corev1.Secret{ObjectMeta: found.ObjectMeta}
	if seen.claim, err = r.claimed(ctx, seen, found); err != nil || seen.claim == claimNone {
		return err
	}
	seen.secret = &corev1.Secret{}
	if err := r.live.Get(ctx, key, seen.secret); err != nil {
		return overtaken(err)
	}
	// It may be another one by now.
	seen.claim, err = r.claimed(ctx, seen, seen.secret)
	return err
}

// isOurs reports whether an unowned Secret of another name is what the client had
// before: it holds one of its credentials. What was retained for a client of the
// same name is not.
func isOurs(c *v1alpha1.OAuthClient, secret *corev1.Secret) bool {
	return claimTo(c, secret, "") == claimHeir && find(c.Status.Credentials, secret.Annotations[v1alpha1.AnnotationCredential]) != nil
}
