// Package webapp is a small web application that logs people in: the client of
// RFC 6749. It knows nothing but the files that its Secret is mounted as, and
// uses clients that others wrote, golang.org/x/oauth2 and coreos/go-oidc.
package webapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"oauth-operator.dev/api/v1alpha1"
)

// App is the web application.
type App struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	http     *http.Client
	apiURL   string
	sessions sessions
}

// New reads the mounted Secret and discovers the rest from the issuer that it
// names. The URL is that of an API that takes the access tokens.
func New(ctx context.Context, mounted, apiURL string, client *http.Client) (*App, error) {
	secret, err := read(mounted)
	if err != nil {
		return nil, err
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), secret[v1alpha1.SecretKeyIssuerURI])
	if err != nil {
		return nil, fmt.Errorf("discovering the issuer: %w", err)
	}
	return &App{
		oauth: oauth2.Config{
			ClientID:     secret[v1alpha1.SecretKeyClientID],
			ClientSecret: secret[v1alpha1.SecretKeyClientSecret],
			Endpoint:     provider.Endpoint(),
			RedirectURL:  strings.Fields(secret[v1alpha1.SecretKeyRedirectURIs])[0],
			Scopes:       strings.Fields(secret[v1alpha1.SecretKeyScopes]),
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: secret[v1alpha1.SecretKeyClientID]}),
		http:     client,
		apiURL:   apiURL,
	}, nil
}

// read returns the files of a mounted Secret.
func read(mounted string) (map[string]string, error) {
	files := map[string]string{}
	for _, key := range []string{
		v1alpha1.SecretKeyIssuerURI, v1alpha1.SecretKeyClientID, v1alpha1.SecretKeyClientSecret,
		v1alpha1.SecretKeyRedirectURIs, v1alpha1.SecretKeyScopes,
	} {
		content, err := os.ReadFile(filepath.Join(mounted, key)) // #nosec G304 -- the mounted Secret
		if err != nil {
			return nil, fmt.Errorf("reading the mounted Secret: %w", err)
		}
		if len(content) == 0 {
			return nil, fmt.Errorf("the mounted Secret has nothing under the key %s", key)
		}
		files[key] = string(content)
	}
	return files, nil
}

// begin starts a login: the state of it, and where the browser has to go.
func (a *App) begin() (login, string) {
	l := login{state: oauth2.GenerateVerifier(), nonce: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier()}
	return l, a.oauth.AuthCodeURL(l.state, oauth2.S256ChallengeOption(l.verifier), oidc.Nonce(l.nonce))
}

// finish redeems the code with which the browser came back.
func (a *App) finish(ctx context.Context, l login, r *http.Request) (*session, error) {
	query := r.URL.Query()
	if query.Get("state") != l.state {
		return nil, errors.New("the state is not the one that was sent")
	}
	if code := query.Get("error"); code != "" {
		return nil, fmt.Errorf("the authorization server answered %s: %s", code, query.Get("error_description"))
	}
	ctx = oidc.ClientContext(ctx, a.http)
	token, err := a.oauth.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(l.verifier))
	if err != nil {
		return nil, fmt.Errorf("exchanging the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("there is no ID token")
	}
	idToken, err := a.verifier.Verify(ctx, raw)
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
	token, err := a.oauth.TokenSource(oidc.ClientContext(ctx, a.http), &old).Token()
	if err != nil {
		return fmt.Errorf("refreshing: %w", err)
	}
	s.token = token
	return nil
}
