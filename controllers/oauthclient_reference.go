package controllers

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
)

// reference is the client secret that spec.secret.ref names.
type reference struct {
	found, hasKey bool
	value         string

	// version is that of the Secret that the value is from.
	version string
}

// checkedReference says that a version of a Secret, in that key, holds the client
// secret of the credential. It spares the reading of a value that has not changed.
type checkedReference struct {
	name, key, version, credential string
}

// observeReference reads the value that spec.secret.ref names only if it has
// changed since it was last seen to be the one that the client's Secret holds.
func (r *oauthClientReconciler) observeReference(ctx context.Context, seen *clientObservation) error {
	ref := seen.client.Spec.Secret.Ref
	if ref == nil {
		return nil
	}
	key := types.NamespacedName{Namespace: seen.client.Namespace, Name: ref.Name}
	version, err := r.referenceVersion(ctx, key)
	if err != nil || version == "" {
		return err
	}
	held := seen.evidence(r.now())
	known := checkedReference{name: ref.Name, key: ref.KeyOrDefault(), version: version}
	if held.secret != nil && held.verified() {
		known.credential = held.match().ID
		if noted, ok := r.checked.Load(seen.client.UID); ok && noted == known {
			seen.reference = reference{found: true, hasKey: true, value: held.value(), version: version}
			return nil
		}
	}
	var secret corev1.Secret
	if err := r.live.Get(ctx, key, &secret); err != nil {
		return client.IgnoreNotFound(err)
	}
	value, ok := secret.Data[ref.KeyOrDefault()]
	seen.reference = reference{found: true, hasKey: ok, value: string(value), version: secret.ResourceVersion}
	return nil
}

// noteReference remembers what observeReference need not read again.
func (r *oauthClientReconciler) noteReference(seen *clientObservation, i issuance) {
	ref := seen.client.Spec.Secret.Ref
	if ref == nil || i.credential == nil {
		r.checked.Delete(seen.client.UID)
		return
	}
	r.checked.Store(seen.client.UID, checkedReference{
		name: ref.Name, key: ref.KeyOrDefault(), version: seen.reference.version, credential: i.credential.ID,
	})
}

// referenceVersion returns the version of a Secret that people bring, or nothing
// if there is none: from the metadata of those without our label, or from the
// cache of those that have it, as another client's has.
func (r *oauthClientReconciler) referenceVersion(ctx context.Context, key types.NamespacedName) (string, error) {
	var managed corev1.Secret
	err := r.client.Get(ctx, key, &managed)
	if err == nil {
		return managed.ResourceVersion, nil
	}
	if !apierrors.IsNotFound(err) {
		return "", err
	}
	brought, err := r.references.get(ctx, key)
	if err != nil {
		return "", client.IgnoreNotFound(err)
	}
	return brought.ResourceVersion, nil
}

// refersTo reports whether the client secret is brought in the Secret, which is
// never written to then: also not deleted, if it was the client's own before.
func refersTo(c *v1alpha1.OAuthClient, secret metav1.Object) bool {
	return c.Spec.Secret.Ref != nil && c.Spec.Secret.Ref.Name == secret.GetName()
}

// references are the metadata of the Secrets without our label. They are watched
// from the moment on when a client refers to one: who uses no references pays
// nothing for them.
type references struct {
	// cache makes the cache. It is not started yet.
	cache func() (cache.Cache, error)

	// clients returns the clients that refer to a Secret.
	clients func(ctx context.Context, secret client.Object) []reconcile.Request

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // that of the controller, for what is started later
	queue   workqueue.TypedRateLimitingInterface[reconcile.Request]
	started cache.Cache
}

// Watch is a source of requests. It notes where they go, once there are any.
func (f *references) watch(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ctx, f.queue = ctx, queue
	return nil
}

// get returns the metadata of a Secret. The first call waits for the list of all.
func (f *references) get(ctx context.Context, key types.NamespacedName) (*metav1.PartialObjectMetadata, error) {
	c, err := f.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("watching the Secrets that are referred to: %w", err)
	}
	found := secretMetadata()
	return found, c.Get(ctx, key, found)
}

func secretMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return m
}

// start returns the cache, which it starts the first time.
func (f *references) start(ctx context.Context) (cache.Cache, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.started != nil {
		return f.started, nil
	}
	c, err := f.cache()
	if err != nil {
		return nil, err
	}
	informer, err := c.GetInformer(ctx, secretMetadata(), cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	enqueue := func(o any) {
		if deleted, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
			o = deleted.Obj
		}
		if secret, ok := o.(client.Object); ok {
			for _, request := range f.clients(f.ctx, secret) {
				f.queue.Add(request)
			}
		}
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, initial bool) {
			if !initial {
				enqueue(o)
			}
		},
		UpdateFunc: func(_, o any) { enqueue(o) },
		DeleteFunc: enqueue,
	}); err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(f.ctx)
	go func() { _ = c.Start(life) }() // it ends with its context, and has no other end
	if !c.WaitForCacheSync(ctx) {
		stop()
		return nil, context.Cause(ctx)
	}
	context.AfterFunc(f.ctx, stop)
	f.started = c
	return c, nil
}

// trimReference keeps of a Secret that its version can be told.
func trimReference(in any) (any, error) {
	if o, ok := in.(*metav1.PartialObjectMetadata); ok {
		o.ObjectMeta = metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion}
	}
	return in, nil
}

// referenceCacheOptions are what the cache of references holds: the metadata of
// Secrets that the controller has not made, and that are none of Helm's.
func referenceCacheOptions(o Options) cache.Options {
	return cache.Options{
		DefaultNamespaces:    o.watched(),
		DefaultLabelSelector: unmanaged(),
		DefaultFieldSelector: fields.OneTermNotEqualSelector("type", helmRelease),
		DefaultTransform:     trimReference,
	}
}

// clientsOfReference returns the clients whose client secret is in the Secret.
func (r *oauthClientReconciler) clientsOfReference(ctx context.Context, secret client.Object) []reconcile.Request {
	return requestsFor(ctx, r.cache, &v1alpha1.OAuthClientList{},
		client.InNamespace(secret.GetNamespace()), client.MatchingFields{indexReference: secret.GetName()})
}
