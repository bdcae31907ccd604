package kubernetes

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
)

// place is where the object of a grant is.
type place struct {
	namespace string
	client    string // the name of the OAuthClient
	name      string
}

// locate finds the place of a grant. It is false for a key that no grant here
// can have, so nothing a stranger sends becomes part of a URL, and for one in a
// namespace that is not served.
func (s *Store) locate(key grant.Key) (place, bool) {
	at, ok := locate(key)
	return at, ok && (len(s.namespaces) == 0 || slices.Contains(s.namespaces, at.namespace))
}

func locate(key grant.Key) (place, bool) {
	namespace, client, ok := strings.Cut(key.ClientID, ".")
	if !ok || !grant.ValidID(key.ID) ||
		len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(client)) > 0 {
		return place{}, false
	}
	return place{namespace: namespace, client: client, name: key.ID}, true
}

// SubjectLabel returns the value of v1alpha1.LabelSubject for a subject: the
// first 32 hexadecimal digits of its SHA-256, which is a label value whatever
// the subject is. In a shell: printf %s "$SUBJECT" | sha256sum | cut -c1-32
func SubjectLabel(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return hex.EncodeToString(sum[:16])
}

// object returns the object of a new grant.
func object(g grant.Grant, at place) *v1alpha1.OAuthGrant {
	return &v1alpha1.OAuthGrant{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: at.namespace,
			Name:      at.name,
			Labels: map[string]string{
				v1alpha1.LabelClient:              at.client,
				v1alpha1.LabelAuthorizationServer: g.Issuer,
				v1alpha1.LabelSubject:             SubjectLabel(g.Subject),
			},
			// The grant goes with the client. Nobody has to wait for it: to
			// block the deletion of an owner takes a permission of its own.
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(),
				Kind:       "OAuthClient",
				Name:       at.client,
				UID:        types.UID(g.ClientUID),
			}},
		},
		Spec: v1alpha1.OAuthGrantSpec{
			AuthorizationServer: g.Issuer,
			ClientID:            g.ClientID,
			ClientUID:           g.ClientUID,
			Subject:             g.Subject,
			Username:            g.Username,
			Scopes:              g.Scope,
			Claims:              g.Claims,
			Resources:           g.Resources,
			SessionID:           g.SessionID,
			AuthTime:            metav1.NewTime(g.AuthTime),
			CreatedAt:           metav1.NewTime(g.CreatedAt),
			EndsAt:              metav1.NewTime(g.EndsAt),
		},
		Status: status(g, 1, nil, g.CreatedAt),
	}
}

// status returns the status of a grant in the object of that generation. The
// conditions are those that the object has so far, and now is when one changes.
func status(g grant.Grant, generation int64, conditions []metav1.Condition, now time.Time) v1alpha1.OAuthGrantStatus {
	st := v1alpha1.OAuthGrantStatus{
		ObservedGeneration: generation,
		Generation:         g.Generation,
		ExpiresAt:          metav1.NewTime(g.ExpiresAt),
		Conditions:         append([]metav1.Condition(nil), conditions...),
	}
	if !g.RefreshedAt.IsZero() {
		t := metav1.NewMicroTime(g.RefreshedAt)
		st.RefreshedAt = &t
	}
	active := metav1.Condition{
		Type:               v1alpha1.ConditionActive,
		Status:             metav1.ConditionTrue,
		ObservedGeneration: generation,
		LastTransitionTime: metav1.NewTime(now),
		Reason:             v1alpha1.ReasonGranted,
		Message:            "The grant stands until status.expiresAt. Delete the object to revoke it.",
	}
	if g.Revoked != "" {
		active.Status, active.Reason, active.Message = metav1.ConditionFalse, string(g.Revoked), messages[g.Revoked]
	}
	apimeta.SetStatusCondition(&st.Conditions, active)
	return st
}

// messages are for people who look at a revoked grant.
var messages = map[grant.Reason]string{
	grant.RevokedByAdministrator: "An administrator has revoked the grant.",
	grant.Moved:                  "The grant was moved to another grant store.",
	grant.RevokedByClient:        "The client has said that it does not need the grant any more.",
	grant.LoggedOut:              "The person has logged out of the session in which it was allowed.",
	grant.CodeReplayed:           "The authorization code was presented a second time. Somebody may have stolen it, so all that came from it is revoked.",
	grant.RefreshTokenReused:     "A refresh token that had been replaced was presented. Somebody may have stolen it, so all that came from it is revoked.",
}

// notGranted is the reason of a grant that does not say that it stands: no
// server has left it like that.
const notGranted grant.Reason = "NotGranted"

// grantOf returns the grant that the object is. It returns grant.ErrNotFound
// for the object of another client or another name, and for one that is being
// deleted: deleting is how people revoke a grant, even where something holds up its
// end.
func grantOf(obj *v1alpha1.OAuthGrant, key grant.Key) (grant.Grant, error) {
	if obj.Spec.ClientID != key.ClientID || obj.Name != key.ID || obj.DeletionTimestamp != nil {
		return grant.Grant{}, grant.ErrNotFound
	}
	g := grant.Grant{
		ID:         obj.Name,
		Issuer:     obj.Spec.AuthorizationServer,
		ClientID:   obj.Spec.ClientID,
		ClientUID:  obj.Spec.ClientUID,
		Subject:    obj.Spec.Subject,
		Username:   obj.Spec.Username,
		Scope:      oauth.Scope(obj.Spec.Scopes),
		Claims:     oauth.Claims(obj.Spec.Claims),
		Resources:  obj.Spec.Resources,
		SessionID:  obj.Spec.SessionID,
		AuthTime:   obj.Spec.AuthTime.Time,
		CreatedAt:  obj.Spec.CreatedAt.Time,
		EndsAt:     obj.Spec.EndsAt.Time,
		Generation: obj.Status.Generation,
		ExpiresAt:  obj.Status.ExpiresAt.Time,
	}
	if obj.Status.RefreshedAt != nil {
		g.RefreshedAt = obj.Status.RefreshedAt.Time
	}
	g.Revoked = revoked(obj.Status.Conditions)
	return g.Normal(), nil
}

// revoked returns why a grant with these conditions does not stand, or "" for one
// that does. All that is said of it has to say so: a grant that somebody has taken
// back by hand does not stand for want of a reason.
func revoked(conditions []metav1.Condition) grant.Reason {
	stands := false
	for i := range conditions {
		switch c := &conditions[i]; {
		case c.Type != v1alpha1.ConditionActive:
		case c.Status == metav1.ConditionTrue:
			stands = true
		default:
			return cmp.Or(grant.Reason(c.Reason), notGranted)
		}
	}
	if !stands {
		return notGranted
	}
	return ""
}
