package registration

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"oauth-operator.dev/api/v1alpha1"
)

// The server reads registrations and what decides about them. What it writes is
// in kube_use.go.
//
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=authorizationservers,verbs=list;watch
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthclients,verbs=get;list;watch,roleName=oauth-operator-server-clients
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// Cluster finds the clients that are registered in the cluster, of every issuer.
//
// It follows the cache's informers and compiles a client when it is first asked
// for; what it compiled is good until the client, an AuthorizationServer or the
// labels of the namespace change. So a registration that the policy no longer
// allows stops working with the event that says so, whatever its status says.
//
// There is one compiled client for each OAuthClient in the cache at most.
type Cluster struct {
	mu         sync.RWMutex
	clients    map[string]*registered // by client_id
	namespaces map[string]*namespace
	servers    *servers
	revision   uint64 // of the servers or neighbours that were made last

	// members are the clients of each namespace by name, and neighbours what
	// was made of them for the policies that count clients.
	members    map[string]map[string]*v1alpha1.OAuthClient
	neighbours map[string]*neighbours

	live     *liveLookups
	renewals *renewals
	synced   []func() bool
}

// registered is an OAuthClient as the cache has it. A new version of the object
// is a new registered.
type registered struct {
	object   *v1alpha1.OAuthClient // of the cache: never changed here
	recorded time.Time             // when a use was seen to be recorded; zero for never
	compiled atomic.Pointer[verdict]
}

// namespace is the labels of one namespace. New labels are a new namespace.
type namespace struct {
	uid    types.UID
	labels map[string]string
}

// servers is every AuthorizationServer. A change to one is a new servers.
type servers struct {
	all      []*v1alpha1.AuthorizationServer // of the cache: never changed here
	revision uint64
}

// NewCluster follows the registrations in the cache of a manager, which has to be
// made with CacheOptions for the same namespaces. A client that the cache does not
// know yet is looked up through the manager's APIReader, which reads past every
// cache. A client of another namespace than those that are named is unknown.
func NewCluster(mgr cluster.Cluster, namespaces ...string) (*Cluster, error) {
	c := newCluster(mgr.GetAPIReader(), time.Now, namespaces...)
	return c, c.follow(mgr)
}

// follow has the informers of the manager's cache tell of every change.
func (c *Cluster) follow(mgr cluster.Cluster) error {
	for _, kind := range []struct {
		object client.Object
		set    func(obj any)
		gone   func(obj any)
	}{
		{&v1alpha1.OAuthClient{}, c.setClient, c.removeClient},
		{&v1alpha1.AuthorizationServer{}, c.setServer, c.removeServer},
		{namespaceMetadata(), c.setNamespace, c.removeNamespace},
	} {
		informer, err := mgr.GetCache().GetInformer(context.Background(), kind.object, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("registration: watching %T: %w", kind.object, err)
		}
		handled, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    kind.set,
			UpdateFunc: func(_, obj any) { kind.set(obj) },
			DeleteFunc: kind.gone,
		})
		if err != nil {
			return fmt.Errorf("registration: watching %T: %w", kind.object, err)
		}
		c.synced = append(c.synced, handled.HasSynced)
	}
	return nil
}

func newCluster(live client.Reader, now func() time.Time, namespaces ...string) *Cluster {
	return &Cluster{
		clients:    map[string]*registered{},
		namespaces: map[string]*namespace{},
		servers:    &servers{},
		members:    map[string]map[string]*v1alpha1.OAuthClient{},
		neighbours: map[string]*neighbours{},
		live:       newLiveLookups(live, now, namespaces),
		renewals:   newRenewals(now),
	}
}

// HasSynced reports whether every registration that existed at the start is
// known here. Until then Lookup answers, but at a price.
func (c *Cluster) HasSynced() bool {
	for _, synced := range c.synced {
		if !synced() {
			return false
		}
	}
	return true
}

// For returns the registry of the clients of one AuthorizationServer.
func (c *Cluster) For(authorizationServer string) Registry {
	return clientsOf{cluster: c, server: authorizationServer}
}

type clientsOf struct {
	cluster *Cluster
	server  string
}

// Lookup implements Registry. A client that was compiled before costs no
// allocation.
func (r clientsOf) Lookup(ctx context.Context, clientID string) (*Client, error) {
	v := r.cluster.cached(clientID)
	if !v.final() {
		live, err := r.cluster.lookupLive(ctx, clientID, v != nil)
		switch {
		case err == nil:
			v = live
		case v == nil:
			return nil, err
		}
		// Otherwise the cache's verdict is the best there is.
	}
	switch {
	case v.err != nil:
		return nil, v.err
	case v.server != r.server:
		return nil, ErrUnknown
	default:
		return v.client, nil
	}
}

// cached returns what the cache makes of the client, or nil if it does not know
// the client.
func (c *Cluster) cached(clientID string) *verdict {
	c.mu.RLock()
	known := c.clients[clientID]
	if known == nil {
		c.mu.RUnlock()
		return nil
	}
	name := known.object.Namespace
	servers, ns, around := c.servers, c.namespaces[name], c.neighbours[name]
	c.mu.RUnlock()
	if v := known.compiled.Load(); v != nil && v.madeFrom(servers, ns, around) {
		return v
	}
	v := compile(known.object, servers, ns, func() *neighbours { return c.neighboursIn(name) })
	known.compiled.Store(v)
	return v
}
