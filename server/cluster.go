package server

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/clientdocument"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/kubernetes"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/grant/postgres"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/outbound"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Grant stores that ClusterOptions can name.
const (
	// StoreKubernetes keeps grants as OAuthGrant objects.
	StoreKubernetes = "kubernetes"

	// StoreMemory keeps grants in the process: for benchmarks, and for trying
	// things out with one replica.
	StoreMemory = "memory"

	// StorePostgres keeps grants in a database.
	StorePostgres = "postgres"
)

// ClusterOptions say how a Server stands on a cluster.
type ClusterOptions struct {
	// OperatorNamespace holds the keys, and the password hashes of OAuthUsers.
	OperatorNamespace string

	// Namespaces are those whose clients are served. Without any: all.
	Namespaces []string

	// ClientNetworks are networks, not public, in which the server may reach what
	// clients name (backchannelLogoutURI, jwksURI, sectorIdentifierURI).
	ClientNetworks []netip.Prefix

	// GrantStore is StoreKubernetes, StoreMemory or StorePostgres.
	GrantStore string

	// Postgres says where the database of StorePostgres is. Registerer and Log are
	// those below.
	Postgres postgres.Options

	// Notice is what people have to know on every page. "" for nothing.
	Notice string

	// Watch is called when a piece of work begins, and what it returns when that
	// has ended: for a liveness probe. It may be nil.
	Watch func(work string) (done func())

	Registerer prometheus.Registerer
	Log        logr.Logger
}

// Cluster is a Server that follows the AuthorizationServers of a cluster.
type Cluster struct {
	*Server

	reader     client.Reader
	keys       *keys.Watcher
	registries *registration.Cluster
	notice     string
	watch      func(work string) (done func())
	grants     grant.Store
	synced     atomic.Bool // the issuers have been read once
	started    atomic.Bool // it was ready once
}

// CacheOptions returns what the caches of the manager have to hold: of Secrets
// those of the operator's namespace, but not the releases that Helm keeps there;
// of clients those of the namespaces, or all where none are named.
func CacheOptions(operatorNamespace string, namespaces []string) map[client.Object]cache.ByObject {
	options := registration.CacheOptions(namespaces...)
	options[&corev1.Secret{}] = cache.ByObject{Namespaces: map[string]cache.Config{
		operatorNamespace: {FieldSelector: fields.OneTermNotEqualSelector("type", "helm.sh/release.v1")},
	}}
	return options
}

// NewOnCluster returns a Server that takes issuers, registrations, people and
// keys from the caches of the manager, which has to be made with CacheOptions.
func NewOnCluster(mgr manager.Manager, options ClusterOptions) (*Cluster, error) {
	store, err := newStore(mgr, options)
	if err != nil {
		return nil, err
	}
	watcher, err := keys.NewWatcher(mgr, options.OperatorNamespace)
	if err != nil {
		return nil, err
	}
	if err := resourceowner.IndexUsers(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	people, err := resourceowner.NewCluster(context.Background(), mgr.GetCache(), options.OperatorNamespace)
	if err != nil {
		return nil, err
	}
	registries, err := registration.NewCluster(mgr, options.Namespaces...)
	if err != nil {
		return nil, err
	}
	recorder := registration.NewRecorder(mgr, registries, options.Log)
	if err := mgr.Add(recorder); err != nil {
		return nil, err
	}
	accounts, err := keys.NewServiceAccounts(mgr.GetConfig(), mgr.GetHTTPClient(), nil)
	if err != nil {
		return nil, err
	}
	strangers := outbound.New(outbound.Options{Networks: options.ClientNetworks})
	documents := clientdocument.New(clientdocument.Options{Client: strangers, Log: options.Log})
	if options.Registerer != nil {
		options.Registerer.MustRegister(newKeyAge(watcher.SigningSince))
	}
	c := &Cluster{reader: mgr.GetCache(), keys: watcher, registries: registries, grants: store, notice: options.Notice, watch: options.Watch}
	if c.watch == nil {
		c.watch = func(string) func() { return func() {} }
	}
	c.Server = New(Options{
		Registry:  func(s *issuer.Settings) registration.Registry { return registries.For(s.Name) },
		Keys:      watcher.For,
		Verifiers: watcher.Verifiers(),
		Uses:      recorder,

		ServiceAccounts: accounts,
		KeySets:         documents,
		Sectors:         documents,

		Grants:     countGrants(store, options.Registerer),
		People:     people,
		Notifier:   logout.NewNotifier(logout.NotifierOptions{Client: strangers}),
		Registerer: options.Registerer,
		Log:        options.Log,
	})
	return c, c.follow(mgr)
}

func newStore(mgr manager.Manager, options ClusterOptions) (grant.Store, error) {
	switch name := options.GrantStore; name {
	case StoreKubernetes:
		return kubernetes.New(mgr.GetConfig(), mgr.GetHTTPClient(), options.OperatorNamespace, options.Namespaces...)
	case StoreMemory:
		return memory.New(nil), nil
	case StorePostgres:
		settings := options.Postgres
		settings.Registerer, settings.Log = options.Registerer, options.Log.WithName("grants")
		store, err := postgres.Open(settings)
		if err != nil {
			return nil, err
		}
		return store, mgr.Add(replicaRunnable(store.Start))
	default:
		return nil, fmt.Errorf("there is no grant store %q: it is %s, %s or %s", name, StoreKubernetes, StorePostgres, StoreMemory)
	}
}

// follow reads the issuers anew whenever an AuthorizationServer changes, in every
// replica.
func (c *Cluster) follow(mgr manager.Manager) error {
	everyReplica := false
	err := ctrl.NewControllerManagedBy(mgr).
		Named("issuers").
		For(&v1alpha1.AuthorizationServer{}).
		WithEventFilter(predicate.GenerationChangedPredicate{}).
		WithOptions(controller.Options{NeedLeaderElection: &everyReplica}).
		Complete(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			defer c.watch("reading the issuers")()
			return reconcile.Result{}, c.readIssuers(ctx)
		}))
	if err != nil {
		return err
	}
	// A cluster without an AuthorizationServer sends no event.
	return mgr.Add(replicaRunnable(c.readIssuers))
}

// readIssuers makes the issuers that can be served the ones that are.
func (c *Cluster) readIssuers(ctx context.Context) error {
	var list v1alpha1.AuthorizationServerList
	if err := c.reader.List(ctx, &list); err != nil {
		return fmt.Errorf("reading the AuthorizationServers: %w", err)
	}
	all := make([]*v1alpha1.AuthorizationServer, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	var served []*issuer.Settings
	for _, as := range all {
		// The controller says in the conditions why it is not served.
		if len(validation.AuthorizationServer(as)) > 0 || validation.IssuerOwner(as, all) != as {
			continue
		}
		settings := registration.Settings(as)
		settings.Notice = c.notice
		served = append(served, settings)
	}
	slices.SortFunc(served, func(a, b *issuer.Settings) int { return strings.Compare(a.Name, b.Name) })
	c.SetIssuers(served)
	c.synced.Store(true)
	return nil
}

// replicaRunnable is something that every replica does once it has its caches.
type replicaRunnable func(context.Context) error

// Start implements manager.Runnable.
func (r replicaRunnable) Start(ctx context.Context) error { return r(ctx) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (replicaRunnable) NeedLeaderElection() bool { return false }
