package userinfo

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"oauth-operator.dev/server/oauth"
)

// FuzzBearerToken sends anything where access tokens are: one comes out that was
// sent in one place alone, or an error of the protocol.
func FuzzBearerToken(f *testing.F) {
	f.Add("Bearer eyJ.eyJ.sig", "", "application/x-www-form-urlencoded", "")
	f.Add("bearer  x", "access_token=x", "application/x-www-form-urlencoded;charset=UTF-8", "")
	f.Add("", "access_token=x&access_token=y", "application/x-www-form-urlencoded", "a=%zz&access_token=x")
	f.Add("Basic eA==", "access_token=%zz", "multipart/form-data", "access_token")
	f.Add("Bearer", `{"access_token":"x"}`, "application/json", "ACCESS_TOKEN=x")
	f.Fuzz(func(t *testing.T, header, body, mediaType, query string) {
		r := httptest.NewRequest(http.MethodPost, "/userinfo", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", mediaType)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		token, err := bearerToken(r)
		if err != nil {
			var protocol *oauth.Error
			if token != "" || !errors.Is(err, errNoToken) && !errors.As(err, &protocol) {
				t.Fatalf("%q and %v", token, err)
			}
			return
		}
		_, after, _ := strings.Cut(header, " ")
		inHeader := strings.TrimLeft(after, " ") == token
		inBody := strings.Contains(body, oauth.ParamAccessToken) || strings.Contains(body, "%")
		if token == "" || !inHeader && !inBody {
			t.Fatalf("%q is neither in %q nor in %q", token, header, body)
		}
	})
}
