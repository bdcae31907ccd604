package validation

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxLabel is the longest label of a host name (RFC 1035 §2.3.4).
const maxLabel = 63

// hostOf returns the host of an authority without userinfo: host or host:port,
// with an IPv6 address in brackets. It is not ok if the port is not 1 to 65535.
func hostOf(authority string) (host string, ok bool) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < 0 || strings.HasSuffix(authority, "]") {
		return authority, true
	}
	return authority[:colon], validPort(authority[colon+1:])
}

func validPort(port string) bool {
	if port == "" || port[0] == '0' || !only(port, digit) {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// validHost reports whether the host is a host name, an IPv4 address or an
// IPv6 address in brackets, in a form that nobody reads differently.
func validHost(host string) bool {
	if strings.HasPrefix(host, "[") {
		inner, ok := strings.CutSuffix(host[1:], "]")
		// No zone, and no IPv4 in disguise.
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && only(inner, ipv6Character) && addr.Is6() && !addr.Is4In6()
	}
	return validHostname(host) || validIPv4(host)
}

// validHostname reports whether the name is one of letters, digits and hyphens
// (RFC 1123 §2.1). Its last label begins with a letter: browsers take a name
// that ends in a number for an IPv4 address.
func validHostname(name string) bool {
	last := name
	for label := range strings.SplitSeq(name, ".") {
		if !validLabel(label) {
			return false
		}
		last = label
	}
	return letter(last[0])
}

func validLabel(label string) bool {
	return label != "" && len(label) <= maxLabel && only(label, labelCharacter) &&
		label[0] != '-' && label[len(label)-1] != '-'
}

func validIPv4(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is4()
}

// loopback reports whether the host is this machine: localhost, 127.0.0.1 or
// [::1] (RFC 8252 §7.3).
func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "[::1]"
}

// uriCharacters reports whether s has only characters that path and query of
// a URI may have (RFC 3986 §3.3, §3.4), and percent signs only where they encode.
func uriCharacters(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || !hexadecimal(s[i+1]) || !hexadecimal(s[i+2]) {
				return false
			}
			i += 2
		case !unreserved(c) && strings.IndexByte("!$&'()+,;=:@/?", c) < 0:
			return false
		}
	}
	return true
}

// only reports whether every byte of s is in the class.
func only(s string, class func(byte) bool) bool {
	for i := range len(s) {
		if !class(s[i]) {
			return false
		}
	}
	return true
}

func digit(c byte) bool  { return c >= '0' && c <= '9' }
func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func hexadecimal(c byte) bool   { return digit(c) || (c|0x20 >= 'a' && c|0x20 <= 'f') }
func ipv6Character(c byte) bool { return hexadecimal(c) || c == ':' }

func labelCharacter(c byte) bool { return letter(c) || digit(c) || c == '-' }

func schemeCharacter(c byte) bool {
	return (c >= 'a' && c <= 'z') || digit(c) || c == '+' || c == '-'
}

func unreserved(c byte) bool {
	return letter(c) || digit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}
