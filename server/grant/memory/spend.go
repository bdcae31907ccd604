package memory

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"time"

	"oauth-operator.dev/server/grant"
)

// digest stands for an id, which may be long.
type digest [sha256.Size]byte

// spent are the ids that are used up.
type spent struct {
	until map[digest]time.Time
	due   dates
}

// Spend implements grant.Store. It also forgets a few ids whose time is over.
func (s *Store) Spend(ctx context.Context, id string, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sum := digest(sha256.Sum256([]byte(id)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spent.forget(s.now())
	if _, used := s.spent.until[sum]; used {
		return grant.ErrSpent
	}
	s.spent.until[sum] = until
	heap.Push(&s.spent.due, date{at: until, of: sum})
	return nil
}

// forget removes ids whose time is over, as clear does with grants.
func (s *spent) forget(now time.Time) {
	for range visitsPerCreate {
		if len(s.due) == 0 || !s.due[0].at.Before(now) {
			return
		}
		delete(s.until, s.due[0].of)
		heap.Pop(&s.due)
	}
}

// date says when an id may be forgotten.
type date struct {
	at time.Time
	of digest
}

// dates is a heap, the earliest first.
type dates []date

func (d dates) Len() int           { return len(d) }
func (d dates) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d dates) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dates) Push(v any)        { *d = append(*d, v.(date)) }

func (d *dates) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}
