package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// certificateExpiry tells when the certificate ends that the server has now.
type certificateExpiry struct {
	desc    *prometheus.Desc
	watcher *certwatcher.CertWatcher
}

func newCertificateExpiry(watcher *certwatcher.CertWatcher) *certificateExpiry {
	return &certificateExpiry{watcher: watcher, desc: prometheus.NewDesc(
		"oauth_operator_server_certificate_expiry_timestamp_seconds",
		"When the certificate ends that the server speaks TLS with. It is absent where it speaks plain HTTP.", nil, nil)}
}

// Describe implements prometheus.Collector.
func (c *certificateExpiry) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect implements prometheus.Collector.
func (c *certificateExpiry) Collect(out chan<- prometheus.Metric) {
	certificate, err := c.watcher.GetCertificate(nil)
	if err != nil || certificate == nil || certificate.Leaf == nil {
		return
	}
	out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(certificate.Leaf.NotAfter.Unix()))
}
