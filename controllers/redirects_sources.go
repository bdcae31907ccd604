package controllers

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
)

// Where these are taken away there are no redirect URIs from elsewhere, and
// everything else goes on.
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses,verbs=list;watch,roleName=oauth-operator-controller-clients
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=list;watch,roleName=oauth-operator-controller-clients

// unknownPoll is how often it is looked whether a kind that somebody wants has
// become known, or readable.
const unknownPoll = 30 * time.Second

// redirectSources finds the hosts of Ingresses and HTTPRoutes. Each kind is
// watched from the moment on when a client names one: who uses neither pays
// nothing for them. A kind that the cluster does not know, or that may not be
// read, is no error: it is looked for again while a client wants it.
type redirectSources struct {
	// cache makes a cache. It is not started yet.
	cache func() (cache.Cache, error)

	// live lists the metadata of what is to be watched.
	live client.Reader

	// clients returns the clients that name a source, or with an empty name any
	// of that kind, in any namespace.
	clients func(ctx context.Context, kind v1alpha1.RedirectURISourceKind, source types.NamespacedName) []reconcile.Request

	// namespaces are those in which something can be read: all where there are none.
	namespaces []string

	// poll is unknownPoll, but for tests.
	poll time.Duration

	mu    sync.Mutex
	ctx   context.Context //nolint:containedctx // that of the controller, for what is started later
	queue requestQueue
	kinds map[v1alpha1.RedirectURISourceKind]*watchedKind
}

// watchedKind is a kind that a client has named.
type watchedKind struct {
	mu      sync.Mutex
	started cache.Cache
	fault   *sourceError // why it is not started; there is a poll then
}

// watch is a source of requests. It notes where they go, once there are any.
func (s *redirectSources) watch(ctx context.Context, queue requestQueue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx, s.queue = ctx, queue
	s.kinds = map[v1alpha1.RedirectURISourceKind]*watchedKind{}
	return nil
}

// setupSources says how to find the hosts of sources, once a client names one.
func (r *oauthClientReconciler) setupSources(mgr manager.Manager, o Options) {
	r.sources.live, r.sources.clients = r.live, r.clientsOfSource
	r.sources.namespaces, r.sources.poll = o.Namespaces, unknownPoll
	if o.sourcePoll > 0 {
		r.sources.poll = o.sourcePoll
	}
	r.sources.cache = func() (cache.Cache, error) {
		return cache.New(mgr.GetConfig(), cache.Options{
			HTTPClient: mgr.GetHTTPClient(), Mapper: mgr.GetRESTMapper(), Scheme: sourceScheme,
			DefaultNamespaces: o.watched(), DefaultTransform: trimSource,
		})
	}
}

// clientsOfSource returns the clients that name the source, or with an empty name
// any of the kind.
func (r *oauthClientReconciler) clientsOfSource(
	ctx context.Context, kind v1alpha1.RedirectURISourceKind, source types.NamespacedName,
) []reconcile.Request {
	return requestsFor(ctx, r.cache, &v1alpha1.OAuthClientList{},
		client.InNamespace(source.Namespace), client.MatchingFields{indexSource: sourceIndex(kind, source.Name)})
}

// hosts returns the hosts of a source. It returns a sourceError where there is
// nothing to be done but to wait.
func (s *redirectSources) hosts(ctx context.Context, kind v1alpha1.RedirectURISourceKind, key types.NamespacedName) ([]string, error) {
	known, ok := sourceKinds[kind]
	if !ok {
		return nil, &sourceError{message: fmt.Sprintf("%q is no kind that redirect URIs can be taken from", kind)}
	}
	c, err := s.started(ctx, kind)
	if err != nil {
		return nil, err
	}
	object := known.object()
	if err := c.Get(ctx, key, object); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, &sourceError{message: fmt.Sprintf("there is no %s %q in this namespace: create it, or name another", kind, key.Name)}
		}
		return nil, err
	}
	return hostsOf(object), nil
}

