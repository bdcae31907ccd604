// Package memory keeps grants in the memory of one process: for tests, and for
// a server with one replica whose grants may end with it.
package memory

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"oauth-operator.dev/server/grant"
)

// Store is a grant.Store in memory.
//
// One mutex guards it: every step is a look into a map, so there is nothing to
// wait for.
type Store struct {
	now func() time.Time

	mu     sync.Mutex
	grants map[grant.Key]grant.Grant
	due    queue
	spent  spent
	notes  notes
}

var _ grant.Store = (*Store)(nil)

// New returns an empty Store. With now nil it reads the system's clock.
func New(now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{
		now: now, grants: map[grant.Key]grant.Grant{},
		spent: spent{until: map[digest]time.Time{}}, notes: notes{kept: map[digest]note{}},
	}
}

// Create implements grant.Store. It also clears away a few grants that have
// expired, so that no more are kept than stand, and no call pays for many.
func (s *Store) Create(ctx context.Context, g grant.Grant) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g = g.Normal()
	g.Scope = slices.Clone(g.Scope) // the caller may change theirs
	g.Claims = slices.Clone(g.Claims)
	g.Resources = slices.Clone(g.Resources)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear(s.now())
	key := g.Key()
	if _, exists := s.grants[key]; exists {
		return grant.ErrExists
	}
	s.grants[key] = g
	heap.Push(&s.due, visit{at: keptUntil(g), key: key})
	return nil
}

// Get implements grant.Store.
func (s *Store) Get(ctx context.Context, key grant.Key) (grant.Grant, error) {
	if err := ctx.Err(); err != nil {
		return grant.Grant{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(key)
}

// Advance implements grant.Store.
func (s *Store) Advance(ctx context.Context, key grant.Key, from int64, refreshedAt, expiresAt time.Time) (grant.Grant, error) {
	if err := ctx.Err(); err != nil {
		return grant.Grant{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.find(key)
	if err != nil {
		return grant.Grant{}, err
	}
	if g.Generation != from || g.Revoked != "" {
		return g, grant.ErrMoved
	}
	g.Generation, g.RefreshedAt, g.ExpiresAt = from+1, refreshedAt, expiresAt
	return s.keep(g), nil
}

// Revoke implements grant.Store.
func (s *Store) Revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.find(key)
	if err != nil || g.Revoked != "" {
		return err
	}
	g.Revoked = reason
	s.keep(g)
	return nil
}

// find returns a grant that shares nothing with the one that is kept.
func (s *Store) find(key grant.Key) (grant.Grant, error) {
	g, ok := s.grants[key]
	if !ok {
		return grant.Grant{}, grant.ErrNotFound
	}
	g.Scope = slices.Clone(g.Scope)
	g.Claims = slices.Clone(g.Claims)
	g.Resources = slices.Clone(g.Resources)
	return g, nil
}

// keep replaces a grant that exists and returns it as it will be found.
func (s *Store) keep(g grant.Grant) grant.Grant {
	g = g.Normal()
	kept := g
	kept.Scope = slices.Clone(g.Scope)
	kept.Claims = slices.Clone(g.Claims)
	kept.Resources = slices.Clone(g.Resources)
	s.grants[g.Key()] = kept
	return g
}
