package throttle

// Len returns the number of keys that are remembered.
func (l *Limiter) Len() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.buckets)
}
