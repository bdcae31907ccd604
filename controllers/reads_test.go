package controllers

import (
	"net/http"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	"k8s.io/client-go/rest"
)

// readRecorder notes what the controllers read.
type readRecorder struct {
	mu    sync.Mutex
	reads []string
}

// recordReads starts the controllers anew, and notes what they read for as long as
// the spec lasts: "metadata" or "object", path and query. The options are those of
// the controllers.
func recordReads(change ...func(*Options)) *readRecorder {
	GinkgoHelper()
	recorder, config := &readRecorder{}, operator
	stopManager()
	operator = rest.CopyConfig(config)
	operator.Wrap(recorder.wrap)
	stopManager = startManager(change...)
	DeferCleanup(func() {
		stopManager()
		operator = config
		stopManager = startManager()
	})
	return recorder
}

func (r *readRecorder) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.Method == http.MethodGet {
			kind := "object "
			if strings.Contains(request.Header.Get("Accept"), "as=PartialObjectMetadata") {
				kind = "metadata "
			}
			r.mu.Lock()
			r.reads = append(r.reads, kind+request.URL.String())
			r.mu.Unlock()
		}
		return next.RoundTrip(request)
	})
}

// in returns the reads whose address has the part, oldest first.
func (r *readRecorder) in(part string) (found []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, read := range r.reads {
		if strings.Contains(read, part) {
			found = append(found, read)
		}
	}
	return found
}
