package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
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

// FuzzParseForm sends any body under any header: what is read of it is what the body
// alone says, and only where the header says that it is a form, once and as it is.
func FuzzParseForm(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	f.Add(form, "", "a=b&c=d", "e=f")
	f.Add(form+"; charset=utf-8", "", "a=b", "a=c")
	f.Add(form, "gzip", "a=b", "")
	f.Add("multipart/form-data; boundary=x", "", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--", "")
	f.Add("APPLICATION/X-WWW-FORM-URLENCODED;a=\"", "identity", "%zz", "%")
	f.Add("", "", strings.Repeat("a", oauth.MaxFormBytes+1), "")
	f.Fuzz(func(t *testing.T, contentType, encoding, body, query string) {
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{RawQuery: query}, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Content-Type": {contentType}}, ContentLength: -1,
		}
		if encoding != "" {
			r.Header.Set("Content-Encoding", encoding)
		}
		p, err := oauth.ParseForm(r)
		if err != nil {
			var e *oauth.Error
			if !errors.As(err, &e) || e.Code != oauth.CodeInvalidRequest {
				t.Fatalf("%q, %q: %v", contentType, body, err)
			}
			return
		}
		if alone, err := oauth.ParseQuery(body); err != nil || !reflect.DeepEqual(p, alone) {
			t.Errorf("%q: read as %v, and alone as %v, %v", body, p, alone, err)
		}
		if encoding != "" || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), form) || len(body) > oauth.MaxFormBytes {
			t.Errorf("%q, %q: is no form", contentType, encoding)
		}
		r.Body, r.Header["Content-Type"] = io.NopCloser(strings.NewReader(body)), []string{contentType, contentType}
		if _, err := oauth.ParseForm(r); err == nil {
			t.Errorf("%q: is a form twice", contentType)
		}
	})
}
