package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"oauth-operator.dev/server/throttle"
)

// FuzzForwardedFor sends anything in the header: the caller is what one of its
// entries says and no proxy of ours, or else whoever made the connection.
func FuzzForwardedFor(f *testing.F) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	const peer = "10.1.2.3:1000"
	for _, seed := range []string{
		"192.0.2.7", "198.51.100.1, 192.0.2.7:50123", "[2001:db8::7]:50123,10.9.9.9", "::ffff:10.0.0.1", "fe80::1%eth0", "unknown", ",,", "_hidden, 10.0.0.1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, forwarded string) {
		var seen string
		handler := TrustProxies(proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RemoteAddr }))
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", forwarded)
		handler.ServeHTTP(httptest.NewRecorder(), r)
		r.RemoteAddr = seen
		source := throttle.Source(r) // what tries at passwords are counted by
		if _, err := netip.ParsePrefix(source); err != nil {
			if addr, err := netip.ParseAddr(source); err != nil || !addr.Is4() {
				t.Errorf("%q: tries are counted for %q", forwarded, source)
			}
		}
		if seen == peer {
			return
		}
		caller, err := netip.ParseAddrPort(seen)
		if err != nil {
			t.Fatalf("%q: the caller is %q: %v", forwarded, seen, err)
		}
		if slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(caller.Addr().Unmap()) }) {
			t.Errorf("%q: the caller is a proxy, %s", forwarded, seen)
		}
		if !slices.ContainsFunc(strings.Split(forwarded, ","), func(entry string) bool {
			entry = strings.TrimSpace(entry)
			if addr, err := netip.ParseAddr(entry); err == nil {
				return addr == caller.Addr()
			}
			withPort, err := netip.ParseAddrPort(entry)
			return err == nil && withPort.Addr() == caller.Addr()
		}) {
			t.Errorf("%q: the caller is made up, %s", forwarded, seen)
		}
	})
}

// FuzzHost sends anything in the header Host: it is one of our issuers to the letter,
// but for case and the default port, or none.
func FuzzHost(f *testing.F) {
	for _, host := range []string{
		"id.example.com", "ID.Example.COM:443", "id.example.com:80", "id.example.com:8443", "id.example.com.", "id.example.com.evil.example",
		"evil.example/id.example.com", "user@id.example.com", "[::1]:443", "[::1%25eth0]", "", ":", "[", "id.example.com:443:443", "\x00",
	} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		canonical := canonicalHost(host)
		if canonicalHost(canonical+":443") != canonical && !strings.ContainsAny(canonical, ":[]") {
			t.Errorf("%q is %q, and with the default port another", host, canonical)
		}
		if canonical != "id.example.com" {
			return
		}
		switch lower := strings.ToLower(host); lower {
		case "id.example.com", "id.example.com:443", "id.example.com:80":
		case "[id.example.com]:443", "[id.example.com]:80": // what Go takes for a host and a port
		default:
			t.Errorf("%q is taken for id.example.com", host)
		}
	})
}
