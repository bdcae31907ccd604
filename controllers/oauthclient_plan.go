package controllers

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// step is what is to be done with the Secret.
type step int

const (
	stepLeave   step = iota // nothing, for the reason that the plan gives
	stepKeep                // nothing: all is as it should be
	stepCreate              // there is none
	stepRewrite             // the controller's part is written again
	stepReplace             // it is deleted and made again
)

// plan is what is to be done with the Secret of a client, and why.
type plan struct {
	step step

	// facts are what is not as it should be.
	facts []string

	secret  wantedSecret
	current *issue

	// left and again go with stepLeave.
	left  metav1.Condition
	again time.Duration
}

// planFor decides. It is the same for the same observation, but for the secret
// values that it makes.
func planFor(seen *clientObservation, v verdict, now time.Time) plan {
	leave := func(reason, message string, again time.Duration) plan {
		return plan{left: fails(v1alpha1.ConditionCredentialsReady, reason, message), again: again}
	}
	c := seen.client
	if !v.ok() {
		return leave(v1alpha1.ReasonNotAttempted, "the registration is not accepted: a Secret that exists stays as it is", 0)
	}
	if seen.secret != nil && !owns(c, seen.secret) {
		return leave(v1alpha1.ReasonSecretConflict, fmt.Sprintf(
			"Secret %q exists and was not made for this OAuthClient: it is left alone. Delete it, or set spec.secret.name to another name",
			c.SecretName()), unwatched)
	}
	var p plan
	carrier := carrierOf(seen)
	if c.EffectiveAuthMethod() != v1alpha1.AuthMethodNone {
		active, ok := seen.ring.Active(keyring.UseVerifier, now)
		if !ok {
			return leave(v1alpha1.ReasonVerifierKeyMissing, "verifiers cannot be made: "+seen.whyNoKey(), 0)
		}
		current, fact := currentCredential(evidence{
			clientUID: string(c.UID), ring: seen.ring, now: now, secret: carrier, published: c.Status.Credentials,
		}, active)
		p.current = &current
		if fact != "" {
			p.facts = append(p.facts, fact)
		}
	}
	p.secret = clientSecret(c, v.server, p.current)
	p.step, p.facts = stepFor(p.secret, seen.secret, p.facts)
	return p
}

// stepFor compares the Secret with what it is to be.
func stepFor(want wantedSecret, have *corev1.Secret, facts []string) (step, []string) {
	if have == nil {
		if len(facts) == 0 {
			facts = []string{"the Secret is missing"}
		}
		return stepCreate, facts
	}
	if have.Type != want.typ {
		return stepReplace, append(facts, "the type is not right")
	}
	_, _, excess := want.excess(have)
	facts = append(append(facts, excess...), want.differences(have)...)
	if len(facts) == 0 {
		return stepKeep, nil
	}
	return stepRewrite, facts
}

// carrierOf returns the Secret that holds the client's secret now: the one of the
// wanted name, or where there is none yet, the one that the status names.
func carrierOf(seen *clientObservation) *corev1.Secret {
	if seen.secret != nil {
		return seen.secret
	}
	if binding := seen.client.Status.Binding; binding != nil {
		for _, old := range seen.others {
			if old.Name == binding.Name {
				return old
			}
		}
	}
	return nil
}

func (seen *clientObservation) whyNoKey() string {
	if seen.ringFault != "" {
		return seen.ringFault
	}
	return "no key is in use"
}

// credential returns what the status says of the client's secret: nil for a
// public client.
func (p plan) credential() *v1alpha1.ClientCredential {
	if p.current == nil {
		return nil
	}
	return &p.current.ClientCredential
}

// redact takes the secret out of what an admission webhook may have said.
func (p plan) redact(message string) string {
	if p.current == nil {
		return message
	}
	value := p.current.value
	return strings.NewReplacer(value, "[redacted]",
		base64.StdEncoding.EncodeToString([]byte(value)), "[redacted]").Replace(message)
}
