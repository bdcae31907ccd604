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

// ownersOn returns the owners that the Secret is to have: its own, and those of
// others that are there.
func (w wantedSecret) ownersOn(have *corev1.Secret) []metav1.OwnerReference {
	owners := slices.DeleteFunc(slices.Clone(have.OwnerReferences), func(o metav1.OwnerReference) bool {
		return w.stale(o) || (w.owner != nil && o.UID == w.owner.UID)
	})
	if w.owner != nil {
		owners = append(owners, *w.owner)
	}
	return owners
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

// inPlaceOf is the Secret for a Create after that one was deleted: with what
// others have added to it.
func (w wantedSecret) inPlaceOf(have *corev1.Secret) *corev1.Secret {
	s, excess := w.object(), w.excess(have)
	s.Data = others(have.Data, excess.keys)
	maps.Copy(s.Data, w.data)
	s.Labels = others(have.Labels, excess.labels)
	maps.Copy(s.Labels, w.labels)
	s.Annotations = others(have.Annotations, append(excess.annotations, corev1.LastAppliedConfigAnnotation))
	maps.Copy(s.Annotations, w.annotations)
	s.OwnerReferences = w.ownersOn(have)
	return s
}

// others returns what there is but for some keys.
func others[V any](have map[string]V, without []string) map[string]V {
	rest := map[string]V{}
	for key, value := range have {
		if !slices.Contains(without, key) {
			rest[key] = value
		}
	}
	return rest
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
