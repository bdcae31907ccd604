package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"oauth-operator.dev/hack/e2e/outcome"
)

// How often each happens. All people of the load come from one address, which the
// authorization server lets try a password once a second.
const (
	loginEvery   = 1500 * time.Millisecond
	sessionEvery = time.Second
	workerEvery  = 500 * time.Millisecond
	raceEvery    = 700 * time.Millisecond
	againAfter   = time.Second
)

// mostFailures is how many failures of one event are told.
const mostFailures = 10

// attemptTimeout is how long one attempt may take, requests and all.
const attemptTimeout = 20 * time.Second

// load is what goes on while the tests disturb the installation.
type load struct {
	webapp             string
	username, password string
	worker, racer      string
	replicas           string
	port               string
	edge               *url.URL
	direct             http.RoundTripper // to Services and Pods

	mutex sync.Mutex
	out   *json.Encoder
}

func runLoad(ctx context.Context, flags *flag.FlagSet, args []string) error {
	l := &load{out: json.NewEncoder(os.Stdout)}
	edgeURL := flags.String("edge", "", "URL of the edge")
	flags.StringVar(&l.webapp, "webapp", "", "URL of the sample web application, behind the edge")
	flags.StringVar(&l.username, "username", "alice", "who logs in")
	flags.StringVar(&l.password, "password", "", "and their password")
	flags.StringVar(&l.worker, "worker", "", "folder with the mounted Secret of a client with client credentials")
	flags.StringVar(&l.racer, "racer", "", "folder with the mounted Secret of a client whose codes are redeemed twice")
	flags.StringVar(&l.replicas, "replicas", "", "a name that resolves to all Pods of the authorization server")
	flags.StringVar(&l.port, "port", "8080", "port of the Pods")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if l.edge, err = url.Parse(*edgeURL); err != nil {
		return err
	}
	l.direct = transport(nil)
	var group sync.WaitGroup
	for _, play := range []func(context.Context){l.logins, l.session, l.works, l.races} {
		group.Go(func() { play(ctx) })
	}
	group.Wait()
	return nil
}

// edged is a transport through the edge, with connections of its own.
func (l *load) edged() *http.Transport {
	return transport(func(r *http.Request) (*url.URL, error) {
		if r.URL.Hostname() == hostOf(l.webapp) {
			return l.edge, nil
		}
		return nil, nil // the issuer is a Service
	})
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// transport has timeouts: whoever waits for ever for a Pod that has gone shows a
// fault of their own.
func transport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
		IdleConnTimeout:       30 * time.Second,
	}
}

// every does something again and again, each time until it works, and reports how
// it went.
func (l *load) every(ctx context.Context, kind outcome.Kind, interval time.Duration, do func(context.Context) error) {
	for ctx.Err() == nil {
		event := outcome.Event{Kind: kind, Began: time.Now()}
		for {
			attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
			err := do(attempt)
			cancel()
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return // it was told to stop; that is nobody's fault
			}
			if len(event.Failures) < mostFailures {
				event.Failures = append(event.Failures, plain(err))
			}
			event.Ended = time.Now()
			l.report(outcome.Event{Kind: kind, Began: event.Began, Ended: event.Ended, Failures: event.Failures, Pending: true})
			wait(ctx, againAfter)
		}
		event.Ended = time.Now()
		l.report(event)
		wait(ctx, interval)
	}
}

func (l *load) report(event outcome.Event) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_ = l.out.Encode(event) // whoever reads it notices that nothing comes
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// plain is an error without the URL of the request: in it there may be a code.
func plain(err error) string {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Op + " " + hostOf(failed.URL) + ": " + failed.Err.Error()
	}
	return err.Error()
}
