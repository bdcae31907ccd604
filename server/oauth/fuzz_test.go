package oauth_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"oauth-operator.dev/server/oauth"
)

// FuzzParseQuery: whatever is parsed is valid UTF-8, encodes to what is parsed
// again as the same, and whatever is not is invalid_request.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{
		"", "a=b", "a=+%25%26%2B%C2%A3%E2%82%AC", "a=%zz", "a=%ff", "a=1&a=2", "&&=&a", "a=b=c;d", "%00=%00", strings.Repeat("a=b&", 200),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		p, err := oauth.ParseQuery(query)
		if err != nil {
			var e *oauth.Error
			if !errors.As(err, &e) || e.Code != oauth.CodeInvalidRequest {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		encoded := p.Encode()
		if !utf8.ValidString(encoded) {
			t.Fatalf("%q became %q", query, encoded)
		}
		if len(encoded) > oauth.MaxFormBytes {
			return // what was sent raw takes three times the room when encoded
		}
		again, err := oauth.ParseQuery(encoded)
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%q became %q, and that %v, %v", query, encoded, again, err)
		}
		if (p.OnlyOnce() == nil) != (again.OnlyOnce() == nil) {
			t.Fatalf("%q: repeated or not?", query)
		}
	})
}

// FuzzParseScope: whatever is parsed has no token twice, none that is empty, and
// is parsed again from its own form.
func FuzzParseScope(f *testing.F) {
	for _, s := range []string{"", "openid profile", " a  b ", "a a", `"`, `\`, "é", "\x00", "a\tb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, parameter string) {
		scope, err := oauth.ParseScope(parameter)
		if err != nil {
			var e *oauth.Error
			if !errors.As(err, &e) || e.Code != oauth.CodeInvalidScope {
				t.Fatalf("%q: %v", parameter, err)
			}
			return
		}
		seen := map[string]bool{}
		for _, token := range scope {
			if token == "" || seen[token] || strings.ContainsAny(token, " \"\\\t\r\n") {
				t.Fatalf("%q has %q", parameter, token)
			}
			seen[token] = true
		}
		again, err := oauth.ParseScope(scope.String())
		if err != nil || !reflect.DeepEqual(scope, again) {
			t.Fatalf("%q became %q and that %q, %v", parameter, scope, again, err)
		}
	})
}
