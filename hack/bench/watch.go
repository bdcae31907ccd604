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

// until waits until n OAuthClients of the namespace are what is asked for, and
// returns them.
func (w *watch) until(ctx context.Context, namespace string, n int, is func(*v1alpha1.OAuthClient) bool) ([]*v1alpha1.OAuthClient, error) {
	for {
		found, changed := w.find(namespace, is)
		if len(found) >= n {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *watch) find(namespace string, is func(*v1alpha1.OAuthClient) bool) ([]*v1alpha1.OAuthClient, <-chan struct{}) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var found []*v1alpha1.OAuthClient
	for name, c := range w.clients {
		if name.Namespace == namespace && is(c) {
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
