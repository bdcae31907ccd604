package worldtest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

// Pairs makes a form of names and values.
func Pairs(p ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(p); i += 2 {
		v.Add(p[i], p[i+1])
	}
	return v
}

// Request makes a request of the client, authenticated as it is registered: one that is
// not says its client_id alone, and "" nothing.
func (w *World) Request(path, clientID string, form url.Values) *http.Request {
	method := oauth.AuthMethodNone
	if client := w.Clients[clientID]; client != nil {
		method = client.AuthMethod
	}
	if clientID != "" && method != oauth.AuthMethodBasic {
		form.Set("client_id", clientID)
	}
	if method == oauth.AuthMethodPost {
		form.Set("client_secret", w.Secrets[clientID])
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if method == oauth.AuthMethodBasic {
		r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(w.Secrets[clientID]))
	}
	return r
}

// Answer is what a client is told.
type Answer struct {
	Status int
	Header http.Header
	Raw    string
	Body   map[string]any // nil for one that is no JSON object
}

// Ask sends the request to the handler.
func Ask(handler http.Handler, r *http.Request) Answer {
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, r)
	a := Answer{Status: rec.Code, Header: rec.Header(), Raw: rec.Body.String()}
	_ = json.Unmarshal(rec.Body.Bytes(), &a.Body)
	return a
}

// Text returns a member of the answer that is a string, "" for none.
func (a Answer) Text(name string) string {
	s, _ := a.Body[name].(string)
	return s
}

// ExpectError expects the error response of RFC 6749 §5.2, and that it gives nothing
// away.
func ExpectError(a Answer, status int, code string) {
	GinkgoHelper()
	Expect(a.Status).To(Equal(status), a.Raw)
	Expect(a.Text("error")).To(Equal(code), a.Raw)
	Expect(a.Text("error_description")).To(MatchRegexp(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`))
	Expect(a.Header.Get("Content-Type")).To(Equal("application/json"))
	Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
	Expect(a.Header.Get("Pragma")).To(Equal("no-cache"))
	Expect(a.Body).To(HaveLen(2), "nothing but the error")
}

// ExpectUnavailable expects the answer of an endpoint that cannot tell because of
// ErrAway: come again, and not why.
func ExpectUnavailable(a Answer) {
	GinkgoHelper()
	ExpectError(a, http.StatusServiceUnavailable, "temporarily_unavailable")
	expectRetryAfter(a)
	Expect(a.Raw).NotTo(Or(ContainSubstring("10.0.0.7"), ContainSubstring("away")))
}

// ExpectGuessesSlowed expects ten wrong secrets of a client to be answered, and no more
// (RFC 6749 §2.3.1).
func ExpectGuessesSlowed(guess func() Answer) {
	GinkgoHelper()
	for range 10 {
		ExpectError(guess(), http.StatusUnauthorized, "invalid_client")
	}
	a := guess()
	ExpectError(a, http.StatusTooManyRequests, "invalid_client")
	expectRetryAfter(a)
}

func expectRetryAfter(a Answer) {
	GinkgoHelper()
	Expect(a.Header.Get("Retry-After")).To(MatchRegexp(`^[1-9]\d*$`))
}
