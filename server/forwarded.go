package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// TrustProxies returns a handler that takes the address of the caller from the
// header X-Forwarded-For where the connection comes from one of the given
// networks, and otherwise takes no notice of it. The address serves to slow
// down those who guess passwords. No other forwarded header means anything to
// the server: its own addresses come from its issuers alone.
func TrustProxies(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if caller, ok := forwardedFor(r, proxies); ok {
			forwarded := *r
			forwarded.RemoteAddr = net.JoinHostPort(caller.String(), "0")
			r = &forwarded
		}
		next.ServeHTTP(w, r)
	})
}

// forwardedFor walks X-Forwarded-For from its end, which the nearest proxy
// wrote, to the first address that is not a trusted proxy's.
func forwardedFor(r *http.Request, proxies []netip.Prefix) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !within(proxies, peer.Addr()) {
		return netip.Addr{}, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := address(strings.TrimSpace(hops[i]))
		if !ok {
			return netip.Addr{}, false
		}
		if !within(proxies, hop) {
			return hop, true
		}
	}
	return netip.Addr{}, false
}

// address reads an entry of the header: an address, with a port as some proxies
// write it.
func address(hop string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(hop); err == nil {
		return addr, true
	}
	withPort, err := netip.ParseAddrPort(hop)
	return withPort.Addr(), err == nil
}

func within(networks []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
