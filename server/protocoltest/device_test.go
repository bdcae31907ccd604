package protocoltest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// isDevice reports whether a request is of the device grant.
var isDevice = grantType("urn:ietf:params:oauth:grant-type:device_code")

// repeats gives the first answer of a path again and again.
func repeats(path string) func(http.Handler) http.Handler {
	var mutex sync.Mutex
	var first []byte
	return says(path, func(rec *httptest.ResponseRecorder) {
		mutex.Lock()
		defer mutex.Unlock()
		if first == nil {
			first = rec.Body.Bytes()
		}
		rec.Body = bytes.NewBuffer(slices.Clone(first))
	})
}

func brokenDevices() []mutation {
	const id, at = "RFC 8628 §", "/device_authorization"
	return []mutation{
		{"a device needs no secret", id + "3.1-authentication", asks(at, authentic)},
		{"the first of two parameters of a device counts", id + "3.1-once", asks(at, func(e *exchange) { first(e.body) })},
		{"a device may ask by GET", id + "3.1-POST", asks(at, func(e *exchange) {
			if e.r.Method == http.MethodGet {
				e.r.Method, e.raw = http.MethodPost, e.r.URL.RawQuery
				e.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
		})},
		{"any scope is given to a device", id + "3.1-scope", asks(at, func(e *exchange) { e.body.Set("scope", "openid") })},
		{"codes may be kept", id + "3.2", header(at, "Cache-Control", "max-age=60")},
		{"there is no user code", id + "3.2", words(at, `"user_code"`, `"code"`)},
		{"it is not said how long codes are good", id + "3.2", words(at, `"expires_in"`, `"expires"`)},
		{"all devices have one code", id + "3.2-own", repeats(at)},
		{"a link allows", id + "3.3.1", replays("/token", isDevice)},
		{"the grant is not listed", id + "4", words("/.well-known/", "device_code\"", "device\"")},
		{"what was allowed is denied", id + "3.3", asks("/device/confirm", func(e *exchange) { e.body.Set("decision", "deny") })},
		{"to enter a code allows", id + "5.4-consent", replays("/token", isDevice)},
		{"a code is read as it is shown alone", id + "6.1", asks("/device", func(e *exchange) {
			if code := e.body.Get("user_code"); code != strings.ToUpper(code) {
				e.body.Set("user_code", "x")
			}
		})},
		{"a device is not told that it has to wait", id + "3.5-pending", words("/token", "authorization_pending", "invalid_grant")},
		{"tokens come before the person has decided", id + "3.5-pending", replays("/token", isDevice)},
		{"a device is not told that it was denied", id + "3.5-denied", words("/token", "access_denied", "authorization_pending")},
		{"devices may poll as they like", id + "3.5-slow", words("/token", "slow_down", "authorization_pending")},
		{"a device needs no code", id + "3.4-missing", replays("/token", isDevice)},
		{"any text is the code of a device", id + "3.4-unknown", replays("/token", isDevice)},
		{"the code of a device is good for all", id + "3.4-client", asks("/token", func(e *exchange) {
			if isDevice(e.r, e.body) {
				e.r.Header.Del("Authorization")
				e.body.Set("client_id", "team.tv")
			}
		})},
		{"the code of a device is good twice", id + "3.4-twice", replays("/token", isDevice)},
	}
}
