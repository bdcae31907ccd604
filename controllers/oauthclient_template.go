package controllers

import (
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// Annotations of a client's Secret that are for the controller alone.
const (
	// annotationApplied lists what is in the Secret because a template said so.
	annotationApplied = v1alpha1.GroupName + "/applied"

	// annotationAdoptedType is the type of a Secret that was taken over, which it
	// keeps: it cannot be changed in place, and nobody has asked to delete it.
	annotationAdoptedType = v1alpha1.GroupName + "/adopted-type"

	// annotationTouched has no meaning but to be another than before.
	annotationTouched = v1alpha1.GroupName + "/touched"
)

// templated are the names of what a template has put into a Secret.
type templated struct {
	Keys        []string `json:"keys,omitempty"`
	Labels      []string `json:"labels,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
}

// appliedBy is the value of the annotation: nothing for a template that adds
// nothing.
func appliedBy(t *v1alpha1.SecretTemplate) string {
	if len(t.Data)+len(t.Labels)+len(t.Annotations) == 0 {
		return ""
	}
	text, err := json.Marshal(templated{
		Keys:        slices.Sorted(maps.Keys(t.Data)),
		Labels:      slices.Sorted(maps.Keys(t.Labels)),
		Annotations: slices.Sorted(maps.Keys(t.Annotations)),
	})
	if err != nil {
		return "" // it is made of texts alone
	}
	return string(text)
}

// appliedTo reads the annotation: one that was damaged says nothing. Nobody
// makes the controller remove by it what is not a template's: the operator's own
// labels and annotations are wanted anyway.
func appliedTo(have *corev1.Secret) (names templated) {
	if err := json.Unmarshal([]byte(have.Annotations[annotationApplied]), &names); err != nil {
		return templated{}
	}
	return names
}
