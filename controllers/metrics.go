package controllers

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"oauth-operator.dev/api/v1alpha1"
)

// Why a client secret was replaced.
const (
	causeInterval  = "interval"  // spec.rotation.interval
	causeRequest   = "request"   // the annotation AnnotationRotate
	causeRepair    = "repair"    // the Secret was lost or damaged
	causeReference = "reference" // what spec.secret.ref names has changed
)

var rotations = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "oauth_operator_client_secret_rotations_total",
	Help: "Client secrets that were replaced, by cause: interval, request, repair or reference.",
}, []string{"cause"})

// countRotation counts a client secret that was replaced, once the replacement is
// complete.
func countRotation(cause string) { rotations.WithLabelValues(cause).Inc() }

// registration is of the process's registry, which managers share.
var registration sync.Once

// setupMetrics has the metrics tell of the manager's clients while it leads: of
// several replicas only one counts them.
func setupMetrics(mgr manager.Manager) error {
	registration.Do(func() {
		for _, cause := range []string{causeInterval, causeRequest, causeRepair, causeReference} {
			rotations.WithLabelValues(cause)
		}
		metrics.Registry.MustRegister(rotations, gauges, defaultServerPending)
	})
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		var cache client.Reader = mgr.GetCache()
		gauges.cache.Store(&cache)
		<-ctx.Done()
		gauges.cache.CompareAndSwap(&cache, nil)
		return nil
	}))
}

// clientGauges tells of the OAuthClients in the cache what can be told in
// numbers. It asks the API server nothing.
type clientGauges struct {
	cache atomic.Pointer[client.Reader]
}

var gauges = &clientGauges{}

var (
	clientsDesc = prometheus.NewDesc("oauth_operator_clients",
		"OAuthClients, by status and reason of their condition Ready.", []string{"ready", "reason"}, nil)
	oldestDesc = prometheus.NewDesc("oauth_operator_oldest_current_credential_created_timestamp_seconds",
		"When the oldest client secret that is current was made. It is absent where there is none.", nil, nil)
	lingeringDesc = prometheus.NewDesc("oauth_operator_retiring_credentials_in_use",
		"Client secrets that were replaced, have not ended and were used after they were replaced.", nil, nil)
	firstEndDesc = prometheus.NewDesc("oauth_operator_retiring_credentials_in_use_first_expiry_timestamp_seconds",
		"When the first of the client secrets ends that were used after they were replaced. It is absent where there is none.", nil, nil)
)

// Describe implements prometheus.Collector.
func (*clientGauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{clientsDesc, oldestDesc, lingeringDesc, firstEndDesc} {
		out <- d
	}
}

// scrapeLimit is for how long a scrape waits for the cache.
const scrapeLimit = 5 * time.Second

// Collect implements prometheus.Collector. Where no manager leads there is
// nothing to tell.
func (s *clientGauges) Collect(out chan<- prometheus.Metric) {
	cache := s.cache.Load()
	if cache == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	var clients v1alpha1.OAuthClientList
	if err := (*cache).List(ctx, &clients, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	count := countClients(clients.Items, time.Now())
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for state, n := range count.byReady {
		gauge(clientsDesc, float64(n), string(state.status), state.reason)
	}
	gauge(lingeringDesc, float64(count.lingering))
	if !count.oldest.IsZero() {
		gauge(oldestDesc, float64(count.oldest.Unix()))
	}
	if !count.firstEnd.IsZero() {
		gauge(firstEndDesc, float64(count.firstEnd.Unix()))
	}
}

// readyState is what the condition Ready says.
type readyState struct {
	status metav1.ConditionStatus
	reason string
}

// clientCount is what the metrics tell.
type clientCount struct {
	byReady   map[readyState]int
	oldest    time.Time // creation of the oldest credential that is current
	lingering int       // retiring credentials in use
	firstEnd  time.Time // of those
}

// unobserved is the reason of clients that the controller has not come to yet.
const unobserved = "Unobserved"

// countClients counts. That no client is ready is a number too, so that an alert
// can compare it.
func countClients(clients []v1alpha1.OAuthClient, now time.Time) clientCount {
	count := clientCount{byReady: map[readyState]int{{metav1.ConditionTrue, v1alpha1.ReasonReady}: 0}}
	for i := range clients {
		status := &clients[i].Status
		state := readyState{metav1.ConditionUnknown, unobserved}
		if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready != nil {
			state = readyState{ready.Status, ready.Reason}
		}
		count.byReady[state]++
		for j := range status.Credentials {
			count.add(&status.Credentials[j], status.Credentials, now)
		}
	}
	return count
}

func (count *clientCount) add(c *v1alpha1.ClientCredential, all []v1alpha1.ClientCredential, now time.Time) {
	switch cmp.Or(c.State, v1alpha1.CredentialCurrent) {
	case v1alpha1.CredentialCurrent:
		count.oldest = earlier(count.oldest, c.CreatedAt.Time)
	case v1alpha1.CredentialRetiring:
		if !usedAfterReplaced(c, all) || (c.ExpiresAt != nil && !now.Before(c.ExpiresAt.Time)) {
			return
		}
		count.lingering++
		if c.ExpiresAt != nil {
			count.firstEnd = earlier(count.firstEnd, c.ExpiresAt.Time)
		}
	case v1alpha1.CredentialPending:
	}
}

// usedAfterReplaced reports whether the credential was used after the next one
// was made, which may be in the same second.
func usedAfterReplaced(c *v1alpha1.ClientCredential, all []v1alpha1.ClientCredential) bool {
	var replaced time.Time
	for i := range all {
		if other := &all[i]; other.ID != c.ID && other.State != v1alpha1.CredentialPending && !other.CreatedAt.Time.Before(c.CreatedAt.Time) {
			replaced = earlier(replaced, other.CreatedAt.Time)
		}
	}
	return c.LastUsedAt != nil && !replaced.IsZero() && c.LastUsedAt.After(replaced)
}

// earlier returns the earlier of two times, of which a zero one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
