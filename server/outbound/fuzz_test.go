package outbound

import (
	"context"
	"errors"
	"net/netip"
	"testing"
)

// FuzzReachable resolves a name of a client's to anything: it is connected to only if
// it is a public address, and an IPv4 address that is not is not reached in IPv6 either,
// in whatever form it is carried there.
func FuzzReachable(f *testing.F) {
	for _, address := range []string{
		"8.8.8.8:443", "127.0.0.1:443", "169.254.169.254:80", "[::ffff:10.0.0.1]:443", "[fe80::1%eth0]:443", "[64:ff9b::7f00:1]:443", "10.0.0.1", "localhost:443", "[2606:2800:220:1::1]:443", "",
	} {
		f.Add(address, []byte{10, 0, 0, 1})
	}
	look := control(nil)
	f.Fuzz(func(t *testing.T, address string, four []byte) {
		err := look(context.Background(), "tcp", address, nil)
		if err != nil && !errors.Is(err, ErrNetwork) {
			t.Errorf("%q: %v", address, err)
		}
		at, bad := netip.ParseAddrPort(address)
		if err == nil && (bad != nil || !at.Addr().IsGlobalUnicast() || at.Addr().IsPrivate() || at.Addr().Unmap().IsPrivate() || at.Addr().Unmap().IsLoopback() || at.Addr().Zone() != "") {
			t.Errorf("%q is reached", address)
		}
		if len(four) != 4 {
			return
		}
		if v4 := netip.AddrFrom4([4]byte(four)); !reachable(v4, nil) {
			for _, carried := range carriers(four) {
				if reachable(carried, nil) {
					t.Errorf("%s is not reached, and %s is", v4, carried)
				}
			}
		}
	})
}

// carriers are the IPv6 addresses that carry an IPv4 address.
func carriers(v4 []byte) []netip.Addr {
	var all []netip.Addr
	for prefix, at := range map[string]int{
		"::": 12, "::ffff:0:0": 12, "::ffff:0:0:0": 12, "64:ff9b::": 12, "64:ff9b:1::": 12, "2002::": 2, "2001::": 4,
	} {
		raw := netip.MustParseAddr(prefix).As16()
		copy(raw[at:], v4)
		all = append(all, netip.AddrFrom16(raw))
	}
	return all
}
