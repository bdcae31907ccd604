package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// dialTimeout is how long a Service may take to accept a connection.
const dialTimeout = 5 * time.Second

// edge is a proxy for CONNECT (RFC 9110 §9.3.6) that looks names up in the cluster
// and reaches Services, so through kube-proxy, as a neighbour would. For some hosts
// it is what an Ingress is: TLS ends here, and the Service gets plain HTTP.
type edge struct {
	routes map[string]string // of an address such as "webapp.example.com:443"
	tls    *tls.Config
}

func runEdge(ctx context.Context, flags *flag.FlagSet, args []string) error {
	e := &edge{routes: map[string]string{}}
	listen := flags.String("listen", ":8080", "address to serve at")
	certificate := flags.String("tls-cert-file", "", "certificate for the hosts of -route")
	key := flags.String("tls-private-key-file", "", "its private key")
	flags.Func("route", "HOST=ADDRESS: end TLS for https://HOST and go on to ADDRESS; may be repeated", func(value string) error {
		host, address, found := strings.Cut(value, "=")
		if !found {
			return fmt.Errorf("%q is not HOST=ADDRESS", value)
		}
		e.routes[host+":443"] = address
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	if err != nil {
		return err
	}
	e.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server := &http.Server{Addr: *listen, Handler: e, ReadHeaderTimeout: dialTimeout}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeHTTP connects the caller with whom it names.
func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		// A readiness probe, or a mistake.
		w.WriteHeader(http.StatusNoContent)
		return
	}
	address, ends := e.routes[r.Host]
	if !ends {
		address = r.Host
	}
	service, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(r.Context(), "tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = service.Close() }()
	caller, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = caller.Close() }()
	if _, err := io.WriteString(caller, "HTTP/1.1 200 Connected\r\n\r\n"); err != nil {
		return
	}
	if ends {
		caller = tls.Server(caller, e.tls)
	}
	relay(caller, service)
}

// relay copies both ways until one side has ended.
func relay(a, b net.Conn) {
	ended := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // whoever copies the other way notices too
			ended <- struct{}{}
		}()
	}
	<-ended
}
