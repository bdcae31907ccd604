package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"oauth-operator.dev/hack/person"
)

// figure is figure 3 of RFC 6749, the authorization code flow. It walks the flow
// as a person with a browser would, and prints each of the steps (A) to (E) from
// the requests and responses that make it up.
type figure struct {
	out    io.Writer
	appURL string
	apiURL string
}

// walk logs in, refreshes and looks at what the API says.
func (f *figure) walk(ctx context.Context) error {
	title("The authorization code flow: RFC 6749, figure 3")
	alice, err := person.New(username, password, nil)
	if err != nil {
		return err
	}
	alice.Watch = f.browser
	page, err := alice.Visit(ctx, f.appURL+"/login", nil)
	if err != nil {
		return err
	}
	if page.Text("claims") == "" {
		return fmt.Errorf("%s is not logged in; the application says: %s", username, page.Text("error"))
	}
	fmt.Fprintf(f.out, "\nThe ID token says:\n%s\n\nThe API that checked the access token says:\n%s\n", page.Text("claims"), page.Text("api"))

	title("Refreshing: RFC 6749, figure 2 and §6")
	page, err = alice.Submit(ctx, page, "refresh", nil)
	if err != nil {
		return err
	}
	if page, err = alice.Follow(ctx, page, nil); err != nil {
		return err
	}
	if page.Text("api") == "" {
		return errors.New("the API does not answer after the refresh")
	}
	return nil
}

// browser prints what passes between the browser and the authorization server.
func (f *figure) browser(page *person.Page) {
	to := page.Location
	switch path := page.Request.URL.Path; {
	case f.at(page.Request.URL) && path == "/login" && to != nil:
		f.step("A", "The client sends the browser to the authorization endpoint.", "GET "+describe(to))
	case !f.at(page.Request.URL) && to == nil && page.Request.Method == http.MethodGet:
		f.step("B", "The authorization server shows the resource owner a page: "+page.Title()+".", request(page.Request, page.Status))
	case !f.at(page.Request.URL) && page.Request.Method == http.MethodPost:
		f.step("B", "The resource owner answers.", request(page.Request, page.Status))
	}
	if to != nil && f.at(to) && to.Query().Has("code") {
		f.step("C", "The authorization server sends the browser back, with the code.", "GET "+describe(to))
	}
}

func (f *figure) at(u *url.URL) bool { return strings.HasPrefix(u.String(), f.appURL) }

// RoundTrip prints what passes between the client and the servers.
func (f *figure) RoundTrip(r *http.Request) (*http.Response, error) {
	var form url.Values
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if form, err = url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	ask, answer := letters(form.Get("grant_type"))
	if ask != "" {
		f.step(ask, "The client asks the token endpoint.", "POST "+r.URL.Path+" "+parameters(form))
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if ask != "" {
		return response, f.tokens(answer, response)
	}
	if strings.HasPrefix(r.URL.String(), f.apiURL) {
		fmt.Fprintf(f.out, "    The client calls the API with the access token: %s\n", request(r, response.StatusCode))
	}
	return response, nil
}

// letters returns how the figures of RFC 6749 call a request to the token
// endpoint and its response: a code is redeemed in figure 3, a refresh token in
// figure 2.
func letters(grantType string) (ask, answer string) {
	switch grantType {
	case "authorization_code":
		return "D", "E"
	case "refresh_token":
		return "G", "H"
	}
	return "", ""
}

// tokens prints the response of the token endpoint.
func (f *figure) tokens(letter string, response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	f.step(letter, "The authorization server answers.", response.Status+" "+members(body))
	return nil
}

func (f *figure) step(letter, what, how string) {
	fmt.Fprintf(f.out, "(%s) %s\n    %s\n", letter, what, how)
}

func request(r *http.Request, status int) string {
	return fmt.Sprintf("%s %s → %d %s", r.Method, cmp.Or(r.URL.Path, "/"), status, http.StatusText(status))
}

func describe(u *url.URL) string {
	return u.Scheme + "://" + u.Host + u.Path + " " + parameters(u.Query())
}

// public are the parameters that may be shown whole.
var public = []string{"response_type", "client_id", "redirect_uri", "scope", "code_challenge_method", "grant_type", "iss"}

// parameters shows parameters, and of what is secret or long only that it is there.
func parameters(values url.Values) string {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	shown := make([]string, 0, len(names))
	for _, name := range names {
		value := values.Get(name)
		if !slices.Contains(public, name) {
			value = shorten(value)
		}
		shown = append(shown, name+"="+value)
	}
	return strings.Join(shown, " ")
}
