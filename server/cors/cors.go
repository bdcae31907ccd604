// Package cors lets scripts of any origin use an endpoint, as single-page
// applications and other public clients in a browser have to. It is for the
// endpoints that take no cookie: what a script can do there, anybody can. The
// authorization endpoint and the pages behind it must never have it (RFC 9700
// §2.6).
package cors

import (
	"net/http"
	"strings"
)

// Headers that a script may send and read beyond those that it always may
// (Fetch §3.3.3, §3.3.6).
const (
	requestHeaders  = "Authorization, Content-Type"
	responseHeaders = "WWW-Authenticate, Retry-After"
)

// Allow answers the preflight requests for next, which takes the methods, and
// opens its answers to every origin. It never allows credentials in the sense of
// the Fetch standard: no cookie is sent along.
func Allow(next http.Handler, methods ...string) http.Handler {
	allowed := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		// Also where nobody asks: a cache may keep the answer for a script that
		// does ("CORS protocol and HTTP caches" in the Fetch standard).
		h.Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", allowed)
			h.Set("Access-Control-Allow-Headers", requestHeaders)
			h.Set("Access-Control-Max-Age", "7200")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Set("Access-Control-Expose-Headers", responseHeaders)
		next.ServeHTTP(w, r)
	})
}
