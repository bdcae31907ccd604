package webapp

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// view is what the page shows.
type view struct {
	ClientID string
	Claims   string // of the ID token
	API      string // what the API answered
	Expiry   string
	Error    string
}

// Handler returns the application: / shows who is logged in, /login logs in,
// /callback is the redirect URI, POST to /refresh and /logout do just that, and
// /healthz says whether the application can serve.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("GET /healthz", a.healthy)
	mux.HandleFunc("POST /refresh", a.renew)
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		a.sessions.drop(r)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	return mux
}

func (a *App) home(w http.ResponseWriter, r *http.Request) {
	s := a.sessions.get(r)
	if s == nil {
		a.show(w, r, http.StatusOK, view{})
		return
	}
	answer, err := a.callAPI(r.Context(), s)
	if err != nil {
		a.show(w, r, http.StatusBadGateway, view{Error: err.Error()})
		return
	}
	claims, err := json.MarshalIndent(s.claims, "", "  ")
	if err != nil {
		a.show(w, r, http.StatusInternalServerError, view{Error: err.Error()})
		return
	}
	a.show(w, r, http.StatusOK, view{Claims: string(claims), API: answer, Expiry: s.current().Expiry.Format("15:04:05")})
}

func (a *App) login(w http.ResponseWriter, r *http.Request) {
	l, authorizationEndpoint, err := a.begin(r.Context())
	if err != nil {
		a.show(w, r, http.StatusBadGateway, view{Error: err.Error()})
		return
	}
	a.sessions.setLogin(w, l)
	http.Redirect(w, r, authorizationEndpoint, http.StatusSeeOther)
}

func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	l, ok := a.sessions.takeLogin(r)
	if !ok {
		a.show(w, r, http.StatusBadRequest, view{Error: "No login of this browser is under way."})
		return
	}
	s, err := a.finish(r.Context(), l, r)
	if err != nil {
		a.show(w, r, http.StatusBadRequest, view{Error: err.Error()})
		return
	}
	a.sessions.set(w, s)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a *App) renew(w http.ResponseWriter, r *http.Request) {
	s := a.sessions.get(r)
	if s == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err := a.refresh(r.Context(), s); err != nil {
		a.show(w, r, http.StatusBadGateway, view{Error: err.Error()})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// callAPI calls the API with the access token (RFC 6750 §2.1).
func (a *App) callAPI(ctx context.Context, s *session) (string, error) {
	if a.options.APIURL == "" {
		return "There is none.", nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.options.APIURL, nil)
	if err != nil {
		return "", err
	}
	s.current().SetAuthHeader(request)
	response, err := a.options.HTTP.Do(request)
	if err != nil {
		return "", fmt.Errorf("calling the API: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return "", fmt.Errorf("reading the API's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the API answered %s: %s", response.Status, body)
	}
	return string(body), nil
}

func (a *App) healthy(w http.ResponseWriter, r *http.Request) {
	if _, err := a.current(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func (a *App) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	if known, err := a.current(r.Context()); err == nil {
		v.ClientID = known.oauth.ClientID
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, v) // the browser has gone; nobody is left to tell
}
