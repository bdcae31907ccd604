package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// A marker without roleName is for what is needed however the operator is
// installed: it grants what is cluster-scoped, or is of one namespace. What is
// needed in the namespaces of clients has the roleName of a role that is bound for
// the whole cluster or in those namespaces alone.

// The permissions that the manager needs to elect a leader.
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;create;update,namespace=oauth-operator-system
// +kubebuilder:rbac:groups="",resources=events,verbs=create,namespace=oauth-operator-system

// Events about the operator's own Secrets; and about what is cluster-scoped,
// which go into the namespace default. An event that says the same again of an
// object that has not changed is patched.
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch,namespace=oauth-operator-system
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create,namespace=default

// Options of the controllers.
type Options struct {
	// OperatorNamespace holds the operator's own keys, and the password hashes
	// of OAuthUsers.
	OperatorNamespace string

	// Namespaces are those whose clients are looked after: all where there are
	// none. What is cluster-scoped is looked after in any case.
	Namespaces []string

	// RolloutRestart lets clients have the workloads restarted that use their
	// Secret. It needs permissions that nothing else needs.
	RolloutRestart bool

	// MaxConcurrentReconciles is how many objects of a kind are worked on at the
	// same time: 16 where it is 0.
	MaxConcurrentReconciles int

	// SkipNameValidation lets a process run the controllers more than once,
	// one after the other, as tests do.
	SkipNameValidation bool

	// DefaultAuthorizationServer is a file with an AuthorizationServer to apply. It
	// needs permissions that nothing else needs.
	DefaultAuthorizationServer string

	// Watch is called when a piece of work begins, and what it returns when that
	// has ended: for a liveness probe. It may be nil.
	Watch func(work string) (done func())

	// Now is the clock: time.Now where it is nil.
	Now func() time.Time

	// sourcePoll is unknownPoll, unless tests cannot wait for so long.
	sourcePoll time.Duration
}

const (
	// fieldOwner is the name under which fields are applied.
	fieldOwner = client.FieldOwner("oauth-operator")

	// reportingController is the name under which events are reported.
	reportingController = "oauth-operator.dev/controller"

	defaultConcurrency = 16

	// reconcileLimit ends a Reconcile that waits for a cache that does not move.
	reconcileLimit = 2 * time.Minute
)

// tools are what every reconciler works with.
type tools struct {
	// client writes, and reads from the cache. A read sees what was written
	// before it, so that nothing is decided on the state before one's own write.
	client client.Client

	// cache reads what others write.
	cache client.Reader

	// live reads from the API server: for what the cache does not hold.
	live client.Reader

	// own reads the Secrets of the operator's namespace that the controller has
	// not made: the password hashes.
	own client.Reader

	events            events.EventRecorder
	operatorNamespace string
	rolloutRestart    bool // Options.RolloutRestart
	now               func() time.Time
	watch             func(work string) (done func()) // Options.Watch
	options           controller.Options
}

// SetupWithManager adds all reconcilers to the manager, whose cache has to be
// made with CacheOptions.
func SetupWithManager(mgr manager.Manager, o Options) error {
	if o.OperatorNamespace == "" {
		return errors.New("controllers: the operator's namespace has to be named")
	}
	own, err := operatorNamespace(mgr, o.OperatorNamespace)
	if err != nil {
		return fmt.Errorf("controllers: setting up the cache of namespace %s: %w", o.OperatorNamespace, err)
	}
	t, err := newTools(mgr, own, o)
	if err != nil {
		return fmt.Errorf("controllers: setting up the client: %w", err)
	}
	if err := indexFields(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("controllers: indexing the cache: %w", err)
	}
	for _, setup := range []func() error{
		func() error { return setupMetrics(mgr) },
		func() error { return newOAuthClientReconciler(mgr, t, o).setup(mgr) },
		func() error { return (&authorizationServerReconciler{tools: t}).setup(mgr) },
		func() error { return (&verifierReconciler{tools: t}).setup(mgr) },
		func() error { return (&oauthUserReconciler{tools: t}).setup(mgr, own) },
		func() error { return (&oauthGrantReconciler{tools: t}).setup(mgr) },
		func() error { return (&spentSweeper{tools: t}).setup(mgr) },
		func() error { return setupDefaultServer(mgr, o) },
		func() error { return mgr.AddReadyzCheck("caches", synced(mgr.GetCache(), own.GetCache())) },
	} {
		if err := setup(); err != nil {
			return fmt.Errorf("controllers: %w", err)
		}
	}
	return nil
}

func newTools(mgr manager.Manager, own cluster.Cluster, o Options) (tools, error) {
	consistent := true
	c, err := client.New(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(),
		Scheme:     mgr.GetScheme(),
		Mapper:     mgr.GetRESTMapper(),
		FieldOwner: string(fieldOwner),
		Cache: &client.CacheOptions{
			Reader:                          mgr.GetCache(),
			EnableReadYourWritesConsistency: &consistent,
		},
	})
	if err != nil {
		return tools{}, err
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	watch := o.Watch
	if watch == nil {
		watch = func(string) func() { return func() {} }
	}
	concurrency := o.MaxConcurrentReconciles
	if concurrency <= 0 {
		concurrency = defaultConcurrency
	}
	return tools{
		client:            c,
		cache:             mgr.GetCache(),
		live:              mgr.GetAPIReader(),
		own:               own.GetCache(),
		events:            mgr.GetEventRecorder(reportingController),
		operatorNamespace: o.OperatorNamespace,
		rolloutRestart:    o.RolloutRestart,
		now:               now,
		watch:             watch,
		options: controller.Options{
			MaxConcurrentReconciles: concurrency,
			ReconciliationTimeout:   reconcileLimit,
			SkipNameValidation:      &o.SkipNameValidation,
		},
	}, nil
}

func setupDefaultServer(mgr manager.Manager, o Options) error {
	if o.DefaultAuthorizationServer == "" {
		return nil
	}
	return (&defaultServer{path: o.DefaultAuthorizationServer, every: cmp.Or(o.sourcePoll, lookEvery)}).setup(mgr)
}

func newOAuthClientReconciler(mgr manager.Manager, t tools, o Options) *oauthClientReconciler {
	r := &oauthClientReconciler{tools: t}
	r.setupSources(mgr, o)
	r.references.clients = r.clientsOfReference
	r.references.cache = func() (cache.Cache, error) {
		options := referenceCacheOptions(o)
		options.HTTPClient, options.Scheme, options.Mapper = mgr.GetHTTPClient(), mgr.GetScheme(), mgr.GetRESTMapper()
		return cache.New(mgr.GetConfig(), options)
	}
	return r
}

// operatorNamespace is a cache of its own, because the manager's cache holds
// only Secrets that carry the label, and people's password hashes carry none.
func operatorNamespace(mgr manager.Manager, namespace string) (cluster.Cluster, error) {
	own, err := cluster.New(mgr.GetConfig(), func(o *cluster.Options) {
		o.Scheme = mgr.GetScheme()
		o.HTTPClient = mgr.GetHTTPClient()
		o.MapperProvider = func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return mgr.GetRESTMapper(), nil }
		o.Cache.ByObject = operatorCacheOptions(namespace)
	})
	if err != nil {
		return nil, err
	}
	return own, mgr.Add(own)
}
