package resourceowner

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// memory holds the people that were asked for, as they came out of the cache. It
// forgets all of them with every change of an OAuthUser or of a Secret, which is
// rare: who has a username depends on others too.
type memory struct {
	mu      sync.RWMutex
	people  map[string]*Person // by subject
	changes uint64             // counts what makes people under way too old to keep
}

// follow has the cache tell of every change. It tells after it has changed
// itself, so whoever is read from it later is up to date.
func (m *memory) follow(ctx context.Context, from cache.Cache) error {
	for _, object := range []client.Object{&v1alpha1.OAuthUser{}, &corev1.Secret{}} {
		informer, err := from.GetInformer(ctx, object, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("resourceowner: watching %T: %w", object, err)
		}
		_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { m.forget() },
			UpdateFunc: func(_, _ any) { m.forget() },
			DeleteFunc: func(any) { m.forget() },
		})
		if err != nil {
			return fmt.Errorf("resourceowner: watching %T: %w", object, err)
		}
	}
	return nil
}

func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.people)
	m.changes++
}

// person returns the person, if they are remembered, and how many changes there
// have been so far.
func (m *memory) person(subject string) (*Person, uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.people[subject], m.changes
}

// keep remembers a person who was read after so many changes, unless there has
// been another one.
func (m *memory) keep(p *Person, changes uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changes == changes {
		m.people[p.Subject] = p
	}
}
