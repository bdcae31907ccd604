package main

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/installation"
)

// watch follows the OAuthClients, so that waiting for ten thousand of them costs
// the API server no more than telling about each change.
type watch struct {
	mutex   sync.Mutex
	changed chan struct{} // closed and replaced when anything changes
	clients map[types.NamespacedName]*v1alpha1.OAuthClient
}

// newWatch follows the OAuthClients until ctx ends.
func newWatch(ctx context.Context, in *installation.Installation) (*watch, error) {
	informers, err := cache.New(in.ControlPlane.Config(), cache.Options{Scheme: in.Client.Scheme()})
	if err != nil {
		return nil, err
	}
	w := &watch{changed: make(chan struct{}), clients: map[types.NamespacedName]*v1alpha1.OAuthClient{}}
	informer, err := informers.GetInformer(ctx, &v1alpha1.OAuthClient{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    w.set,
		UpdateFunc: func(_, obj any) { w.set(obj) },
	})
	go func() { _ = informers.Start(ctx) }() // it ends with ctx, and has nothing to say then
	return w, err
}

func (w *watch) set(obj any) {
	c, ok := obj.(*v1alpha1.OAuthClient)
	if !ok {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.clients[client.ObjectKeyFromObject(c)] = c
	close(w.changed)
	w.changed = make(chan struct{})
}

// until waits until n OAuthClients are what is asked for, and returns them.
func (w *watch) until(ctx context.Context, n int, is func(*v1alpha1.OAuthClient) bool) ([]*v1alpha1.OAuthClient, error) {
	for {
		found, changed := w.find(is)
		if len(found) >= n {
			return found, nil
		}
		if err := next(ctx, changed); err != nil {
			return nil, err
		}
	}
}

// one waits until the OAuthClient of that name is what is asked for.
func (w *watch) one(ctx context.Context, name types.NamespacedName, is func(*v1alpha1.OAuthClient) bool) error {
	for {
		w.mutex.Lock()
		c, changed := w.clients[name], w.changed
		w.mutex.Unlock()
		if c != nil && is(c) {
			return nil
		}
		if err := next(ctx, changed); err != nil {
			return err
		}
	}
}

func next(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *watch) find(is func(*v1alpha1.OAuthClient) bool) ([]*v1alpha1.OAuthClient, <-chan struct{}) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var found []*v1alpha1.OAuthClient
	for _, c := range w.clients {
		if is(c) {
			found = append(found, c)
		}
	}
	return found, w.changed
}

// ready reports whether the client is Ready.
func ready(c *v1alpha1.OAuthClient) bool {
	for _, condition := range c.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			return condition.Status == metav1.ConditionTrue
		}
	}
	return false
}
