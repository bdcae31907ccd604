package controllers

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"oauth-operator.dev/api/endpoint"
	"oauth-operator.dev/api/v1alpha1"
)

// wantedSecret is the controller's part of a Secret. What others add to the same
// Secret is theirs.
type wantedSecret struct {
	namespace, name string
	typ             corev1.SecretType
	labels          map[string]string
	annotations     map[string]string
	owner           *metav1.OwnerReference
	data            map[string][]byte

	// absent are the keys and annotations that must not be there.
	absentKeys        []string
	absentAnnotations []string
}

// secretKeys are all keys that the controller may write into a client's Secret.
var secretKeys = []string{
	v1alpha1.SecretKeyType, v1alpha1.SecretKeyProvider, v1alpha1.SecretKeyClientID, v1alpha1.SecretKeyClientSecret,
	v1alpha1.SecretKeyIssuerURI, v1alpha1.SecretKeyScopes, v1alpha1.SecretKeyAuthMethod, v1alpha1.SecretKeyRedirectURIs,
	v1alpha1.SecretKeyAuthorizeURI, v1alpha1.SecretKeyTokenURI, v1alpha1.SecretKeyUserinfoURI, v1alpha1.SecretKeyJWKSURI,
}

// clientSecret returns the Secret of a client as it is to be. A public client
// has no credential (nil) and so no client-secret.
func clientSecret(c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, current *issue) wantedSecret {
	issuer := as.Spec.Issuer
	data := map[string][]byte{}
	set := func(key, value string) {
		if value != "" {
			data[key] = []byte(value)
		}
	}
	set(v1alpha1.SecretKeyType, v1alpha1.SecretTypeOAuth2)
	set(v1alpha1.SecretKeyProvider, v1alpha1.SecretProvider)
	set(v1alpha1.SecretKeyClientID, v1alpha1.ClientID(c.Namespace, c.Name))
	set(v1alpha1.SecretKeyIssuerURI, issuer)
	set(v1alpha1.SecretKeyScopes, strings.Join(c.EffectiveScopes(as.Catalogue()), " "))
	set(v1alpha1.SecretKeyAuthMethod, string(c.EffectiveAuthMethod()))
	set(v1alpha1.SecretKeyRedirectURIs, strings.Join(c.Spec.RedirectURIs, " "))
	set(v1alpha1.SecretKeyAuthorizeURI, endpoint.URL(issuer, endpoint.Authorization))
	set(v1alpha1.SecretKeyTokenURI, endpoint.URL(issuer, endpoint.Token))
	set(v1alpha1.SecretKeyUserinfoURI, endpoint.URL(issuer, endpoint.Userinfo))
	set(v1alpha1.SecretKeyJWKSURI, endpoint.URL(issuer, endpoint.JWKS))
	w := wantedSecret{
		namespace: c.Namespace,
		name:      c.SecretName(),
		typ:       v1alpha1.SecretType,
		labels:    map[string]string{v1alpha1.LabelManaged: "true", v1alpha1.LabelClient: c.Name},
		owner:     controllerReference(c, "OAuthClient"),
		data:      data,
	}
	if current != nil {
		set(v1alpha1.SecretKeyClientSecret, current.value)
		w.annotations = map[string]string{v1alpha1.AnnotationCredential: current.ID}
	} else {
		w.absentAnnotations = []string{v1alpha1.AnnotationCredential}
	}
	for _, key := range secretKeys {
		if _, ok := data[key]; !ok {
			w.absentKeys = append(w.absentKeys, key)
		}
	}
	return w
}

// controllerReference does not block the deletion of the owner: that would need
// a permission of its own, and there is nothing to wait for.
func controllerReference(o metav1.Object, kind string) *metav1.OwnerReference {
	controller := true
	return &metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(),
		Kind:       kind,
		Name:       o.GetName(),
		UID:        o.GetUID(),
		Controller: &controller,
	}
}

// excess returns what is in the Secret and must not be, as facts.
func (w wantedSecret) excess(have *corev1.Secret) (keys, annotations, facts []string) {
	for _, key := range w.absentKeys {
		if _, ok := have.Data[key]; ok {
			keys, facts = append(keys, key), append(facts, key+" does not belong there")
		}
	}
	for _, key := range w.absentAnnotations {
		if _, ok := have.Annotations[key]; ok {
			annotations, facts = append(annotations, key), append(facts, "the annotation "+key+" does not belong there")
		}
	}
	return keys, annotations, facts
}

// differences returns what of the controller's part is missing or different, as
// facts. None of them holds a value.
func (w wantedSecret) differences(have *corev1.Secret) []string {
	var facts []string
	for _, key := range slices.Sorted(maps.Keys(w.data)) {
		switch value, ok := have.Data[key]; {
		case !ok:
			facts = append(facts, key+" is missing")
		case !bytes.Equal(value, w.data[key]):
			facts = append(facts, key+" is different")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.labels)) {
		if have.Labels[key] != w.labels[key] {
			facts = append(facts, "the label "+key+" is not right")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.annotations)) {
		if have.Annotations[key] != w.annotations[key] {
			facts = append(facts, "the annotation "+key+" is not right")
		}
	}
	if owner := metav1.GetControllerOfNoCopy(have); w.owner != nil && (owner == nil || owner.UID != w.owner.UID) {
		facts = append(facts, "the owner is not right")
	}
	return facts
}

// object is the Secret for a Create.
func (w wantedSecret) object() *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: w.name, Labels: w.labels, Annotations: w.annotations},
		Type:       w.typ,
		Data:       w.data,
	}
	if w.owner != nil {
		s.OwnerReferences = []metav1.OwnerReference{*w.owner}
	}
	return s
}

// applyTo is the Secret for a server-side apply to that very Secret in that very
// state: it fails with a conflict on any other.
func (w wantedSecret) applyTo(have *corev1.Secret) *corev1ac.SecretApplyConfiguration {
	s := corev1ac.Secret(w.name, w.namespace).
		WithUID(have.UID).
		WithResourceVersion(have.ResourceVersion).
		WithLabels(w.labels).
		WithAnnotations(w.annotations).
		WithType(w.typ).
		WithData(w.data)
	if w.owner != nil {
		s.WithOwnerReferences(metav1ac.OwnerReference().
			WithAPIVersion(w.owner.APIVersion).
			WithKind(w.owner.Kind).
			WithName(w.owner.Name).
			WithUID(w.owner.UID).
			WithController(true))
	}
	return s
}
