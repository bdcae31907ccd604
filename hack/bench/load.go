package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// workers is how many requests are under way at a time.
const workers = 8

// browserless is the client of the load: it keeps connections open and does not
// follow redirects.
var browserless = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: workers},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// load runs the step n times, workers at a time, and returns the CPU time that
// the process used for each and how many were done in a second.
func load(ctx context.Context, pid, n int, step func(ctx context.Context, i int) error) (cpu time.Duration, perSecond float64, err error) {
	// What is only done once belongs to nobody's time.
	if err := inParallel(ctx, min(n, 4*workers), workers, func(ctx context.Context, i int) error { return step(ctx, n+i) }); err != nil {
		return 0, 0, err
	}
	before, err := cpuTime(pid)
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if err := inParallel(ctx, n, workers, step); err != nil {
		return 0, 0, err
	}
	elapsed := time.Since(begin)
	after, err := cpuTime(pid)
	if err != nil {
		return 0, 0, err
	}
	return (after - before) / time.Duration(n), float64(n) / elapsed.Seconds(), nil
}

// inParallel runs the step n times, so many at a time.
func inParallel(ctx context.Context, n, atOnce int, step func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return step(ctx, i) })
	}
	return group.Wait()
}

// post sends a form and returns the body of an answer with status 200.
func post(ctx context.Context, address, user, password string, form url.Values) ([]byte, error) {
	return postTo(ctx, address, "", user, password, form)
}

// postTo is post to one replica of the host.
func postTo(ctx context.Context, address, host, user, password string, form url.Values) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Host = host
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		request.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(password))
	}
	response, err := browserless.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("POST %s: %s %s", address, response.Status, body)
	}
	return body, nil
}
