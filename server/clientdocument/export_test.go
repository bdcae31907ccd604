package clientdocument

import (
	"context"
	"time"
)

// NewCache returns a cache of texts for that many addresses, of which that many are
// fetched at once.
func NewCache(most, slots int, now func() time.Time, fetch func(string) (string, time.Duration, error)) *cache[string] {
	return newCache(most, make(chan struct{}, slots), now, fetch)
}

// Get is get.
func (c *cache[T]) Get(address string, anew bool) (T, error) {
	return c.get(context.Background(), address, anew)
}

// Len returns how many addresses are remembered.
func (c *cache[T]) Len() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.entries)
}