// started returns the cache of a kind, which it starts the first time.
func (s *redirectSources) started(ctx context.Context, kind v1alpha1.RedirectURISourceKind) (cache.Cache, error) {
	s.mu.Lock()
	k := s.kinds[kind]
	if k == nil {
		k = &watchedKind{}
		s.kinds[kind] = k
	}
	s.mu.Unlock()

	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.started != nil:
		return k.started, nil
	case k.fault != nil:
		return nil, k.fault
	}
	fault, err := s.start(ctx, kind, k)
	if err != nil {
		return nil, err
	}
	if fault != nil {
		k.fault = fault
		go s.await(kind, k)
		return nil, fault
	}
	return k.started, nil
}

// start begins to watch a kind. It returns a fault if the cluster does not know
// the kind, or does not let it be read. The caller holds the lock of k.
func (s *redirectSources) start(ctx context.Context, kind v1alpha1.RedirectURISourceKind, k *watchedKind) (*sourceError, error) {
	// A watch that is forbidden, or of nothing, would never come to an end.
	if fault, err := s.probe(ctx, kind); fault != nil || err != nil {
		return fault, err
	}
	c, err := s.cache()
	if err != nil {
		return nil, fmt.Errorf("watching %s objects: %w", kind, err)
	}
	informer, err := c.GetInformer(ctx, sourceKinds[kind].object(), cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching %s objects: %w", kind, err)
	}
	enqueue := func(o any) {
		if deleted, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
			o = deleted.Obj
		}
		if source, ok := o.(client.Object); ok {
			addAll(s.queue, s.clients(s.ctx, kind, client.ObjectKeyFromObject(source)))
		}
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, initial bool) {
			if !initial {
				enqueue(o)
			}
		},
		UpdateFunc: func(before, after any) {
			if !sameHosts(before, after) {
				enqueue(after)
			}
		},
		DeleteFunc: enqueue,
	}); err != nil {
		return nil, fmt.Errorf("watching %s objects: %w", kind, err)
	}
	life, stop := context.WithCancel(s.ctx)
	go func() { _ = c.Start(life) }() // it ends with its context, and has no other end
	if !c.WaitForCacheSync(ctx) {
		stop()
		return nil, context.Cause(ctx)
	}
	context.AfterFunc(s.ctx, stop)
	k.started = c
	return nil, nil
}

// probe finds out whether a kind is known and can be read.
func (s *redirectSources) probe(ctx context.Context, kind v1alpha1.RedirectURISourceKind) (*sourceError, error) {
	namespaces := s.namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, namespace := range namespaces {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(sourceKinds[kind].gvk)
		switch err := s.live.List(ctx, list, client.InNamespace(namespace), client.Limit(1)); {
		case err == nil:
		case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
			return &sourceError{message: fmt.Sprintf("the cluster does not know the kind %s: install it, or name objects of another", kind)}, nil
		case apierrors.IsForbidden(err):
			return &sourceError{unread: true, message: fmt.Sprintf("the operator may not read %s objects: have it permitted, or list the URIs in redirectURIs", kind)}, nil
		default:
			return nil, fmt.Errorf("looking for %s objects: %w", kind, err)
		}
	}
	return nil, nil
}

// await looks for a kind from time to time, until it can be watched or no client
// names one any more. Then the clients are looked at again.
func (s *redirectSources) await(kind v1alpha1.RedirectURISourceKind, k *watchedKind) {
	every := time.NewTicker(s.poll)
	defer every.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-every.C:
		}
		if s.found(kind, k) {
			addAll(s.queue, s.clients(s.ctx, kind, types.NamespacedName{}))
			return
		}
	}
}

// found reports whether there is nothing to wait for any more.
func (s *redirectSources) found(kind v1alpha1.RedirectURISourceKind, k *watchedKind) bool {
	ctx, cancel := context.WithTimeout(s.ctx, reconcileLimit)
	defer cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(s.clients(ctx, kind, types.NamespacedName{})) == 0 {
		k.fault = nil // the next client that names one starts anew
		return true
	}
	fault, err := s.start(ctx, kind, k)
	if err != nil {
		log.FromContext(s.ctx).V(1).Info("Could not look for a kind.", "kind", kind, "because", err.Error())
		return false
	}
	k.fault = fault
	return fault == nil
}
