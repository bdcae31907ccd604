package memory

import (
	"container/heap"
	"time"

	"oauth-operator.dev/server/grant"
)

// visitsPerCreate is how many grants one Create looks at to clear them away.
// With two, the grants that have expired go faster than new ones come.
const visitsPerCreate = 2

// clear removes grants that have expired. Grants are visited when they were to
// expire; one that was refreshed in the meantime is visited again.
func (s *Store) clear(now time.Time) {
	for range visitsPerCreate {
		if len(s.due) == 0 || s.due[0].at.After(now) {
			return
		}
		next := &s.due[0]
		g := s.grants[next.key]
		if end := keptUntil(g); end.After(now) {
			next.at = end
			heap.Fix(&s.due, 0)
			continue
		}
		delete(s.grants, next.key)
		heap.Pop(&s.due)
	}
}

// keptUntil returns when a grant can be cleared away: when it has expired, and its
// code cannot be used again.
func keptUntil(g grant.Grant) time.Time {
	if limit := g.CreatedAt.Add(grant.CodeLimit); g.ExpiresAt.Before(limit) {
		return limit
	}
	return g.ExpiresAt
}

// visit says when to look whether a grant can be cleared away. Every grant that
// is kept has exactly one.
type visit struct {
	at  time.Time
	key grant.Key
}

// queue is a heap of visits, the earliest first.
type queue []visit

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(v any)        { *q = append(*q, v.(visit)) }

func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = visit{}
	*q = old[:len(old)-1]
	return last
}
