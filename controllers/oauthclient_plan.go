package controllers

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
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

	// cause is why the client secret is replaced: none if it is not.
	cause string

	// announce are the credentials that the status has to name before the Secret
	// is written: none where it names the current one already, or none at all.
	announce []v1alpha1.ClientCredential

	// touch says that the Secret has to be touched before that.
	touch bool

	// rotation is when the current client secret is replaced next.
	rotation rotation

	// left and again go with stepLeave.
	left  metav1.Condition
	again time.Duration

	// values are the client secrets that must not be repeated to anybody.
	values []string
}

// planFor decides. It is the same for the same observation, but for the secret
// values that it makes.
func planFor(seen *clientObservation, v verdict, now time.Time) plan {
	c := seen.client
	leave := func(reason, message string, again time.Duration) plan {
		return plan{left: fails(v1alpha1.ConditionCredentialsReady, reason, message), again: again}
	}
	if !v.ok() {
		return leave(v1alpha1.ReasonNotAttempted, "the registration is not accepted: a Secret that exists stays as it is", 0)
	}
	if problems := validation.ClientSecret(c); len(problems) > 0 {
		return leave(problems[0].Reason, validation.Message(problems), 0)
	}
	if seen.secret != nil && seen.claim == claimNone {
		return leave(v1alpha1.ReasonSecretConflict, fmt.Sprintf(
			"Secret %q exists and was not made for this OAuthClient: it is left alone. Delete it, or set spec.secret.name to another name, "+
				"or allow to take it over with the annotation %s of the namespace", c.SecretName(), v1alpha1.AnnotationAdoptSecrets), unwatched)
	}
	if why := seen.unadoptable(); why != "" {
		return leave(v1alpha1.ReasonSecretConflict, why, unwatched)
	}
	var p plan
	if c.HasSecret() {
		active, ok := seen.ring.Active(keyring.UseVerifier, now)
		if !ok {
			return leave(v1alpha1.ReasonVerifierKeyMissing, "verifiers cannot be made: "+seen.whyNoKey(), 0)
		}
		if fault := seen.reference.fault(c); fault != nil {
			return plan{left: *fault}
		}
		p.decide(seen, active, now)
	}
	var err error
	if p.secret, err = clientSecret(seen.resolved(), v.server, p.current); err != nil {
		return leave(v1alpha1.ReasonTemplateInvalid, err.Error(), 0)
	}
	p.secret.keepType(seen)
	p.step, p.facts = stepFor(p.secret, seen.secret, p.facts)
	p.prepare(seen, now)
	return p
}

// decide says which client secret the Secret is to hold.
func (p *plan) decide(seen *clientObservation, active keyring.Key, now time.Time) {
	c := seen.client
	e := seen.evidence(now)
	current, fact := currentCredential(e, active)
	p.values = append(p.values, current.value, e.brought)
	if e.secret != nil {
		p.values = append(p.values, e.value())
	}
	p.rotation = rotationOf(c, current.CreatedAt.Time, now)
	switch {
	case fact != "":
		p.facts, p.cause = append(p.facts, fact), causeRepair
	case e.brought != "" && current.value != e.brought:
		p.facts, p.cause = append(p.facts, "the client secret that spec.secret.ref names has changed"), causeReference
	case len(c.Status.Credentials) == 0, pending(current.ClientCredential), seen.secret == nil, len(seen.others) > 0:
		// What has begun comes to its end first: a client secret that the Secret has
		// and the status does not name as current yet; a Secret of another name.
	case p.rotation.cause != "":
		p.facts, p.cause = append(p.facts, rotationFacts[p.rotation.cause]), p.rotation.cause
	case slices.ContainsFunc(c.Status.Credentials, pending):
		p.facts, p.cause = append(p.facts, "a replacement of the client secret was under way"), causeRepair
	}
	if p.cause != "" && fact == "" {
		current = newCredential(e, active)
		p.values = append(p.values, current.value)
	}
	p.current = &current
}

// rotationFacts say why a client secret is replaced that is intact.
var rotationFacts = map[string]string{
	causeInterval: "the client secret is as old as rotation.interval allows",
	causeRequest:  "the annotation " + v1alpha1.AnnotationRotate + " asks for a new client secret",
}

// prepare says what the status has to say first, so that the server accepts the
// client secret from the moment on when it is in the Secret. Of a client whose
// credentials were never published nobody expects that.
func (p *plan) prepare(seen *clientObservation, now time.Time) {
	published := seen.client.Status.Credentials
	if p.current == nil || p.step == stepKeep || len(published) == 0 || find(published, p.current.ID) != nil {
		return
	}
	p.touch = countPending(published) >= maxPending
	p.announce = announced(aged(seen.client, published, now), p.current.ClientCredential, p.touch, now)
}

// evidence is what tells of the client secret.
func (seen *clientObservation) evidence(now time.Time) evidence {
	return evidence{
		clientUID: string(seen.client.UID),
		ring:      seen.ring,
		now:       now,
		secret:    carrierOf(seen),
		adopted:   seen.claim == claimAdopt,
		published: seen.client.Status.Credentials,
		brought:   seen.reference.value,
		minted:    seen.minted,
	}
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
	facts = append(append(facts, want.excess(have).facts...), want.differences(have)...)
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

// redact takes the secrets out of what an admission webhook may have said.
func (p plan) redact(message string) string {
	const shortest = 4 // of what is worth to be hidden
	var pairs []string
	for _, value := range p.values {
		if len(value) >= shortest {
			pairs = append(pairs, value, "[redacted]", base64.StdEncoding.EncodeToString([]byte(value)), "[redacted]")
		}
	}
	return strings.NewReplacer(pairs...).Replace(message)
}

// fault says why the client secret that is brought cannot be used, as the
// condition CredentialsReady.
func (ref reference) fault(c *v1alpha1.OAuthClient) *metav1.Condition {
	if c.Spec.Secret.Ref == nil {
		return nil
	}
	name, key := c.Spec.Secret.Ref.Name, c.Spec.Secret.Ref.KeyOrDefault()
	no := func(reason, format string, args ...any) *metav1.Condition {
		fault := fails(v1alpha1.ConditionCredentialsReady, reason, fmt.Sprintf(format, args...))
		return &fault
	}
	switch {
	case !ref.found:
		return no(v1alpha1.ReasonReferencedSecretNotFound, "Secret %q, which spec.secret.ref names, does not exist: nothing is made in its place", name)
	case !ref.hasKey:
		return no(v1alpha1.ReasonReferencedSecretNotFound, "Secret %q, which spec.secret.ref names, has no key %q: nothing is made in its place", name, key)
	}
	if err := credential.Check(ref.value); err != nil {
		return no(v1alpha1.ReasonClientSecretTooWeak, "the client secret in key %q of Secret %q is not accepted: %s", key, name, err)
	}
	return nil
}
