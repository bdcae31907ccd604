package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// keyAge tells since when the oldest signing key signs, of those that do.
type keyAge struct {
	desc  *prometheus.Desc
	since func(now time.Time) time.Time
}

func newKeyAge(since func(now time.Time) time.Time) *keyAge {
	return &keyAge{since: since, desc: prometheus.NewDesc(
		"oauth_operator_server_oldest_signing_key_not_before_timestamp_seconds",
		"Since when the oldest signing key signs, of those that do. It is absent where there is none.", nil, nil)}
}

// Describe implements prometheus.Collector.
func (k *keyAge) Describe(out chan<- *prometheus.Desc) { out <- k.desc }

// Collect implements prometheus.Collector.
func (k *keyAge) Collect(out chan<- prometheus.Metric) {
	if since := k.since(time.Now()); !since.IsZero() {
		out <- prometheus.MustNewConstMetric(k.desc, prometheus.GaugeValue, float64(since.Unix()))
	}
}
