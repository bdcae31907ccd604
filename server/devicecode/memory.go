package devicecode

import (
	"container/list"
	"sync"
	"time"
)

// memory keeps a bounded number of values, each for its time. When there is one
// more, the one that was touched least recently is forgotten.
type memory[V any] struct {
	size int

	mutex   sync.Mutex
	entries map[string]*list.Element
	recent  *list.List // of *entry[V], the one that was touched last in front
}

type entry[V any] struct {
	key   string
	value V
	until time.Time
}

func newMemory[V any](size int) *memory[V] {
	return &memory[V]{size: size, entries: map[string]*list.Element{}, recent: list.New()}
}

// update lets change see the value of the key, and whether there is one that is
// not past its time, and keeps what it makes of it.
func (m *memory[V]) update(key string, now, until time.Time, change func(value *V, known bool)) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if e, ok := m.entries[key]; ok {
		kept := e.Value.(*entry[V])
		known := now.Before(kept.until)
		if !known {
			var none V
			kept.value = none
		}
		change(&kept.value, known)
		kept.until = until
		m.recent.MoveToFront(e)
		return
	}
	if len(m.entries) >= m.size {
		oldest := m.recent.Back()
		delete(m.entries, oldest.Value.(*entry[V]).key)
		m.recent.Remove(oldest)
	}
	fresh := &entry[V]{key: key, until: until}
	change(&fresh.value, false)
	m.entries[key] = m.recent.PushFront(fresh)
}

// get returns the value of the key, if there is one that is not past its time.
func (m *memory[V]) get(key string, now time.Time) (value V, known bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	e, ok := m.entries[key]
	if !ok {
		return value, false
	}
	kept := e.Value.(*entry[V])
	if !now.Before(kept.until) {
		delete(m.entries, key)
		m.recent.Remove(e)
		return value, false
	}
	m.recent.MoveToFront(e)
	return kept.value, true
}

// count returns how many values are kept.
func (m *memory[V]) count() int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return len(m.entries)
}
