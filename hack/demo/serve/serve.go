// Package serve runs a sample workload until it is told to stop.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Timeouts of a workload. A client that waits for ever is one that hangs when
// what it waits for has gone.
const (
	readHeaderTimeout = 5 * time.Second
	clientTimeout     = 10 * time.Second
	drainTimeout      = 10 * time.Second
	idleTimeout       = 90 * time.Second
	startAgainAfter   = time.Second
	pingAfter         = 3 * time.Second
	pingTimeout       = 3 * time.Second
)

// Client is the HTTP client of a workload. It trusts the roots of the system, and
// those in the folder that SSL_CERT_DIR names. A connection of HTTP/2 on which nobody
// answers is given up: requests that run out of time do not end it, and when the node
// at the other end has lost its power, TCP waits for a quarter of an hour.
func Client() *http.Client {
	return &http.Client{Timeout: clientTimeout, Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: clientTimeout}).DialContext,
		TLSHandshakeTimeout: clientTimeout,
		IdleConnTimeout:     idleTimeout,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}}
}

// Main makes the handler, serves it at the address until the process is told to
// stop, and ends the process. Until the handler can be made it tries again: the
// authorization server may start later than its clients.
func Main(address string, handler func(context.Context) (http.Handler, error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, address, handler)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string, makeHandler func(context.Context) (http.Handler, error)) error {
	handler, err := makeHandler(ctx)
	for ; err != nil; handler, err = makeHandler(ctx) {
		fmt.Fprintln(os.Stderr, err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(startAgainAfter):
		}
	}
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: readHeaderTimeout}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		stopped <- server.Shutdown(drain)
	})
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
