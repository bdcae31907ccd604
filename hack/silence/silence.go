// Package silence is for tests of what a client does when the other end has lost its
// power: nobody ends the connection, and nobody answers.
package silence

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
)

// Server speaks HTTP/2 with TLS, and its connections can be lost without a word to
// either end.
type Server struct {
	*httptest.Server

	wires *listener
}

// NewServer starts one, on loopback.
func NewServer(handler http.Handler) *Server {
	s := &Server{Server: httptest.NewUnstartedServer(handler)}
	s.wires = &listener{Listener: s.Listener}
	s.wires.lost.Store(new(atomic.Bool))
	s.Listener, s.EnableHTTP2 = s.wires, true
	s.StartTLS()
	return s
}

// Lose has the connections that there are be lost. Later ones are not.
func (s *Server) Lose() { s.wires.lost.Swap(new(atomic.Bool)).Store(true) }

// Accepted is how many connections there have been.
func (s *Server) Accepted() int { return int(s.wires.accepted.Load()) }

// Close stops the server, without waiting for what was lost.
func (s *Server) Close() {
	s.CloseClientConnections()
	s.Server.Close()
}

type listener struct {
	net.Listener

	lost     atomic.Pointer[atomic.Bool] // the fate of what is accepted now
	accepted atomic.Int64
}

func (l *listener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.accepted.Add(1)
	return &wire{Conn: connection, lost: l.lost.Load()}, nil
}

type wire struct {
	net.Conn

	lost *atomic.Bool
}

func (w *wire) Read(b []byte) (int, error) {
	for {
		n, err := w.Conn.Read(b)
		if err != nil || !w.lost.Load() {
			return n, err
		}
	}
}

func (w *wire) Write(b []byte) (int, error) {
	if w.lost.Load() {
		return len(b), nil
	}
	return w.Conn.Write(b)
}
