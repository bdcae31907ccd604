// Package alive knows whether a process still gets on with its work, for the
// liveness probe.
//
// All work of the operator is bounded in time: a request, a look at an object.
// What is under way for much longer than it can be does not wait for somebody
// else, such as the API server. It is stuck, on a lock that nobody will release,
// and only a restart helps.
package alive

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Watchdog knows what is under way, and since when.
type Watchdog struct {
	limit time.Duration
	now   func() time.Time

	mu   sync.Mutex
	last uint64
	jobs map[uint64]job
}

type job struct {
	work  string
	since time.Time
}

// New returns a Watchdog that calls the process stuck when anything is under way
// for longer than limit. The clock is time.Now where now is nil.
func New(limit time.Duration, now func() time.Time) *Watchdog {
	if now == nil {
		now = time.Now
	}
	return &Watchdog{limit: limit, now: now, jobs: map[uint64]job{}}
}

// Watch notes that a piece of work begins. The caller calls done when it has
// ended. The word says what it is, and is printed: nothing of a request may be in it.
func (w *Watchdog) Watch(work string) (done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	id := w.last
	w.jobs[id] = job{work: work, since: w.now()}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.jobs, id)
	}
}

// Check is a liveness check. It fails while anything is stuck.
func (w *Watchdog) Check(*http.Request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, j := range w.jobs {
		if under := w.now().Sub(j.since); under > w.limit {
			return fmt.Errorf("%s is under way since %s, which nothing needs: it is stuck", j.work, under.Round(time.Second))
		}
	}
	return nil
}

// Handler watches every request that next answers.
func (w *Watchdog) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer w.Watch("a request")()
		next.ServeHTTP(rw, r)
	})
}
