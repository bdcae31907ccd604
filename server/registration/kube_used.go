package registration

import (
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// recorded returns the client as the cache has it, and when this replica has seen
// that a use of it was recorded, by itself or by another: zero if it has not.
func (c *Cluster) recorded(clientID string) (*v1alpha1.OAuthClient, time.Time) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if known := c.clients[clientID]; known != nil {
		return known.object, known.recorded
	}
	return nil, time.Time{}
}

// noteRecorded notes that a use of the client has just been recorded.
func (c *Cluster) noteRecorded(clientID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.clients[clientID]; known != nil {
		known.recorded = c.live.now()
	}
}

// recordedIn returns when a use was last seen to be recorded, given the new
// version of a known client.
func (known *registered) recordedIn(oac *v1alpha1.OAuthClient, now time.Time) time.Time {
	switch {
	case known == nil || known.object.UID != oac.UID:
		return time.Time{}
	case usedSince(known.object, oac):
		return now
	}
	return known.recorded
}

// usedSince reports whether a use was recorded between two versions of a client.
func usedSince(before, after *v1alpha1.OAuthClient) bool {
	for i := range after.Status.Credentials {
		is := &after.Status.Credentials[i]
		if is.LastUsedAt.IsZero() {
			continue
		}
		was := credentialOf(before, is.ID)
		if was < 0 || before.Status.Credentials[was].LastUsedAt.Before(is.LastUsedAt) {
			return true
		}
	}
	return false
}

// credentialOf returns the index of the credential in the status, or -1.
func credentialOf(oac *v1alpha1.OAuthClient, id string) int {
	for i := range oac.Status.Credentials {
		if oac.Status.Credentials[i].ID == id {
			return i
		}
	}
	return -1
}

// nextRecord returns when a use of the client may be written next, so that there
// is useInterval between two writes, whichever replicas make them. A replica that
// has not seen when the last one was made, because it was started since, knows
// that what it wrote was not older than useInterval.
func nextRecord(oac *v1alpha1.OAuthClient, recorded time.Time) time.Time {
	if !recorded.IsZero() {
		return recorded.Add(useInterval)
	}
	var last time.Time
	for i := range oac.Status.Credentials {
		if at := oac.Status.Credentials[i].LastUsedAt; at != nil && at.After(last) {
			last = at.Time
		}
	}
	if last.IsZero() {
		return last
	}
	return last.Add(2 * useInterval)
}

// unwritten returns the uses that the status does not know of and that are not
// too old to be written.
func (u *uses) unwritten(oac *v1alpha1.OAuthClient, now time.Time) []use {
	var unwritten []use
	for _, one := range u.last {
		i := credentialOf(oac, one.credential)
		if i < 0 || now.Sub(one.at) > useAge {
			continue
		}
		if was := oac.Status.Credentials[i].LastUsedAt; was == nil || was.Before(&metav1.Time{Time: one.at.Truncate(time.Second)}) {
			unwritten = append(unwritten, one)
		}
	}
	return unwritten
}

// usePatch returns the JSON Patch (RFC 6902) that writes the uses into the status
// of exactly this version of the client.
func usePatch(oac *v1alpha1.OAuthClient, uses []use) ([]byte, error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	patch := []operation{{"test", "/metadata/resourceVersion", oac.ResourceVersion}}
	for _, one := range uses {
		at := fmt.Sprintf("/status/credentials/%d", credentialOf(oac, one.credential))
		patch = append(patch,
			operation{"test", at + "/id", one.credential},
			operation{"add", at + "/lastUsedAt", metav1.NewTime(one.at.UTC().Truncate(time.Second))})
	}
	return json.Marshal(patch)
}
