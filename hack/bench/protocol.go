package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"oauth-operator.dev/hack/installation"
	"oauth-operator.dev/hack/person"
)

// workload is the client of the benchmarks.
type workload struct {
	issuer string
	id     string
	secret string
	in     *installation.Installation
}

// callback is the redirect URI of the client. Nobody listens there: the load
// takes the code from the redirect.
const callback = "https://webapp.example.com/callback"

// protocol measures the CPU time of the server for each grant.
func (w *workload) protocol(ctx context.Context, n int, floor floors, store string) ([]row, error) {
	var rows []row
	add := func(what string, floor time.Duration, aim string, step func(context.Context, int) error) error {
		cpu, perSecond, err := load(ctx, w.in.PID("server"), n, step)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		rows = append(rows, row{
			what: what + ", store " + store, measured: micros(cpu), floor: micros(floor), unit: "µs CPU",
			aim: aim, note: fmt.Sprintf("%.0f/s on this machine, the load included", perSecond),
		})
		return nil
	}
	machine := url.Values{"grant_type": {"client_credentials"}, "scope": {"orders"}}
	err := add("client_credentials", floor.token, "2", func(ctx context.Context, _ int) error {
		_, err := post(ctx, w.issuer+"/token", w.id, w.secret, machine)
		return err
	})
	if err != nil {
		return nil, err
	}

	session, err := w.logIn(ctx)
	if err != nil {
		return nil, err
	}
	err = add("code grant, both requests", floor.authorize+floor.code, "3", func(ctx context.Context, _ int) error {
		_, err := w.codeGrant(ctx, session)
		return err
	})
	if err != nil {
		return nil, err
	}

	grants := make([]string, 2*n) // what is done once before has grants of its own
	err = inParallel(ctx, len(grants), workers, func(ctx context.Context, i int) error {
		grants[i], err = w.codeGrant(ctx, session)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = add("refresh", floor.refresh, "-", func(ctx context.Context, i int) error {
		_, err := w.redeem(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {grants[i]}})
		return err
	})
	return rows, err
}

// logIn logs in and consents, and returns the cookies of the browser.
func (w *workload) logIn(ctx context.Context) ([]*http.Cookie, error) {
	jar := &cookies{}
	p, err := person.New(username, password, jar)
	if err != nil {
		return nil, err
	}
	_, err = p.Visit(ctx, w.authorize(oauth2.GenerateVerifier()), func(u *url.URL) bool { return u.Host == "webapp.example.com" })
	return jar.list(), err
}

func (w *workload) authorize(verifier string) string {
	return w.issuer + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {w.id}, "redirect_uri": {callback}, "scope": {"orders"}, "state": {"af0ifjsldkj"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}.Encode()
}

// codeGrant does both requests of the code grant and returns the refresh token.
func (w *workload) codeGrant(ctx context.Context, session []*http.Cookie) (string, error) {
	verifier := oauth2.GenerateVerifier()
	back, err := redirected(ctx, w.authorize(verifier), session)
	if err != nil {
		return "", err
	}
	code := back.Query().Get("code")
	if code == "" {
		return "", fmt.Errorf("no code, but %s", back.Query().Get("error"))
	}
	return w.redeem(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	})
}

func (w *workload) redeem(ctx context.Context, form url.Values) (refreshToken string, err error) {
	return redeem(ctx, w.issuer+"/token", w.id, w.secret, form)
}

// redeem sends a token request and returns the refresh token of the response.
func redeem(ctx context.Context, endpoint, id, secret string, form url.Values) (refreshToken string, err error) {
	body, err := post(ctx, endpoint, id, secret, form)
	if err != nil {
		return "", err
	}
	var tokens struct {
		RefreshToken string `json:"refresh_token"`
	}
	return tokens.RefreshToken, json.Unmarshal(body, &tokens)
}

// redirected gets the address with the cookies and returns where it redirects to.
func redirected(ctx context.Context, address string, session []*http.Cookie) (*url.URL, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for _, c := range session {
		request.AddCookie(c)
	}
	response, err := browserless.Do(request)
	if err != nil {
		return nil, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}
	location, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("GET /authorize: %s instead of a redirect", response.Status)
	}
	return location, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
