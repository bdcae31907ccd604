// Package chartcheck has Prometheus' own parser and engine read what the chart has for
// it. Its tests are run by those of the chart.
package chartcheck
