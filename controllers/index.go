package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// Indexes of the cache.
const (
	// indexServer finds the OAuthClients that an AuthorizationServer concerns.
	indexServer = "authorizationServer"

	// indexOwner finds the Secrets that an object controls, by its UID, and by
	// unownedOf those of a client that nothing controls.
	indexOwner = "controller.uid"

	// indexReference finds the OAuthClients whose client secret is in a Secret.
	indexReference = "spec.secret.ref.name"

	// indexSource finds the OAuthClients that take redirect URIs from an object,
	// and with an empty name those that take them from any of its kind.
	indexSource = "spec.redirectURIsFrom"

	// indexIssuer finds the AuthorizationServers of the address of an issuer.
	indexIssuer = "spec.issuer"

	// indexUsername finds the OAuthUsers of a username.
	indexUsername = "spec.username"

	// indexPassword finds the OAuthUsers whose password hash is in a Secret.
	indexPassword = "spec.passwordSecretRef.name"
)

// noServer is the value of indexServer of the clients that have found none yet
// and named none.
const noServer = "(none)"

func indexFields(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range []struct {
		object client.Object
		name   string
		values func(client.Object) []string
	}{
		{&v1alpha1.OAuthClient{}, indexServer, serversOf},
		{&corev1.Secret{}, indexOwner, ownersOf},
		{&v1alpha1.OAuthClient{}, indexReference, referencesOf},
		{&v1alpha1.OAuthClient{}, indexSource, sourcesOf},
		{&v1alpha1.AuthorizationServer{}, indexIssuer, func(o client.Object) []string {
			return []string{validation.IssuerAddress(o.(*v1alpha1.AuthorizationServer).Spec.Issuer)}
		}},
		{&v1alpha1.OAuthUser{}, indexUsername, func(o client.Object) []string {
			return []string{o.(*v1alpha1.OAuthUser).Spec.Username}
		}},
		{&v1alpha1.OAuthUser{}, indexPassword, func(o client.Object) []string {
			return []string{o.(*v1alpha1.OAuthUser).Spec.PasswordSecretRef.Name}
		}},
	} {
		if err := indexer.IndexField(ctx, index.object, index.name, index.values); err != nil {
			return fmt.Errorf("%T by %s: %w", index.object, index.name, err)
		}
	}
	return nil
}

// serversOf returns the name of the AuthorizationServer that a client is, or
// wants to be, registered with.
func serversOf(o client.Object) []string {
	c := o.(*v1alpha1.OAuthClient)
	switch {
	case c.Spec.AuthorizationServerRef != nil:
		return []string{c.Spec.AuthorizationServerRef.Name}
	case c.Status.AuthorizationServer != "":
		return []string{c.Status.AuthorizationServer}
	default:
		return []string{noServer}
	}
}

func ownersOf(o client.Object) []string {
	if owner := metav1.GetControllerOfNoCopy(o); owner != nil {
		return []string{string(owner.UID)}
	}
	if name := o.GetLabels()[v1alpha1.LabelClient]; name != "" {
		return []string{unownedOf(name)}
	}
	return nil
}

// unownedOf is the value of indexOwner of the Secrets of a client of that name
// that nothing controls. No UID looks like it.
func unownedOf(name string) string { return "client/" + name }

func referencesOf(o client.Object) []string {
	if ref := o.(*v1alpha1.OAuthClient).Spec.Secret.Ref; ref != nil {
		return []string{ref.Name}
	}
	return nil
}

func sourcesOf(o client.Object) []string {
	var values []string
	for _, source := range o.(*v1alpha1.OAuthClient).Spec.RedirectURIsFrom {
		values = append(values, sourceIndex(source.Kind, source.Name), sourceIndex(source.Kind, ""))
	}
	return distinct(values)
}

// sourceIndex is the value of indexSource of a source.
func sourceIndex(kind v1alpha1.RedirectURISourceKind, name string) string {
	return string(kind) + "/" + name
}

// requestsFor returns a request for each object of the list that the options
// select.
func requestsFor(ctx context.Context, r client.Reader, list client.ObjectList, opts ...client.ListOption) []reconcile.Request {
	if err := r.List(ctx, list, append(opts, client.UnsafeDisableDeepCopy)...); err != nil {
		// The cache only fails when it is being stopped.
		return nil
	}
	var requests []reconcile.Request
	add := func(o metav1.Object) {
		requests = append(requests, reconcile.Request{
			NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()},
		})
	}
	switch l := list.(type) {
	case *v1alpha1.OAuthClientList:
		for i := range l.Items {
			add(&l.Items[i])
		}
	case *v1alpha1.AuthorizationServerList:
		for i := range l.Items {
			add(&l.Items[i])
		}
	case *v1alpha1.OAuthUserList:
		for i := range l.Items {
			add(&l.Items[i])
		}
	}
	return requests
}
