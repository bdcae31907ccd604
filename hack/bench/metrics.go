package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"

	"oauth-operator.dev/hack/installation"
)

// controllerWrites returns how many writing requests the controller has made.
func controllerWrites(ctx context.Context, in *installation.Installation) (float64, error) {
	return metric(ctx, http.DefaultClient, in.MetricsURL("controller"), "rest_client_requests_total", func(labels string) bool {
		return !strings.Contains(labels, `method="GET"`)
	})
}

// reconciles returns how often the controller has looked at an OAuthClient since
// it started: 0 where it has not yet.
func reconciles(ctx context.Context, in *installation.Installation) (float64, error) {
	const total = "controller_runtime_reconcile_total"
	n, err := metric(ctx, http.DefaultClient, in.MetricsURL("controller"), total, func(labels string) bool {
		return strings.Contains(labels, `controller="oauthclient"`)
	})
	if errors.Is(err, errNoMetric) {
		return 0, nil
	}
	return n, err
}

// operatorsOwn are the resources that only the operator works with during the
// benchmarks. The leases and the event of the leader are not among them: that is
// what it costs to have one, however many clients there are.
var operatorsOwn = regexp.MustCompile(`(group="(oauth-operator\.dev|events\.k8s\.io)"|resource="(secrets|ingresses|httproutes|deployments|statefulsets|daemonsets)")`)

var writing = regexp.MustCompile(`verb="(POST|PUT|PATCH|APPLY|DELETE)"`)

// apiCalls returns how many requests for the operator's resources the API server
// has answered since it started, and how many of them were to write.
func apiCalls(ctx context.Context, in *installation.Installation) (all, writes float64, err error) {
	config := in.ControlPlane.Config()
	admin, err := rest.HTTPClientFor(config)
	if err != nil {
		return 0, 0, err
	}
	const total = "apiserver_request_total"
	address := strings.TrimSuffix(config.Host, "/") + "/metrics"
	all, err = metric(ctx, admin, address, total, operatorsOwn.MatchString)
	if err != nil {
		return 0, 0, err
	}
	writes, err = metric(ctx, admin, address, total, func(labels string) bool {
		return operatorsOwn.MatchString(labels) && writing.MatchString(labels)
	})
	return all, writes, err
}

// liveHeap has the server collect its garbage and returns the bytes that are
// still live.
func liveHeap(ctx context.Context, in *installation.Installation, pprof string) (float64, error) {
	if _, err := get(ctx, http.DefaultClient, "http://"+pprof+"/debug/pprof/heap?gc=1"); err != nil {
		return 0, err
	}
	return metric(ctx, http.DefaultClient, in.MetricsURL("server"), "go_gc_heap_live_bytes", func(string) bool { return true })
}

// get returns the body of an answer.
func get(ctx context.Context, c *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return io.ReadAll(response.Body)
}

// errNoMetric says that what was asked for has not been counted yet.
var errNoMetric = errors.New("there is no such metric")

// metric returns the sum of a metric over the labels that count.
func metric(ctx context.Context, c *http.Client, address, name string, counts func(labels string) bool) (float64, error) {
	body, err := get(ctx, c, address)
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
		return 0, fmt.Errorf("%s of %s: %w", name, address, errNoMetric)
	}
	return sum, nil
}
