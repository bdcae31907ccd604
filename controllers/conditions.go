package controllers

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// holds returns a condition that is True.
func holds(condition, reason, message string) metav1.Condition {
	return metav1.Condition{Type: condition, Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

// fails returns a condition that is False.
func fails(condition, reason, message string) metav1.Condition {
	return metav1.Condition{Type: condition, Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

// summary returns the condition Ready: True if all parts are, or else what the
// first says that is not.
func summary(message string, parts ...metav1.Condition) metav1.Condition {
	for _, p := range parts {
		if p.Status != metav1.ConditionTrue {
			return fails(v1alpha1.ConditionReady, p.Reason, p.Message)
		}
	}
	return holds(v1alpha1.ConditionReady, v1alpha1.ReasonReady, message)
}

// lasting are the reasons for not being Ready that end only when somebody changes
// something. For the others it is enough to wait: for what is referred to, for the
// next try, for keys. A person who is disabled is what somebody wants.
var lasting = map[string]bool{
	v1alpha1.ReasonInvalid:             true,
	v1alpha1.ReasonNotAllowed:          true,
	v1alpha1.ReasonSecretConflict:      true,
	v1alpha1.ReasonClientSecretTooWeak: true,
	v1alpha1.ReasonTemplateInvalid:     true,
	v1alpha1.ReasonIssuerConflict:      true,
	v1alpha1.ReasonKeysUnusable:        true,
	v1alpha1.ReasonUsernameConflict:    true,
	v1alpha1.ReasonPasswordHashInvalid: true,
}

// withConditions returns the conditions as they are to be from now on, with
// Stalled where Ready asks for it. Those that say what they said before keep their
// time.
func withConditions(before []metav1.Condition, generation int64, now metav1.Time, current ...metav1.Condition) []metav1.Condition {
	ready := meta.FindStatusCondition(current, v1alpha1.ConditionReady)
	if ready != nil && ready.Status == metav1.ConditionFalse && lasting[ready.Reason] {
		current = append(current, metav1.Condition{
			Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: ready.Reason, Message: ready.Message,
		})
	}
	after := make([]metav1.Condition, 0, len(current))
	for _, c := range current {
		c.ObservedGeneration = generation
		c.LastTransitionTime = now
		if old := meta.FindStatusCondition(before, c.Type); old != nil && old.Status == c.Status && !old.LastTransitionTime.IsZero() {
			c.LastTransitionTime = old.LastTransitionTime
		}
		after = append(after, c)
	}
	return after
}

// maxNote is the most that an event can say (events.k8s.io/v1 Event.note).
const maxNote = 1024

// announce reports a change of Ready. That an object becomes Ready for the first
// time is what everybody expects, and worth no event.
func announce(recorder events.EventRecorder, o client.Object, before, after []metav1.Condition) {
	was := meta.FindStatusCondition(before, v1alpha1.ConditionReady)
	is := meta.FindStatusCondition(after, v1alpha1.ConditionReady)
	switch {
	case is == nil || (was != nil && was.Status == is.Status && was.Reason == is.Reason):
	case is.Status != metav1.ConditionTrue:
		report(recorder, o, corev1.EventTypeWarning, is.Reason, is.Message)
	case was != nil:
		report(recorder, o, corev1.EventTypeNormal, is.Reason, is.Message)
	}
}

// report writes an event about the object.
func report(recorder events.EventRecorder, o client.Object, kind, reason, note string) {
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote], "")
	}
	recorder.Eventf(o, nil, kind, reason, "Reconcile", "%s", note)
}
