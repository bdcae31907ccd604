package server

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"oauth-operator.dev/server/oauth"
)

// recorder notes the status of a response.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// metrics of the server. The endpoint is one of a fixed list, so that nothing a
// stranger sends becomes a label.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "oauth_operator_server_requests_total",
			Help: "Requests answered, by endpoint and HTTP status.",
		}, []string{"endpoint", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "oauth_operator_server_request_duration_seconds",
			Help:    "Time to answer a request, by endpoint.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		}, []string{"endpoint"}),
	}
	if registerer != nil {
		registerer.MustRegister(m.requests, m.duration)
	}
	return m
}

// endpoint wraps the handler of one endpoint: it bounds the body, gives the
// handler its logger, survives its panics and counts its answers.
func (s *Server) endpoint(name string, log logr.Logger, next http.Handler) http.Handler {
	log = log.WithValues("endpoint", name)
	duration := s.metrics.duration.WithLabelValues(name)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				s.recovered(rec, log, p)
			}
			duration.Observe(time.Since(start).Seconds())
			s.metrics.requests.WithLabelValues(name, strconv.Itoa(rec.status)).Inc()
			if rec.status >= http.StatusInternalServerError {
				log.Info("Request failed.", "method", knownMethod(r.Method), "status", rec.status)
			}
		}()
		r.Body = http.MaxBytesReader(rec, r.Body, oauth.MaxFormBytes+1)
		next.ServeHTTP(rec, r.WithContext(logr.NewContext(r.Context(), log)))
	})
}

// recovered answers a request whose handler panicked. The value of the panic may
// hold anything, so it is not logged; the stack tells the place.
func (s *Server) recovered(w *recorder, log logr.Logger, value any) {
	if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(value)
	}
	log.Error(nil, "A handler panicked.", "stack", string(debug.Stack()))
	if w.status != 0 {
		return // it is too late to say so
	}
	http.Error(w, "The authorization server met an unexpected condition.", http.StatusInternalServerError)
}

// knownMethod keeps what a stranger invents out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// withTimeout bounds how long an answer may take to make.
func withTimeout(d time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
