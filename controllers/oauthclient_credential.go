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

	// published are the credentials of the status.
	published []v1alpha1.ClientCredential
}

// losses are the facts, in the order in which they are looked at, for which a
// client gets a new secret under a new credential id.
var losses = []struct {
	fact  string
	holds func(evidence) bool
}{
	{"the Secret is missing", func(e evidence) bool { return e.secret == nil }},
	{"client-secret is missing", func(e evidence) bool { return e.value() == "" }},
	{"client-secret is not one that the controller has made", func(e evidence) bool { return !wellFormed(e.value()) }},
	{"client-secret does not match its verifier", evidence.contradicted},
}

// currentCredential returns the client's secret as it is to be, with a verifier
// of the active key. A secret that is intact stays, also where its verifier was
// lost or was made with another key. If there has to be a new one, the fact says
// why.
func currentCredential(e evidence, active keyring.Key) (current issue, fact string) {
	for _, loss := range losses {
		if loss.holds(e) {
			return newCredential(e, active), loss.fact
		}
	}
	current.value = e.value()
	current.ID = e.id()
	current.CreatedAt = metav1.NewTime(e.now.UTC().Truncate(time.Second))
	for _, p := range e.published {
		if p.ID == current.ID && !p.CreatedAt.IsZero() {
			current.CreatedAt = p.CreatedAt
		}
	}
	current.Verifier = e.verifier(active, current.ID, current.value)
	return current, ""
}

func newCredential(e evidence, active keyring.Key) issue {
	made := issue{value: credential.NewSecret()}
	made.ID = credential.NewID()
	made.CreatedAt = metav1.NewTime(e.now.UTC().Truncate(time.Second))
	made.Verifier = e.verifier(active, made.ID, made.value)
	return made
}

// verifier is the same for the same secret, so comparing it with what is
// published shows whether that is still right.
func (e evidence) verifier(key keyring.Key, id, value string) string {
	return credential.Verifier(key.ID, key.Material, e.subject(id), value)
}

func (e evidence) subject(id string) credential.Subject {
	return credential.Subject{ClientUID: e.clientUID, CredentialID: id}
}

func (e evidence) value() string {
	return string(e.secret.Data[v1alpha1.SecretKeyClientSecret])
}

// contradicted reports whether a verifier that can be checked says that the value
// is not the one that was issued. A verifier that is malformed, or whose key is
// gone, says nothing.
func (e evidence) contradicted() bool {
	id, annotated := e.annotatedID()
	checked := false
	for _, p := range e.published {
		if annotated && p.ID != id {
			continue
		}
		key, ok := e.keyOf(p.Verifier)
		if !ok {
			continue
		}
		if credential.Matches(p.Verifier, key.Material, e.subject(p.ID), e.value()) {
			return false
		}
		checked = true
	}
	return checked
}

func (e evidence) keyOf(verifier string) (keyring.Key, bool) {
	keyID, err := credential.KeyID(verifier)
	if err != nil {
		return keyring.Key{}, false
	}
	return e.ring.Find(keyring.UseVerifier, keyID, e.now)
}

// id returns the id of the credential whose secret is there: the one that the
// Secret names; or the published one whose verifier matches; or a new one.
func (e evidence) id() string {
	if id, ok := e.annotatedID(); ok {
		return id
	}
	for _, p := range e.published {
		if key, ok := e.keyOf(p.Verifier); ok && credential.Matches(p.Verifier, key.Material, e.subject(p.ID), e.value()) {
			return p.ID
		}
	}
	return credential.NewID()
}

var credentialID = regexp.MustCompile(`^[a-z2-7]{12}$`)

func (e evidence) annotatedID() (string, bool) {
	id := e.secret.Annotations[v1alpha1.AnnotationCredential]
	return id, credentialID.MatchString(id)
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
