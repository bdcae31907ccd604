package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// spy notes every secret that passes between the server and others: codes,
// tokens, client secrets, passwords, cookies, and the sealed state of the pages.
type spy struct{}

func (*spy) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		note(string(body))
	}
	note(r.URL.RawQuery)
	if _, secret, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		seen.add(secret)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	for _, c := range response.Cookies() {
		seen.add(c.Value)
	}
	if location, err := response.Location(); err == nil {
		note(location.RawQuery)
	}
	var members map[string]any
	if json.Unmarshal(body, &members) == nil {
		for name, value := range members {
			if token, ok := value.(string); ok && strings.HasSuffix(name, "_token") {
				seen.add(token)
			}
		}
	}
	return response, nil
}

// harmless are the parameters that a log may have.
var harmless = map[string]bool{
	"client_id": true, "redirect_uri": true, "scope": true, "grant_type": true, "response_type": true,
	"code_challenge_method": true, "iss": true, "username": true, "error": true, "error_description": true,
	"prompt": true, "response_mode": true,
}

func note(form string) {
	values, err := url.ParseQuery(form)
	if err != nil {
		return
	}
	for name, vs := range values {
		if !harmless[name] {
			seen.add(vs...)
		}
	}
}
