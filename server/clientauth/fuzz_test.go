package clientauth_test

import (
	"encoding/base64"
	"errors"
	"net/url"
	"testing"

	"oauth-operator.dev/server/oauth"
)

// FuzzBasicAuth sends anything in the Authorization header: only the credentials
// of a client get through, and everything else is an error of the protocol.
func FuzzBasicAuth(f *testing.F) {
	w := newWorld()
	w.register("team.web", oauth.AuthMethodBasic, "p%:+ é")
	for _, credentials := range []string{
		"team.web:" + url.QueryEscape("p%:+ é"), "team.web:p%25:%2B+é", "team.web", "%zz:%zz", ":", "", "\x00:\xff",
	} {
		f.Add("Basic " + base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	f.Add("basic  dGVhbS53ZWI6eA==")
	f.Add("Bearer x")
	f.Fuzz(func(t *testing.T, header string) {
		result, err := w.send(header, "")
		if err == nil {
			if result.Client != w.clients["team.web"] || !result.Authenticated {
				t.Fatalf("%q got through as %+v", header, result)
			}
			return
		}
		var e *oauth.Error
		if !errors.As(err, &e) || e.Code != oauth.CodeInvalidClient {
			t.Fatalf("%q: %v", header, err)
		}
	})
}
