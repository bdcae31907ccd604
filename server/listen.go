package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
)

// Bounds on what a connection may cost, for callers that are slow or large on
// purpose. Argon2id takes tens of milliseconds; nothing else here takes one.
const (
	// farewell is how long a server that is told to stop goes on, and asks with each
	// answer for another connection. Whoever keeps a connection busy has then let go of
	// it, and no request is on its way into one that is being closed.
	farewell = time.Second

	maxHeaderBytes = 32 << 10
)

// timeouts bound how long a caller may take.
type timeouts struct {
	header time.Duration // to send the header of a request, and for the TLS handshake
	read   time.Duration // to send a request, with its body
	write  time.Duration // to take the answer
	idle   time.Duration // between two requests
	answer time.Duration // for us to answer
}

// defaultTimeouts are those of a Listener that has none of its own.
var defaultTimeouts = timeouts{
	header: 5 * time.Second,
	read:   15 * time.Second,
	write:  30 * time.Second,
	idle:   2 * time.Minute,
	answer: 15 * time.Second,
}

// Listener serves a handler until its context ends.
type Listener struct {
	// Address to listen on, as in ":8080".
	Address string

	// Open is a listener that is open already, in place of Address. Nil for none.
	Open net.Listener

	// TLS is nil for plain HTTP.
	TLS *tls.Config

	// Handler answers the requests.
	Handler http.Handler

	// Drain is how long requests that are under way may take to end once the
	// context has ended.
	Drain time.Duration

	Log logr.Logger

	// timeouts are zero for the defaults.
	timeouts timeouts
}

// Start listens and serves until ctx ends, then sends callers away and lets the
// requests under way finish. It returns an error if it cannot listen.
func (l *Listener) Start(ctx context.Context) error {
	listener := l.Open
	if listener == nil {
		var err error
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", l.Address); err != nil {
			return fmt.Errorf("the authorization server cannot listen on %s: %w", l.Address, err)
		}
	}
	bounds := cmp.Or(l.timeouts, defaultTimeouts)
	server := &http.Server{
		Handler:           withTimeout(bounds.answer, closing(ctx, closeAfterChunks(l.Handler))),
		TLSConfig:         l.TLS,
		ReadHeaderTimeout: bounds.header,
		ReadTimeout:       bounds.read,
		WriteTimeout:      bounds.write,
		IdleTimeout:       bounds.idle,
		MaxHeaderBytes:    maxHeaderBytes,
		// net/http logs what callers do that do not speak TLS or HTTP. That is
		// no news, and its lines hold what they sent.
		ErrorLog: stdlog.New(io.Discard, "", 0),
	}
	done := make(chan error, 1)
	go func() { done <- l.serve(server, listener) }()
	l.Log.Info("Serving.", "address", listener.Addr().String(), "tls", l.TLS != nil)

	select {
	case err := <-done:
		return fmt.Errorf("the authorization server stopped serving: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.Drain)
	defer cancel()
	select {
	case err := <-done:
		return fmt.Errorf("the authorization server stopped serving: %w", err)
	case <-time.After(min(farewell, l.Drain/2)):
	}
	if err := server.Shutdown(drain); err != nil {
		return fmt.Errorf("requests were still under way after %s: %w", l.Drain, err)
	}
	return nil
}

// closing has every answer that is given once ctx has ended be the last one of its
// connection (RFC 9112 §9.6).
func closing(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func (l *Listener) serve(server *http.Server, listener net.Listener) error {
	var err error
	if l.TLS != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// NeedLeaderElection says that every replica serves, not only the leader.
func (l *Listener) NeedLeaderElection() bool { return false }

// closeAfterChunks ends the connection after a request whose body came in chunks.
// RFC 9112 §6.1 asks for that of one that has a Content-Length as well, because a
// proxy may have gone by the other of the two, and take what follows for a request
// of somebody else. net/http hides that length from handlers, and no client has a
// need to send a form in chunks.
func closeAfterChunks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
