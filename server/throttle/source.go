package throttle

import (
	"net"
	"net/http"
	"net/netip"
)

// Source returns the address of whoever sent the request, as a key: RemoteAddr,
// into which the word of a trusted proxy has been put before. Of an IPv6 address it
// is the /64, because that is what one subscriber has.
func Source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap()
	if addr.Is6() {
		if prefix, err := addr.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
