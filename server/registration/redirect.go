package registration

import (
	"net"
	"net/url"
	"strings"
)

// RedirectURI is one registered redirect URI.
type RedirectURI struct {
	uri string

	// Of a native client's loopback URI, what stands before and behind the port.
	anyPort bool
	before  string
	after   string
}

// CompileRedirectURI prepares a registered redirect URI for comparison. The URI
// has passed api/validation. Of a public client's http URI on a loopback host
// the port is left open, because a native client takes whatever port is free
// (RFC 8252 §7.3, RFC 9700 §4.1.3); localhost counts as one, because clients
// use it.
func CompileRedirectURI(uri string, public bool) RedirectURI {
	r := RedirectURI{uri: uri}
	if u, err := url.Parse(uri); err == nil && public && u.Scheme == "http" && Loopback(u.Hostname()) {
		r.before, r.after, r.anyPort = splitPort(uri)
	}
	return r
}

// String returns the URI as it was registered.
func (r RedirectURI) String() string { return r.uri }

// Matches compares a requested redirect URI as RFC 6749 §3.1.2.3 and RFC 3986
// §6.2.1 say: as strings, but for the port of a native client.
func (r RedirectURI) Matches(requested string) bool {
	if requested == r.uri {
		return true
	}
	if !r.anyPort {
		return false
	}
	before, after, ok := splitPort(requested)
	return ok && before == r.before && after == r.after
}

// Loopback reports whether the host is this machine by name or address.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// splitPort cuts a URI of the form http://host[:port]rest into what stands
// before and behind the port. It does not interpret either: both have to be
// equal to what was registered.
func splitPort(uri string) (before, after string, ok bool) {
	const scheme = "http://"
	rest, ok := strings.CutPrefix(uri, scheme)
	if !ok {
		return "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, after := rest[:end], rest[end:]
	colon := strings.LastIndexByte(authority, ':')
	if colon < 0 || strings.HasSuffix(authority, "]") {
		return scheme + authority, after, true
	}
	port := authority[colon+1:]
	if len(port) == 0 || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
		return "", "", false
	}
	return scheme + authority[:colon], after, true
}
