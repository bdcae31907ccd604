package controllers

import (
	"encoding/base64"
	"regexp"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// issue is a client secret with what the server knows of it.
type issue struct {
	v1alpha1.ClientCredential
	value string
}

// evidence is what tells whether the client secret that exists is to stay.
type evidence struct {
	clientUID string
	ring      keyring.Ring
	now       time.Time

	// secret holds the value, or is nil.
	secret *corev1.Secret

	// adopted says that the secret was made by somebody else, and that its value
	// may be kept all the same if it is strong enough.
	adopted bool

	// published are the credentials of the status.
	published []v1alpha1.ClientCredential

	// brought is the client secret that spec.secret.ref names, or empty.
	brought string

	// minted is the client secret that was made before for a replacement that has
	// not come to its end, or empty.
	minted string
}

// losses are the facts, in the order in which they are looked at, for which a
// client gets a new secret under a new credential id.
var losses = []struct {
	fact  string
	holds func(evidence) bool
}{
	{"the Secret is missing", func(e evidence) bool { return e.secret == nil }},
	{"client-secret is missing", func(e evidence) bool { return e.value() == "" }},
	{"client-secret was replaced before", func(e evidence) bool { return e.replaced() }},
	{"client-secret is not one that the controller has made", func(e evidence) bool { return !e.verified() && !e.plausible() }},
	{"client-secret does not match its verifier", evidence.contradicted},
}

// currentCredential returns the client's secret as it is in the Secret, with a
// verifier of the active key. A secret that is intact stays, also where its
// verifier was lost or was made with another key. If there has to be a new one,
// the fact says why.
func currentCredential(e evidence, active keyring.Key) (current issue, fact string) {
	for _, loss := range losses {
		if loss.holds(e) {
			return e.replacement(active), loss.fact
		}
	}
	return e.keep(active, e.id(), e.value()), ""
}

// replacement is for a client secret that was lost or damaged: the one that is
// brought is the same as before, and keeps its credential.
func (e evidence) replacement(active keyring.Key) issue {
	for _, p := range e.published {
		if e.brought != "" && isCurrent(p) && e.verifies(p, e.brought) {
			return e.keep(active, p.ID, e.brought)
		}
	}
	return newCredential(e, active)
}

// newCredential returns a client secret that takes the place of the one that is
// there: the one that is brought; or the one that was minted for this before; or
// a random one. If it was announced already, that is not repeated.
func newCredential(e evidence, active keyring.Key) issue {
	value := e.brought
	if value == "" {
		value = e.minted
	}
	for _, p := range e.published {
		if value != "" && p.State == v1alpha1.CredentialPending && e.verifies(p, value) {
			return e.keep(active, p.ID, value)
		}
	}
	if e.brought == "" {
		value = credential.NewSecret()
	}
	return e.keep(active, credential.NewID(), value)
}

// keep is the credential of that id and value, with what is known of it.
func (e evidence) keep(active keyring.Key, id, value string) issue {
	kept := issue{value: value}
	kept.ID = id
	kept.CreatedAt = metav1.NewTime(e.now.UTC().Truncate(time.Second))
	if p := find(e.published, id); p != nil {
		kept.LastUsedAt = p.LastUsedAt
		kept.State = p.State
		if !p.CreatedAt.IsZero() {
			kept.CreatedAt = p.CreatedAt
		}
	}
	// The verifier is the same for the same secret, so comparing it with what is
	// published shows whether that is still right.
	kept.Verifier = credential.Verifier(active.ID, active.Material, e.subject(id), value)
	return kept
}

// find returns the credential of that id, or nil.
func find(credentials []v1alpha1.ClientCredential, id string) *v1alpha1.ClientCredential {
	for i := range credentials {
		if credentials[i].ID == id {
			return &credentials[i]
		}
	}
	return nil
}

func (e evidence) subject(id string) credential.Subject {
	return credential.Subject{ClientUID: e.clientUID, CredentialID: id}
}

func (e evidence) value() string {
	return string(e.secret.Data[v1alpha1.SecretKeyClientSecret])
}

// verifies reports whether the credential is known to be that of the value.
func (e evidence) verifies(p v1alpha1.ClientCredential, value string) bool {
	key, ok := e.keyOf(p.Verifier)
	return ok && credential.Matches(p.Verifier, key.Material, e.subject(p.ID), value)
}

// match returns the published credential whose secret the value is: rather one
// that lives on than one that was replaced. It is nil if there is none.
func (e evidence) match() *v1alpha1.ClientCredential {
	var match *v1alpha1.ClientCredential
	for i := range e.published {
		p := &e.published[i]
		if !e.verifies(*p, e.value()) {
			continue
		}
		if match == nil || match.State == v1alpha1.CredentialRetiring || (p.State != v1alpha1.CredentialRetiring && e.annotated() == p.ID) {
			match = p
		}
	}
	return match
}

func (e evidence) verified() bool { return e.match() != nil }

// replaced reports whether the value, or where that cannot be told the
// annotation, is that of a credential that was replaced: an old manifest of the
// Secret does not bring a client secret back.
func (e evidence) replaced() bool {
	match := e.match()
	if match == nil {
		match = find(e.published, e.annotated())
	}
	return match != nil && match.State == v1alpha1.CredentialRetiring
}

// contradicted reports whether a verifier that can be checked says that the value
// is not the one that was issued. A verifier that is malformed, or whose key is
// gone, says nothing.
func (e evidence) contradicted() bool {
	if e.verified() || e.adopted {
		return false
	}
	id := e.annotated()
	for _, p := range e.published {
		if id != "" && p.ID != id {
			continue
		}
		if _, ok := e.keyOf(p.Verifier); ok {
			return true
		}
	}
	return false
}

func (e evidence) keyOf(verifier string) (keyring.Key, bool) {
	keyID, err := credential.KeyID(verifier)
	if err != nil {
		return keyring.Key{}, false
	}
	return e.ring.Find(keyring.UseVerifier, keyID, e.now)
}

// id returns the id of the credential whose secret is there: the published one
// whose verifier matches; or the one that the Secret names; or a new one.
func (e evidence) id() string {
	if match := e.match(); match != nil {
		return match.ID
	}
	if id := e.annotated(); id != "" {
		return id
	}
	return credential.NewID()
}

var credentialID = regexp.MustCompile(`^[a-z2-7]{12}$`)

// annotated returns the id that the Secret names, or nothing.
func (e evidence) annotated() string {
	if id := e.secret.Annotations[v1alpha1.AnnotationCredential]; credentialID.MatchString(id) {
		return id
	}
	return ""
}

// plausible reports whether a value that no verifier knows can be the client's
// secret: one that the controller makes, or one that is good enough to have been
// brought or taken over before the verifier was lost.
func (e evidence) plausible() bool {
	value := e.value()
	if e.brought != "" {
		return value == e.brought
	}
	return wellFormed(value) || credential.Check(value) == nil
}

// secretBytes is the size of what credential.NewSecret returns, decoded.
const secretBytes = 32

// wellFormed reports whether the value looks like a client secret of the
// controller's making. It keeps a value that somebody has typed in from
// becoming a credential where there is no verifier to say that it is none.
func wellFormed(value string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(value)
	return err == nil && len(b) == secretBytes
}
