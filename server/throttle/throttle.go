// Package throttle bounds how often something may happen for one key: logins
// with one username, failing authentications of one client, look-ups on behalf
// of strangers. Its memory is bounded whatever the keys are.
package throttle

import (
	"container/list"
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options of a Limiter.
type Options struct {
	// Every is how long it takes until one more event is allowed again.
	Every time.Duration

	// Burst is how many events are allowed at once.
	Burst int

	// Keys is the largest number of keys that are remembered. When there is one
	// more, the key that was used least recently is forgotten, and with it what
	// it had used up. A key takes about 200 bytes, however long it is.
	Keys int

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Limiter is a token bucket for each key. It is safe for concurrent use.
type Limiter struct {
	options Options
	seed    maphash.Seed

	mutex   sync.Mutex
	buckets map[uint64]*list.Element
	recent  *list.List // of *bucket, the one that was used last in front
}

// bucket of one key. The key is kept as a hash, so that a long one costs no more
// than a short one; the hash is seeded, so nobody can choose keys that collide.
type bucket struct {
	hash  uint64
	limit *rate.Limiter
}

// New returns a Limiter without memory of anything.
func New(options Options) *Limiter {
	options.Keys = max(options.Keys, 1)
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Limiter{
		options: options,
		seed:    maphash.MakeSeed(),
		buckets: make(map[uint64]*list.Element),
		recent:  list.New(),
	}
}

// Allow reports whether one more event may happen for the key now, and counts it
// if so.
func (l *Limiter) Allow(key string) bool {
	now := l.options.Now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.bucket(key).limit.AllowN(now, 1)
}

// Forget gives the key all its events back, as after a success.
func (l *Limiter) Forget(key string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	hash := maphash.String(l.seed, key)
	if e, ok := l.buckets[hash]; ok {
		l.recent.Remove(e)
		delete(l.buckets, hash)
	}
}

// bucket returns the bucket of the key, and makes one where there is none.
func (l *Limiter) bucket(key string) *bucket {
	hash := maphash.String(l.seed, key)
	if e, ok := l.buckets[hash]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if len(l.buckets) >= l.options.Keys {
		oldest := l.recent.Back()
		delete(l.buckets, oldest.Value.(*bucket).hash)
		l.recent.Remove(oldest)
	}
	b := &bucket{hash: hash, limit: rate.NewLimiter(rate.Every(l.options.Every), l.options.Burst)}
	l.buckets[hash] = l.recent.PushFront(b)
	return b
}
