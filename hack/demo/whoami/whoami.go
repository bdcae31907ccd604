// Package whoami is a small API: the resource server of RFC 6749. It verifies
// access tokens by itself, from the issuer's metadata and keys (RFC 9068 §4), or
// asks the authorization server about each (RFC 7662).
package whoami

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// API answers who the access token speaks for, as far as it knows without asking:
// it goes on to accept a token whose grant was revoked, until the token expires.
type API struct {
	verifier *oidc.IDTokenVerifier
}

// New makes the API for tokens of the issuer that are for the audience. The
// audience of an access token is the issuer, as long as a client names no other.
func New(ctx context.Context, issuer, audience string, client *http.Client) (*API, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), issuer)
	if err != nil {
		return nil, fmt.Errorf("discovering the issuer: %w", err)
	}
	return &API{verifier: provider.VerifierContext(oidc.ClientContext(ctx, client), &oidc.Config{
		ClientID:             audience,
		SupportedSigningAlgs: []string{oidc.ES256},
	})}, nil
}

// Answer is what the API says.
type Answer struct {
	Subject  string `json:"subject"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

// ServeHTTP answers a request with a bearer token (RFC 6750 §2.1).
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { serve(w, r, a.verify) }

// errUnknown is an error that says nothing about the token.
var errUnknown = errors.New("nothing is known about the access token")

func serve(w http.ResponseWriter, r *http.Request, verify func(context.Context, string) (Answer, error)) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "An access token is needed.", http.StatusUnauthorized)
		return
	}
	known, err := verify(r.Context(), token)
	switch {
	case errors.Is(err, errUnknown):
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	case err != nil:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		http.Error(w, "The access token is not good: "+err.Error(), http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(known) // the caller has gone; nobody is left to tell
}

// verify checks the token as RFC 9068 §4 says.
func (a *API) verify(ctx context.Context, token string) (Answer, error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return Answer{}, errors.New("it is no JWS")
	}
	// RFC 9068 §4: an ID token is no access token.
	if typ, _ := jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string); typ != "at+jwt" {
		return Answer{}, errors.New("it is no access token")
	}
	verified, err := a.verifier.Verify(ctx, token)
	if err != nil {
		return Answer{}, err
	}
	var known Answer
	if err := verified.Claims(&known); err != nil {
		return Answer{}, err
	}
	known.Subject = verified.Subject
	return known, nil
}
