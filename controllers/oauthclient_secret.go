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
	"oauth-operator.dev/api/secrettemplate"
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

	// ownerKind is the kind of the owners of such Secrets. One of that kind that is
	// not the owner must not be there.
	ownerKind string

	// absent are the keys and annotations that must not be there.
	absentKeys        []string
	absentAnnotations []string
}

// secretKeys are all keys that the controller may write into a client's Secret.
var secretKeys = []string{
	v1alpha1.SecretKeyType, v1alpha1.SecretKeyProvider, v1alpha1.SecretKeyClientID, v1alpha1.SecretKeyClientSecret,
	v1alpha1.SecretKeyIssuerURI, v1alpha1.SecretKeyScopes, v1alpha1.SecretKeyAuthMethod, v1alpha1.SecretKeyRedirectURIs,
	v1alpha1.SecretKeyAuthorizeURI, v1alpha1.SecretKeyTokenURI, v1alpha1.SecretKeyUserinfoURI, v1alpha1.SecretKeyJWKSURI,
	v1alpha1.SecretKeyRevocationURI, v1alpha1.SecretKeyIntrospectionURI,
}

// clientSecret returns the Secret of a client as it is to be. A public client
// has no credential (nil) and so no client-secret. The error is that of a template
// that cannot be rendered.
func clientSecret(c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, current *issue) (wantedSecret, error) {
	w := wantedSecret{
		namespace: c.Namespace,
		name:      c.SecretName(),
		typ:       v1alpha1.SecretType,
		labels:    map[string]string{},
		ownerKind: "OAuthClient",
	}
	values := secretValuesOf(c, as, current)
	if err := w.fill(c.Spec.Secret.Template, values); err != nil {
		return wantedSecret{}, err
	}
	w.labels[v1alpha1.LabelManaged], w.labels[v1alpha1.LabelClient] = "true", c.Name
	if !c.RetainsSecret() {
		w.owner = controllerReference(c, w.ownerKind)
	}
	if current != nil {
		w.data[v1alpha1.SecretKeyClientSecret] = []byte(current.value)
		w.annotations[v1alpha1.AnnotationCredential] = current.ID
	} else {
		w.absentAnnotations = append(w.absentAnnotations, v1alpha1.AnnotationCredential)
	}
	for _, key := range secretKeys {
		if _, ok := w.data[key]; !ok {
			w.absentKeys = append(w.absentKeys, key)
		}
	}
	w.absentAnnotations = append(w.absentAnnotations, annotationTouched)
	return w, nil
}

// secretValuesOf are what a client's Secret is made of.
func secretValuesOf(c *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, current *issue) secrettemplate.Values {
	issuer := as.Spec.Issuer
	v := secrettemplate.Values{
		Namespace:               c.Namespace,
		Name:                    c.Name,
		ClientID:                v1alpha1.ClientID(c.Namespace, c.Name),
		Issuer:                  issuer,
		Provider:                v1alpha1.SecretProvider,
		TokenEndpointAuthMethod: string(c.EffectiveAuthMethod()),
		AuthorizationEndpoint:   endpoint.URL(issuer, endpoint.Authorization),
		TokenEndpoint:           endpoint.URL(issuer, endpoint.Token),
		UserinfoEndpoint:        endpoint.URL(issuer, endpoint.Userinfo),
		JWKSURI:                 endpoint.URL(issuer, endpoint.JWKS),
		RevocationEndpoint:      endpoint.URL(issuer, endpoint.Revocation),
		Scopes:                  c.EffectiveScopes(as.Catalogue()),
		RedirectURIs:            c.AllRedirectURIs(),
	}
	if current != nil {
		v.ClientSecret = current.value
	}
	if c.EffectiveAuthMethod() != v1alpha1.AuthMethodNone {
		v.IntrospectionEndpoint = endpoint.URL(issuer, endpoint.Introspection)
	}
	return v
}

