package protocoltest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// mutation is a server that is broken in one thing, and the case that has to see it.
type mutation struct {
	breaks string
	caught string // the ID of the case
	before func(http.Handler) http.Handler
}

// exchange is a request on its way to the server: its body was read.
type exchange struct {
	r    *http.Request
	body url.Values
	raw  string
}

// asks changes requests for a path before the server sees them.
func asks(path string, change func(*exchange)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, path) {
				next.ServeHTTP(w, r)
				return
			}
			raw, _ := io.ReadAll(r.Body)
			e := &exchange{r: r, raw: string(raw)}
			e.body, _ = url.ParseQuery(e.raw)
			before := e.body.Encode()
			change(e)
			if after := e.body.Encode(); after != before {
				e.raw = after
			}
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(e.raw)), int64(len(e.raw))
			next.ServeHTTP(w, r)
		})
	}
}

// query changes the query of requests for a path.
func query(path string, change func(url.Values)) func(http.Handler) http.Handler {
	return asks(path, func(e *exchange) {
		v := e.r.URL.Query()
		change(v)
		e.r.URL.RawQuery = v.Encode()
	})
}

// says changes the answers of a path after the server gave them.
func says(path string, change func(*httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			if strings.Contains(r.URL.Path, path) {
				change(rec)
			}
			for name, values := range rec.Header() {
				w.Header()[name] = slices.Clone(values)
			}
			w.Header().Del("Content-Length")
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}
}

// header changes or, with "", removes a header of the answers of a path.
func header(path, name, value string) func(http.Handler) http.Handler {
	return says(path, func(rec *httptest.ResponseRecorder) {
		rec.Header().Del(name)
		if value != "" {
			rec.Header().Set(name, value)
		}
	})
}

// words replaces words in the answers of a path.
func words(path, old, instead string) func(http.Handler) http.Handler {
	return says(path, func(rec *httptest.ResponseRecorder) {
		replaced := strings.ReplaceAll(rec.Body.String(), old, instead)
		rec.Body = bytes.NewBufferString(replaced)
	})
}

// location changes the query of the redirects that lead to clients.
func location(change func(url.Values)) func(http.Handler) http.Handler {
	return says("", func(rec *httptest.ResponseRecorder) {
		u, err := url.Parse(rec.Header().Get("Location"))
		if err != nil || !u.Query().Has("state") && !u.Query().Has("code") && !u.Query().Has("error") {
			return
		}
		v := u.Query()
		change(v)
		u.RawQuery = v.Encode()
		rec.Header().Set("Location", u.String())
	})
}

// status changes a status to another.
func status(path string, from, to int) func(http.Handler) http.Handler {
	return says(path, func(rec *httptest.ResponseRecorder) {
		if rec.Code == from {
			rec.Code = to
		}
	})
}

// lenient takes any redirect URI: it asks the server for the registered one, and
// sends the browser to the one that was asked for.
func lenient(accepts func(string) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked := r.URL.Query().Get("redirect_uri")
			if strings.HasSuffix(r.URL.Path, "/authorize") && asked != "" && asked != webCallback && accepts(asked) {
				w.Header().Set("Location", asked)
				w.WriteHeader(http.StatusSeeOther)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

const webCallback = "https://app.example.com/callback"

// first keeps the first value of each parameter.
func first(v url.Values) {
	for name := range v {
		v[name] = v[name][:1]
	}
}

// set makes a parameter of a token request what it should have been.
func set(name, value string) func(http.Handler) http.Handler {
	return asks("/token", func(e *exchange) {
		if e.body.Get("grant_type") == "authorization_code" {
			e.body.Set(name, value)
		}
	})
}

// authentic authenticates whoever comes without or with a bad credential.
func authentic(e *exchange) {
	e.body.Del("client_secret")
	e.body.Del("client_id")
	e.r.SetBasicAuth("team.web", url.QueryEscape("a secret:+%"))
}

// webOnly does so for requests that are said to be of the confidential client.
func webOnly(e *exchange) {
	if id, _, ok := e.r.BasicAuth(); ok && id == "team.web" || e.body.Get("client_id") == "team.web" {
		authentic(e)
	}
}

// replays answers what the server has refused with the last tokens that it gave.
func replays(path string, when func(*http.Request, url.Values) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		var mutex sync.Mutex // some cases ask twice at once
		var last *httptest.ResponseRecorder
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(raw))
			form, _ := url.ParseQuery(string(raw))
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			if strings.HasSuffix(r.URL.Path, path) && (r.Method != http.MethodGet || path != "/token") {
				mutex.Lock()
				switch {
				case when(r, form) && last != nil && form.Get("grant_type") == "refresh_token":
					rec = last
				case rec.Code == http.StatusOK:
					last = rec
				case when(r, form) && last != nil:
					rec = last
				case when(r, form):
					rec = httptest.NewRecorder()
					rec.Body.WriteString(`{"access_token":"made-up","token_type":"Bearer"}`)
				}
				mutex.Unlock()
			}
			for name, values := range rec.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}
}

func always(*http.Request, url.Values) bool { return true }

func grantType(name string) func(*http.Request, url.Values) bool {
	return func(_ *http.Request, v url.Values) bool { return v.Get("grant_type") == name }
}

// iss takes iss out of an answer.
func iss(v url.Values) { v.Del("iss") }
