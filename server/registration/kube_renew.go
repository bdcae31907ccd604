package registration

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"oauth-operator.dev/server/throttle"
)

// Bounds of renewals. Whoever knows a client_id can send wrong secrets for it as
// fast as they like: what they can make of it is one look at that client every
// renewEvery, and renewRate looks a second whatever the clients are. A look is one
// request to the API server, and a second one for the namespace of a client that
// would be refused. What clients get that the cache does not know is counted
// apart, so one cannot use up the other.
const (
	renewRate  = 10 // a second
	renewBurst = 20

	renewEvery   = 2 * time.Second // of one client
	renewAtOnce  = 5               // of one client
	renewClients = 4096            // of which that is remembered

	// renewTimeout is how long somebody with a wrong secret may have to wait.
	renewTimeout = 2 * time.Second
)

// renewals are what asks the API server for clients that the cache knows, but
// not by the secret that was sent.
type renewals struct {
	limiter   *rate.Limiter
	perClient *throttle.Limiter
	flights   singleflight.Group
}

func newRenewals(now func() time.Time) *renewals {
	return &renewals{
		limiter:   rate.NewLimiter(renewRate, renewBurst),
		perClient: throttle.New(throttle.Options{Every: renewEvery, Burst: renewAtOnce, Keys: renewClients, Now: now}),
	}
}

// Renew implements Registry. What one request has found is good for all until
// the cache has caught up.
func (r clientsOf) Renew(ctx context.Context, known *Client) *Client {
	v := r.cluster.renew(ctx, known)
	if v == nil || v.server != r.server {
		return nil
	}
	return v.client
}

// renew returns a newer state of the client, or nil.
func (c *Cluster) renew(ctx context.Context, known *Client) *verdict {
	if v := c.live.answered(known.ID); v.newerThan(known) {
		return v
	}
	// A look that was under way when this request came may have been taken too
	// early. The one after it was not.
	for range 2 {
		v, own, err := c.renewLive(ctx, known)
		switch {
		case err != nil:
			return nil
		case v.newerThan(known):
			return v
		case own:
			return nil
		}
	}
	return nil
}

// renewLive returns what the API server knows of the client, and whether it was
// asked for this request. All who ask for one client at a time share one look.
func (c *Cluster) renewLive(ctx context.Context, known *Client) (*verdict, bool, error) {
	clientID := known.ID
	namespace, name, ok := splitID(clientID)
	if !ok || !c.live.serves(namespace) {
		return unknown, false, nil
	}
	own := false
	flight := c.renewals.flights.DoChan(clientID, func() (any, error) {
		own = true
		// A look may have ended between this request's view of the memory and here.
		if v := c.live.answered(clientID); v.newerThan(known) {
			return v, nil
		}
		if !c.renewals.perClient.Allow(clientID) || !c.renewals.limiter.AllowN(c.live.now(), 1) {
			return nil, errBusy
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
		defer cancel()
		changes := c.live.changesSoFar()
		v, err := c.readLive(ctx, namespace, name)
		if err != nil {
			return nil, fmt.Errorf("registration: asking the API server for a client: %w", err)
		}
		c.live.remember(clientID, v, changes)
		return v, nil
	})
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case result := <-flight:
		if result.Err != nil {
			return nil, own, result.Err
		}
		return result.Val.(*verdict), own, nil
	}
}

// newerThan reports whether the verdict is on a later state of the client, and
// good.
func (v *verdict) newerThan(known *Client) bool {
	if v == nil || v.client == nil {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(v.client.version, known.version)
	if err != nil {
		return v.client.version != known.version // of an API server that does not count
	}
	return order > 0
}
