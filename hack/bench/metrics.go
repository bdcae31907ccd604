package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"oauth-operator.dev/hack/installation"
)

// controllerWrites returns how many writing requests the controller has made.
func controllerWrites(ctx context.Context, in *installation.Installation) (float64, error) {
	return metric(ctx, in.MetricsURL("controller"), "rest_client_requests_total", func(labels string) bool {
		return !strings.Contains(labels, `method="GET"`)
	})
}

// liveHeap has the server collect its garbage and returns the bytes that are
// still live.
func liveHeap(ctx context.Context, in *installation.Installation, pprof string) (float64, error) {
	if _, err := get(ctx, "http://"+pprof+"/debug/pprof/heap?gc=1"); err != nil {
		return 0, err
	}
	return metric(ctx, in.MetricsURL("server"), "go_gc_heap_live_bytes", func(string) bool { return true })
}

// get returns the body of an answer.
func get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return io.ReadAll(response.Body)
}

// metric returns the sum of a metric over the labels that count.
func metric(ctx context.Context, address, name string, counts func(labels string) bool) (float64, error) {
	body, err := get(ctx, address)
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for line := range strings.Lines(string(body)) {
		metricName, labels, _ := strings.Cut(strings.TrimSpace(line), "{")
		series, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if labels == "" {
			metricName = series
		} else if i := strings.LastIndex(line, "} "); i >= 0 {
			value, ok = strings.TrimSpace(line[i+2:]), true
		}
		if metricName != name || !ok || !counts(labels) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+v, true
	}
	if !found {
		return 0, fmt.Errorf("%s has no metric %s", address, name)
	}
	return sum, nil
}
