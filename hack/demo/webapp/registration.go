package webapp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"oauth-operator.dev/hack/demo/mounted"
)

// Keys of the mounted Secret.
const (
	keyIssuer       = "issuer-uri"
	keyClientID     = "client-id"
	keyClientSecret = "client-secret" // #nosec G101 -- the name of a file
	keyAuthMethod   = "token-endpoint-auth-method"
	keyRedirectURIs = "redirect-uris"
	keyScopes       = "scopes"
)

// registration is what the application knows of itself as a client.
type registration struct {
	secret   mounted.Secret
	provider *oidc.Provider
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// current is the registration as the files have it now. They are read each time:
// that costs microseconds, and whatever is rotated or moved counts from the next
// login on, without a restart.
func (a *App) current(ctx context.Context) (*registration, error) {
	secret, err := mounted.Read(a.options.Mounted)
	if err != nil {
		return nil, err
	}
	if err := secret.Need(keyIssuer, keyClientID, keyClientSecret, keyRedirectURIs, keyScopes); err != nil {
		return nil, err
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.last != nil && maps.Equal(a.last.secret, secret) {
		return a.last, nil
	}
	next := &registration{secret: secret}
	if a.last != nil && a.last.secret[keyIssuer] == secret[keyIssuer] {
		next.provider = a.last.provider // with the issuer's keys, which it renews itself
	} else if next.provider, err = oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), a.options.HTTP), secret[keyIssuer]); err != nil {
		return nil, fmt.Errorf("discovering the issuer: %w", err)
	}
	endpoint := next.provider.Endpoint()
	endpoint.AuthStyle = authStyle(secret[keyAuthMethod])
	next.oauth = oauth2.Config{
		ClientID:     secret[keyClientID],
		ClientSecret: secret[keyClientSecret],
		Endpoint:     endpoint,
		RedirectURL:  strings.Fields(secret[keyRedirectURIs])[0],
		Scopes:       strings.Fields(secret[keyScopes]),
	}
	next.verifier = next.provider.Verifier(&oidc.Config{ClientID: secret[keyClientID]})
	a.last = next
	return next, nil
}

// authStyle is how the client authenticates. Left to itself, x/oauth2 tries both
// ways, one after the other.
func authStyle(method string) oauth2.AuthStyle {
	if method == "client_secret_post" {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// authenticated asks the token endpoint for something, and asks once more where
// the client secret was refused and there is a new one by now.
func (a *App) authenticated(ctx context.Context, ask func(*registration) (*oauth2.Token, error)) (*registration, *oauth2.Token, error) {
	before, err := a.current(ctx)
	if err != nil {
		return nil, nil, err
	}
	token, err := ask(before)
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_client" {
		return before, token, err
	}
	now, readErr := a.current(ctx)
	if readErr != nil || now == before {
		return before, nil, err
	}
	token, err = ask(now)
	return now, token, err
}
