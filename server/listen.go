package server

import (
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
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	answerTimeout     = 15 * time.Second

	// farewell is how long a server that is told to stop goes on, and asks with each
	// answer for another connection. Whoever keeps a connection busy has then let go of
	// it, and no request is on its way into one that is being closed.
	farewell       = time.Second
	maxHeaderBytes = 32 << 10
)

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
	server := &http.Server{
		Handler:           withTimeout(answerTimeout, closing(ctx, l.Handler)),
		TLSConfig:         l.TLS,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
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
