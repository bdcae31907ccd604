// Package outbound is how the server reaches addresses that clients name: none
// that a client must not make it reach (server-side request forgery). It is a
// leaf.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Options of a client.
type Options struct {
	// Networks may be reached although they are not public.
	Networks []netip.Prefix

	// RootCAs vouch for the certificates. Nil for those of the system.
	RootCAs *x509.CertPool

	// Resolver looks names up. Nil for that of the system.
	Resolver *net.Resolver
}

// Bounds of a request.
const (
	dialTimeout      = 5 * time.Second
	requestTimeout   = 10 * time.Second
	maxHeaderBytes   = 16 << 10
	maxConnsPerHost  = 8
	idleConnsTimeout = 30 * time.Second
	pingAfter        = 5 * time.Second
	pingTimeout      = 5 * time.Second
)

// Errors of a client, wrapped by those of net/http.
var (
	// ErrScheme says that an address is not on https.
	ErrScheme = errors.New("outbound: only https is reached")

	// ErrNetwork says that a name leads to an address that is not public.
	ErrNetwork = errors.New("outbound: the address is in no public network")
)

// New returns an HTTP client that speaks https alone, follows no redirect, uses
// no proxy and carries no cookie. It looks at the very address that it connects
// to, after the name was resolved, so a name that changes its mind helps nobody.
// Who reads an answer bounds its length.
func New(o Options) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: o.Resolver, ControlContext: control(o.Networks)}
	return &http.Client{
		Timeout: requestTimeout,
		Transport: secure{&http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout:    dialTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			MaxConnsPerHost:        maxConnsPerHost,
			IdleConnTimeout:        idleConnsTimeout,
			ForceAttemptHTTP2:      true,
			// A request that runs out of time does not end its connection. When whoever is at
			// the other end has lost their power, nobody else does for a quarter of an hour.
			HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// secure refuses whatever is not on https.
type secure struct{ next http.RoundTripper }

func (s secure) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, ErrScheme
	}
	return s.next.RoundTrip(r)
}

// control is asked about each address before it is connected to.
func control(networks []netip.Prefix) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !reachable(at.Addr(), networks) {
			return fmt.Errorf("%w: %s", ErrNetwork, address)
		}
		return nil
	}
}

// reachable reports whether the address is public, or in one of the networks.
func reachable(addr netip.Addr, networks []netip.Prefix) bool {
	addr = addr.Unmap()
	for _, n := range networks {
		if n.Contains(addr.WithZone("")) {
			return true
		}
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false // loopback, link-local, multicast and unspecified addresses too
	}
	for _, n := range special {
		if n.Contains(addr) {
			return false
		}
	}
	return true
}

// special are networks that are not public though their addresses look so (the
// special-purpose registries of IANA, RFC 6890), and those that carry an IPv4
// address to wherever it leads.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared by providers; some clouds' metadata
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),           // IPv4 in IPv6, deprecated
	netip.MustParsePrefix("::ffff:0:0:0/96"), // IPv4 translated into IPv6 (RFC 2765), deprecated
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("3fff::/20"), // documentation (RFC 9637)
	netip.MustParsePrefix("5f00::/16"), // segment routing (RFC 9602)
	netip.MustParsePrefix("fec0::/10"),
}
