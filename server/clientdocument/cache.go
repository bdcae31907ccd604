package clientdocument

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// cache remembers answers by address. It never forgets an address that it may not
// ask again yet.
type cache[T any] struct {
	fetch func(address string) (answer T, fresh time.Duration, err error)
	now   func() time.Time
	most  int
	slots chan struct{} // taken by a fetch; shared with other caches

	mutex   sync.Mutex
	entries map[string]*list.Element
	recent  *list.List // of *entry[T], the one that was used last in front
}

// entry is what is known of an address.
type entry[T any] struct {
	address string
	used    time.Time
	asked   time.Time // zero for never
	failed  error     // what the last fetch came to
	flight  *flight[T]

	answer     T
	known      bool
	freshUntil time.Time
}

// flight is a fetch that is under way. What it came to is written before done is
// closed.
type flight[T any] struct {
	done   chan struct{}
	answer T
	err    error
}

func newCache[T any](most int, slots chan struct{}, now func() time.Time, fetch func(string) (T, time.Duration, error)) *cache[T] {
	return &cache[T]{fetch: fetch, now: now, most: most, slots: slots, entries: map[string]*list.Element{}, recent: list.New()}
}

// get returns the answer of the address. It waits for a fetch, but no longer than
// the context lasts.
func (c *cache[T]) get(ctx context.Context, address string, anew bool) (T, error) {
	answer, under, err := c.look(address, anew)
	if under == nil {
		return answer, err
	}
	select {
	case <-ctx.Done():
		return answer, ctx.Err()
	case <-under.done:
		return under.answer, under.err
	}
}

// look returns what is known, or the flight that will tell.
func (c *cache[T]) look(address string, anew bool) (answer T, under *flight[T], err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now := c.now()
	e, err := c.entry(address, now)
	if err != nil {
		return answer, nil, err
	}
	switch {
	case e.known && !anew && now.Before(e.freshUntil):
		return e.answer, nil, nil // also while somebody else has it looked at anew
	case e.flight != nil:
		return answer, e.flight, nil
	case !e.asked.IsZero() && now.Sub(e.asked) < Pause:
		answer, err = e.best(now)
		return answer, nil, err
	}
	select {
	case c.slots <- struct{}{}:
	default:
		if answer, err = e.best(now); err != nil {
			err = ErrBusy
		}
		return answer, nil, err
	}
	e.asked, e.flight = now, &flight[T]{done: make(chan struct{})}
	go c.fly(e)
	return answer, e.flight, nil
}

// fly fetches the answer. It belongs to nobody who is waiting for it.
func (c *cache[T]) fly(e *entry[T]) {
	answer, fresh, err := c.safely(e.address)
	<-c.slots
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now, under := c.now(), e.flight
	if e.failed = err; err == nil {
		e.answer, e.known, e.freshUntil = answer, true, now.Add(fresh)
	}
	under.answer, under.err = e.best(now)
	e.flight = nil
	close(under.done)
}

// safely keeps a document that nobody has thought of from ending the process.
func (c *cache[T]) safely(address string) (answer T, fresh time.Duration, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("clientdocument: the document could not be read")
		}
	}()
	return c.fetch(address)
}

// best returns the answer that there is, if it can still be used.
func (e *entry[T]) best(now time.Time) (answer T, err error) {
	if e.known && now.Before(e.freshUntil.Add(Stale)) {
		return e.answer, nil
	}
	if e.failed == nil {
		return answer, ErrBusy
	}
	return answer, e.failed
}

// entry returns the entry of the address, and makes room for one that is new.
func (c *cache[T]) entry(address string, now time.Time) (*entry[T], error) {
	if known := c.entries[address]; known != nil {
		c.recent.MoveToFront(known)
		e := known.Value.(*entry[T])
		e.used = now
		return e, nil
	}
	for oldest := c.recent.Back(); oldest != nil; oldest = c.recent.Back() {
		e := oldest.Value.(*entry[T])
		full := len(c.entries) >= c.most
		if !full && now.Sub(e.used) < Stale {
			break
		}
		if e.flight != nil || now.Sub(e.asked) < Pause {
			if full {
				return nil, ErrBusy
			}
			break
		}
		c.recent.Remove(oldest)
		delete(c.entries, e.address)
	}
	e := &entry[T]{address: address, used: now}
	c.entries[address] = c.recent.PushFront(e)
	return e, nil
}
