package memory

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"oauth-operator.dev/server/grant"
)

// notes are the values that are kept for a while, by the hashes of their ids.
type notes struct {
	kept map[digest]note
	due  dates
}

type note struct {
	value []byte
	until time.Time
}

// Note implements grant.Store. It also forgets a few notes whose time is over.
func (s *Store) Note(ctx context.Context, id string, value []byte, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(value) > grant.MaxNote {
		return errors.New("grant/memory: the value of a note is too long")
	}
	sum := digest(sha256.Sum256([]byte(id)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes.forget(s.now())
	if _, noted := s.notes.kept[sum]; noted {
		return grant.ErrNoted
	}
	s.notes.kept[sum] = note{value: slices.Clone(value), until: until}
	heap.Push(&s.notes.due, date{at: until, of: sum})
	return nil
}

// Noted implements grant.Store.
func (s *Store) Noted(ctx context.Context, id string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, noted := s.notes.kept[sha256.Sum256([]byte(id))]
	if !noted || s.now().After(n.until) {
		return nil, grant.ErrNotFound
	}
	return slices.Clone(n.value), nil
}

// forget removes notes whose time is over, as clear does with grants.
func (n *notes) forget(now time.Time) {
	for range visitsPerCreate {
		if len(n.due) == 0 || !n.due[0].at.Before(now) {
			return
		}
		delete(n.kept, n.due[0].of)
		heap.Pop(&n.due)
	}
}
