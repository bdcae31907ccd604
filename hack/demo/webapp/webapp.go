// Package webapp is a small web application that logs people in: the client of
// RFC 6749. It knows nothing of the authorization server but the files that its
// Secret is mounted as, takes every change of them without a restart, and uses
// clients that others wrote, golang.org/x/oauth2 and coreos/go-oidc.
package webapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Options of the application.
type Options struct {
	// Mounted is the folder that the Secret is mounted as.
	Mounted string

	// APIURL is an API that takes the access tokens. Resource is its identifier
	// (RFC 8707); where it is empty, the access tokens are for the issuer itself.
	APIURL   string
	Resource string

	// HTTP reaches the authorization server and the API.
	HTTP *http.Client
}

// App is the web application.
type App struct {
	options  Options
	sessions sessions

	mutex sync.Mutex
	last  *registration
}

// New reads the mounted Secret and discovers the rest from the issuer that it
// names.
func New(ctx context.Context, options Options) (*App, error) {
	a := &App{options: options}
	_, err := a.current(ctx)
	return a, err
}

// begin starts a login: the state of it, and where the browser has to go.
func (a *App) begin(ctx context.Context) (login, string, error) {
	r, err := a.current(ctx)
	if err != nil {
		return login{}, "", err
	}
	l := login{state: oauth2.GenerateVerifier(), nonce: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(l.verifier), oidc.Nonce(l.nonce)}
	if a.options.Resource != "" {
		options = append(options, oauth2.SetAuthURLParam("resource", a.options.Resource))
	}
	return l, r.oauth.AuthCodeURL(l.state, options...), nil
}

// finish redeems the code with which the browser came back.
func (a *App) finish(ctx context.Context, l login, request *http.Request) (*session, error) {
	query := request.URL.Query()
	if query.Get("state") != l.state {
		return nil, errors.New("the state is not the one that was sent")
	}
	if code := query.Get("error"); code != "" {
		return nil, fmt.Errorf("the authorization server answered %s: %s", code, query.Get("error_description"))
	}
	ctx = oidc.ClientContext(ctx, a.options.HTTP)
	r, token, err := a.authenticated(ctx, func(r *registration) (*oauth2.Token, error) {
		return r.oauth.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(l.verifier))
	})
	if err != nil {
		return nil, fmt.Errorf("exchanging the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("there is no ID token")
	}
	idToken, err := r.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("verifying the ID token: %w", err)
	}
	if idToken.Nonce != l.nonce {
		return nil, errors.New("the nonce is not the one that was sent")
	}
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		return nil, fmt.Errorf("the access token is not the one of the ID token: %w", err)
	}
	s := &session{token: token}
	return s, idToken.Claims(&s.claims)
}

// refresh gets new tokens for the session (RFC 6749 §6).
func (a *App) refresh(ctx context.Context, s *session) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	old := *s.token
	old.AccessToken = "" // so that it counts as expired
	ctx = oidc.ClientContext(ctx, a.options.HTTP)
	_, token, err := a.authenticated(ctx, func(r *registration) (*oauth2.Token, error) {
		return r.oauth.TokenSource(ctx, &old).Token()
	})
	if err != nil {
		return fmt.Errorf("refreshing: %w", err)
	}
	s.token = token
	return nil
}
