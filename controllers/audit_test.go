package controllers

import (
	"net/http"
	"strings"
	"sync"
)

// auditor notes the writes that the controllers ask of the API server.
type auditor struct {
	mu     sync.Mutex
	writes []string
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (a *auditor) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet {
			told.note(r)
			a.mu.Lock()
			a.writes = append(a.writes, r.Method+" "+r.URL.Path)
			a.mu.Unlock()
		}
		return next.RoundTrip(r)
	})
}

// in returns the writes whose path has the part, oldest first.
func (a *auditor) in(part string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []string
	for _, w := range a.writes {
		if strings.Contains(w, part) {
			found = append(found, w)
		}
	}
	return found
}
