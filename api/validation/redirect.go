package validation

import (
	"errors"
	"net/url"
	"strings"
)

// maxRedirectURI is the longest redirect URI, in bytes.
const maxRedirectURI = 1024

// What can be wrong with a redirect URI. The sentences complete "the redirect
// URI ...", and the CEL rules of the CRD say the same.
var (
	errURILength   = errors.New("must have 1 to 1024 characters")
	errURIChars    = errors.New("must consist of the characters of a URI (RFC 3986): percent-encode any other, and write % only before two hexadecimal digits")
	errURIWildcard = errors.New("must not have a wildcard: redirect URIs are compared character by character, so list each in full")
	errURIFragment = errors.New("must not have a fragment (RFC 6749 §3.1.2): remove # and what follows")
	errURIUserinfo = errors.New("must not have user or password: remove what stands before the @")
	errURIForm     = errors.New("must be https://host/path, or http:// with the host localhost, 127.0.0.1 or [::1], or the private-use scheme of a native app with a dot in it, such as com.example.app:/callback")
	errURIDots     = errors.New(`must not have the path segments "." and "..", plain or percent-encoded: write the path that is meant`)
	errURIControl  = errors.New("must not have percent-encoded control characters: remove %00 to %1F and %7F")
	errURIResponse = errors.New("must not have a query parameter named as one of the response: remove code, state, iss, error, error_description and error_uri")
)

// RedirectURI reports what keeps a URI from being registered as a redirect URI
// (RFC 6749 §3.1.2, RFC 9700 §2.1, RFC 8252 §7). What it accepts has one reading
// only: browsers, proxies and net/url agree on its scheme, host and path.
func RedirectURI(uri string) error {
	if uri == "" || len(uri) > maxRedirectURI {
		return errURILength
	}
	// The wildcard and the fragment come first, as the likelier mistakes.
	if strings.Contains(uri, "*") {
		return errURIWildcard
	}
	if strings.Contains(uri, "#") {
		return errURIFragment
	}
	rest, err := locate(uri)
	if err != nil {
		return err
	}
	if !uriCharacters(rest) {
		return errURIChars
	}
	return pathAndQuery(rest)
}

// locate checks scheme and authority and returns what follows them.
func locate(uri string) (rest string, err error) {
	scheme, after, ok := strings.Cut(uri, ":")
	if !ok {
		return "", errURIForm
	}
	hierarchy, isURL := strings.CutPrefix(after, "//")
	authority, rest := hierarchy, ""
	if end := strings.IndexAny(hierarchy, "/?"); end >= 0 {
		authority, rest = hierarchy[:end], hierarchy[end:]
	}
	switch {
	case isURL && strings.Contains(authority, "@"):
		return "", errURIUserinfo
	case isURL && scheme == "https":
		host, ok := hostOf(authority)
		if !ok || !validHost(host) {
			return "", errURIForm
		}
	case isURL && scheme == "http":
		// RFC 8252 §7.3 and §8.3: in the clear only to this machine.
		host, ok := hostOf(authority)
		if !ok || !loopback(host) {
			return "", errURIForm
		}
	case !privateUse(scheme):
		return "", errURIForm
	case !isURL:
		if !strings.HasPrefix(after, "/") {
			return "", errURIForm
		}
		return after, nil
	case authority == "":
		if !strings.HasPrefix(rest, "/") {
			return "", errURIForm
		}
	case !only(authority, unreserved):
		return "", errURIForm
	}
	return rest, nil
}

// privateUse reports whether the scheme is one of RFC 8252 §7.1: a domain name
// in reverse, so with a dot in it, which no scheme with a meaning of its own has
// (javascript, data and file among them).
func privateUse(scheme string) bool {
	if !strings.Contains(scheme, ".") || scheme[0] < 'a' || scheme[0] > 'z' {
		return false
	}
	for label := range strings.SplitSeq(scheme, ".") {
		if label == "" || !only(label, schemeCharacter) {
			return false
		}
	}
	return true
}

// pathAndQuery checks what stands behind the authority.
func pathAndQuery(rest string) error {
	if hasEncodedControl(rest) {
		return errURIControl
	}
	path, query, _ := strings.Cut(rest, "?")
	if hasDotSegment(path) {
		return errURIDots
	}
	// RFC 6749 §3.1: a parameter must not be there twice, and these are added.
	for parameter := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		switch decoded(name) {
		case "code", "state", "iss", "error", "error_description", "error_uri":
			return errURIResponse
		}
	}
	return nil
}

// decoded returns the name of a query parameter as those who get it read it.
func decoded(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	plain, err := url.QueryUnescape(name)
	if err != nil {
		return name
	}
	return plain
}

// hasDotSegment reports whether the path has a segment that browsers or
// servers resolve: "." or "..", also where dots or slashes are percent-encoded.
func hasDotSegment(path string) bool {
	if !strings.Contains(path, ".") && !strings.Contains(path, "%") {
		return false
	}
	for len(path) > 0 {
		n := slash(path)
		if n == 0 {
			path = path[1:]
			continue
		}
		path = path[n:]
		after := path
		for range 2 {
			dotted := dot(after)
			if dotted == 0 {
				break
			}
			after = after[dotted:]
			if after == "" || slash(after) > 0 {
				return true
			}
		}
	}
	return false
}

// slash returns the length of the slash or backslash that s begins with.
func slash(s string) int {
	switch {
	case strings.HasPrefix(s, "/"):
		return 1
	case len(s) >= 3 && (strings.EqualFold(s[:3], "%2f") || strings.EqualFold(s[:3], "%5c")):
		return 3
	}
	return 0
}

// dot returns the length of the dot that s begins with.
func dot(s string) int {
	switch {
	case strings.HasPrefix(s, "."):
		return 1
	case len(s) >= 3 && strings.EqualFold(s[:3], "%2e"):
		return 3
	}
	return 0
}

// hasEncodedControl reports whether the text has %00 to %1F or %7F.
func hasEncodedControl(s string) bool {
	for {
		at := strings.IndexByte(s, '%')
		if at < 0 || len(s) < at+3 {
			return false
		}
		if s[at+1] == '0' || s[at+1] == '1' || strings.EqualFold(s[at:at+3], "%7f") {
			return true
		}
		s = s[at+1:]
	}
}
