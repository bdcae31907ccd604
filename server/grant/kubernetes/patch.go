package kubernetes

import (
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
)

// operation is one step of a JSON Patch (RFC 6902 §4).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// advancePatch moves a grant on that is just as a server left it: at the
// generation from, never revoked, and with nothing else done to its object, so
// that the object's own generation has counted the same steps. Where anything
// is different the patch fails as a whole (RFC 6902 §5).
func advancePatch(key grant.Key, from int64, refreshedAt, expiresAt time.Time) ([]byte, error) {
	next := grant.Grant{RefreshedAt: refreshedAt, ExpiresAt: expiresAt}.Normal()
	was, is := from+1, from+2 // generations of the object: 1 when it is created
	const active = "/status/conditions/0"
	return json.Marshal([]operation{
		{"test", "/spec/clientID", key.ClientID},
		{"test", "/metadata/generation", was},
		{"test", "/status/generation", from},
		{"test", active + "/type", v1alpha1.ConditionActive},
		{"test", active + "/status", metav1.ConditionTrue},
		{"replace", "/status/generation", from + 1},
		{"add", "/status/refreshedAt", metav1.NewMicroTime(next.RefreshedAt)},
		{"replace", "/status/expiresAt", metav1.NewTime(next.ExpiresAt)},
		{"replace", "/status/observedGeneration", is},
		{"replace", active + "/observedGeneration", is},
	})
}

// statusPatch writes a changed status of a grant if its object is still the one
// that was read: a JSON Merge Patch (RFC 7396) that names the resourceVersion,
// which the API server answers with a conflict where it has moved.
func statusPatch(obj *v1alpha1.OAuthGrant, g grant.Grant, now time.Time) ([]byte, error) {
	type metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	}
	generation := obj.Generation + 1 // by this very write
	return json.Marshal(struct {
		Metadata metadata                  `json:"metadata"`
		Status   v1alpha1.OAuthGrantStatus `json:"status"`
	}{
		metadata{obj.ResourceVersion},
		status(g, generation, obj.Status.Conditions, now.UTC().Truncate(time.Second)),
	})
}