// fill writes what the template says, or where there is none, the keys of the
// Service Binding specification.
func (w *wantedSecret) fill(t *v1alpha1.SecretTemplate, v secrettemplate.Values) (err error) {
	w.data, w.annotations = map[string][]byte{}, map[string]string{}
	if t == nil {
		t = &v1alpha1.SecretTemplate{}
	}
	if t.Type != "" {
		w.typ = corev1.SecretType(t.Type)
	}
	maps.Copy(w.labels, t.Labels)
	maps.Copy(w.annotations, t.Annotations)
	if len(t.Data) > 0 {
		w.data, err = secrettemplate.Render(t.Data, v)
	} else {
		w.data = bindingData(v)
	}
	// What the template puts there is noted, so that it goes when the template has
	// it no more.
	if applied := appliedBy(t); applied != "" {
		w.annotations[annotationApplied] = applied
	} else {
		w.absentAnnotations = append(w.absentAnnotations, annotationApplied)
	}
	return err
}

// bindingData are the keys of the Service Binding specification, but for
// client-secret.
func bindingData(v secrettemplate.Values) map[string][]byte {
	data := map[string][]byte{}
	for key, value := range map[string]string{
		v1alpha1.SecretKeyType:         v1alpha1.SecretTypeOAuth2,
		v1alpha1.SecretKeyProvider:     v.Provider,
		v1alpha1.SecretKeyClientID:     v.ClientID,
		v1alpha1.SecretKeyIssuerURI:    v.Issuer,
		v1alpha1.SecretKeyScopes:       strings.Join(v.Scopes, " "),
		v1alpha1.SecretKeyAuthMethod:   v.TokenEndpointAuthMethod,
		v1alpha1.SecretKeyRedirectURIs: strings.Join(v.RedirectURIs, " "),
		v1alpha1.SecretKeyAuthorizeURI: v.AuthorizationEndpoint,
		v1alpha1.SecretKeyTokenURI:     v.TokenEndpoint,
		v1alpha1.SecretKeyUserinfoURI:  v.UserinfoEndpoint,
		v1alpha1.SecretKeyJWKSURI:      v.JWKSURI,

		v1alpha1.SecretKeyRevocationURI:    v.RevocationEndpoint,
		v1alpha1.SecretKeyIntrospectionURI: v.IntrospectionEndpoint,
	} {
		if value != "" {
			data[key] = []byte(value)
		}
	}
	return data
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

// excess is what is in a Secret and must not be.
type excess struct {
	keys, labels, annotations []string

	// owners are those that stay, if there is one that must not.
	owners []metav1.OwnerReference

	// facts say what it is.
	facts []string
}

// excess returns what is in the Secret and must not be.
func (w wantedSecret) excess(have *corev1.Secret) excess {
	var e excess
	was := appliedTo(have)
	for _, key := range slices.Sorted(maps.Keys(have.Data)) {
		_, wanted := w.data[key]
		if slices.Contains(w.absentKeys, key) || (!wanted && slices.Contains(was.Keys, key)) {
			e.keys, e.facts = append(e.keys, key), append(e.facts, key+" does not belong there")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have.Labels)) {
		if _, wanted := w.labels[key]; !wanted && slices.Contains(was.Labels, key) {
			e.labels, e.facts = append(e.labels, key), append(e.facts, "the label "+key+" does not belong there")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have.Annotations)) {
		_, wanted := w.annotations[key]
		if slices.Contains(w.absentAnnotations, key) || (!wanted && slices.Contains(was.Annotations, key)) {
			e.annotations, e.facts = append(e.annotations, key), append(e.facts, "the annotation "+key+" does not belong there")
		}
	}
	if slices.ContainsFunc(have.OwnerReferences, w.stale) {
		e.owners = slices.DeleteFunc(slices.Clone(have.OwnerReferences), w.stale)
		if w.owner != nil && !slices.ContainsFunc(e.owners, func(o metav1.OwnerReference) bool { return o.UID == w.owner.UID }) {
			e.owners = append(e.owners, *w.owner)
		}
		e.facts = append(e.facts, "an owner does not belong there")
	}
	return e
}

// stale reports whether the owner is one of before: an object of the same kind
// that is no more, or the owner of a Secret that is to have none.
func (w wantedSecret) stale(o metav1.OwnerReference) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	return w.ownerKind != "" && o.Kind == w.ownerKind && group == v1alpha1.GroupName && (w.owner == nil || o.UID != w.owner.UID)
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
