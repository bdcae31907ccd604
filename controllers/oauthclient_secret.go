package controllers

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"oauth-operator.dev/api/endpoint"
	"oauth-operator.dev/api/secrettemplate"
	"oauth-operator.dev/api/v1alpha1"
)

// secretKeys are all keys that the controller may write into a client's Secret.
var secretKeys = []string{
	v1alpha1.SecretKeyType, v1alpha1.SecretKeyProvider, v1alpha1.SecretKeyClientID, v1alpha1.SecretKeyClientSecret,
	v1alpha1.SecretKeyIssuerURI, v1alpha1.SecretKeyScopes, v1alpha1.SecretKeyAuthMethod, v1alpha1.SecretKeyRedirectURIs,
	v1alpha1.SecretKeyAuthorizeURI, v1alpha1.SecretKeyTokenURI, v1alpha1.SecretKeyUserinfoURI, v1alpha1.SecretKeyJWKSURI,
	v1alpha1.SecretKeyRevocationURI, v1alpha1.SecretKeyIntrospectionURI, v1alpha1.SecretKeyDeviceURI,
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

// keepType has a Secret that was taken over keep the type that it had, unless the
// template asks for one.
func (w *wantedSecret) keepType(seen *clientObservation) {
	have, asked := seen.secret, seen.client.Spec.Secret.Template
	if have != nil && have.Type != w.typ && (asked == nil || asked.Type == "") &&
		(seen.claim == claimAdopt || have.Annotations[annotationAdoptedType] == string(have.Type)) {
		w.typ = have.Type
		w.annotations[annotationAdoptedType] = string(have.Type)
		return
	}
	w.absentAnnotations = append(w.absentAnnotations, annotationAdoptedType)
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
	if slices.Contains(c.EffectiveGrantTypes(), v1alpha1.GrantTypeDeviceCode) {
		v.DeviceAuthorizationEndpoint = endpoint.URL(issuer, endpoint.DeviceAuthorization)
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
		v1alpha1.SecretKeyDeviceURI:        v.DeviceAuthorizationEndpoint,
	} {
		if value != "" {
			data[key] = []byte(value)
		}
	}
	return data
}
