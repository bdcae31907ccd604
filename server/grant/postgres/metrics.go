package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of a Store. No label holds anything that somebody has sent.
type metrics struct {
	duration *prometheus.HistogramVec
	cleared  prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, stat func() *pgxpool.Stat) *metrics {
	m := &metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "oauth_operator_server_postgres_step_duration_seconds",
			Help:    "Time of a step of the grant store, the wait for a connection included.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		}, []string{"step", "outcome"}),
		cleared: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "oauth_operator_server_postgres_cleared_total",
			Help: "Rows that were cleared away by this replica because their time was over.",
		}),
	}
	if registerer == nil {
		return m
	}
	gauge := func(name, help, state string, value func(*pgxpool.Stat) float64) prometheus.Collector {
		options := prometheus.GaugeOpts{Name: name, Help: help}
		if state != "" {
			options.ConstLabels = prometheus.Labels{"state": state}
		}
		return prometheus.NewGaugeFunc(options, func() float64 { return value(stat()) })
	}
	const connections, help = "oauth_operator_server_postgres_connections", "Connections to the database, by what they do."
	registerer.MustRegister(
		m.duration, m.cleared,
		gauge(connections, help, "idle", func(s *pgxpool.Stat) float64 { return float64(s.IdleConns()) }),
		gauge(connections, help, "busy", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }),
		gauge(connections, help, "connecting", func(s *pgxpool.Stat) float64 { return float64(s.ConstructingConns()) }),
		gauge("oauth_operator_server_postgres_connections_limit", "How many connections this replica may have.", "",
			func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "oauth_operator_server_postgres_connection_waits_total",
			Help: "Steps that had to wait for a connection. Starts anew with a new connection string.",
		}, func() float64 { return float64(stat().EmptyAcquireCount()) }),
	)
	return m
}

// observe notes how long a step took and how it ended: "ok"; "refused", which is an
// answer too; or "unknown".
func (m *metrics) observe(step string, err error, took time.Duration) {
	outcome := "ok"
	switch {
	case err == nil:
	case isAnswer(err):
		outcome = "refused"
	default:
		outcome = "unknown"
	}
	m.duration.WithLabelValues(step, outcome).Observe(took.Seconds())
}
