package embedded

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
)

// API is a Kubernetes API in memory.
type API struct {
	store *store

	holding sync.Mutex
	held    map[held]bool // what Hold has put in
}

// New returns an API without objects.
func New() *API { return &API{store: newStore()} }

// Mapper returns a mapper of the kinds that there are, in place of discovery.
func Mapper(*rest.Config, *http.Client) (meta.RESTMapper, error) { return mapper(), nil }

// Serve answers until ctx ends, and returns how to get there.
func (a *API) Serve(ctx context.Context) *rest.Config {
	listener := &inside{connections: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go func() { _ = server.Serve(listener) }() // it ends with the listener
	context.AfterFunc(ctx, func() { _ = server.Close() })
	config := &rest.Config{Host: "http://embedded", Dial: listener.dial, QPS: -1}
	// Nothing is gained from another form between two ends of one process.
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	return config
}

// inside is a net.Listener for connections from the same process.
type inside struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func (i *inside) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case i.connections <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-i.closed:
		return nil, net.ErrClosed
	}
}

// Accept implements net.Listener.
func (i *inside) Accept() (net.Conn, error) {
	select {
	case c := <-i.connections:
		return c, nil
	case <-i.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (i *inside) Close() error {
	i.once.Do(func() { close(i.closed) })
	return nil
}

// Addr implements net.Listener.
func (i *inside) Addr() net.Addr { return &net.UnixAddr{Name: "embedded", Net: "unix"} }

var errNoSuchResource = errors.New("there is no such resource here")
