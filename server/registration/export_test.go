package registration

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"oauth-operator.dev/api/v1alpha1"
)

// NewLagging returns a Cluster whose cache knows what it is told with Learn.
func NewLagging(live client.Reader, now func() time.Time) *Cluster { return newCluster(live, now) }

// Learn is the cache's event that the object is there or has changed.
func (c *Cluster) Learn(obj any) {
	_, _ = trim(obj)
	switch obj.(type) {
	case *v1alpha1.OAuthClient:
		c.setClient(obj)
	case *v1alpha1.AuthorizationServer:
		c.setServer(obj)
	case *metav1.PartialObjectMetadata:
		c.setNamespace(obj)
	}
}

// Unlearn is the cache's event that the client was deleted.
func (c *Cluster) Unlearn(oac *v1alpha1.OAuthClient) { c.removeClient(oac) }

// Serves reports whether the cache alone is enough to serve the client, and has
// the verdict compiled afterwards.
func (c *Cluster) Serves(clientID string) bool { return c.cached(clientID).final() }

// Trim is what the cache's informers do to every object.
var Trim = trim

// LiveBurst is how many live lookups can be made at once.
const LiveBurst = liveBurst

// LiveMemory is how long a live answer counts.
const LiveMemory = liveMemory

// Bounds of renewals.
const (
	RenewRate   = renewRate
	RenewBurst  = renewBurst
	RenewEvery  = renewEvery
	RenewAtOnce = renewAtOnce
)

// NewOnClock returns the Cluster of a manager with a clock of its own.
func NewOnClock(mgr cluster.Cluster, now func() time.Time) (*Cluster, error) {
	c := newCluster(mgr.GetAPIReader(), now)
	return c, c.follow(mgr)
}

// Record writes once what may be written.
func (r *Recorder) Record(ctx context.Context) { r.record(ctx) }

// Noted returns of how many clients there is something to be written.
func (r *Recorder) Noted() int { return len(r.clients()) }

// Hurry lets a Recorder write as often as can be.
func (r *Recorder) Hurry() { r.pass = time.Millisecond }

// UseInterval is the time between two writes about one client, and UseRate how
// many writes there are in a second.
const (
	UseInterval = useInterval
	UseRate     = useRate
)

// Version returns the resourceVersion of the client in the cache.
func (c *Cluster) Version(clientID string) string {
	if oac, _ := c.recorded(clientID); oac != nil {
		return oac.ResourceVersion
	}
	return ""
}
