package whoami

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"oauth-operator.dev/hack/demo/mounted"
)

// Introspected is the same API for those who must know at once when a grant is
// revoked: it asks the authorization server about every token (RFC 7662), as a
// client of its own.
type Introspected struct {
	// Mounted is the folder that the Secret of the API's OAuthClient is mounted
	// as. It is read each time, because the client secret is replaced one day.
	Mounted string

	// Audience is the identifier of the API, which the access tokens are for.
	Audience string

	HTTP *http.Client
}

// ServeHTTP answers a request with a bearer token (RFC 6750 §2.1).
func (i *Introspected) ServeHTTP(w http.ResponseWriter, r *http.Request) { serve(w, r, i.verify) }

// introspection is what the authorization server says (RFC 7662 §2.2).
type introspection struct {
	Active    bool     `json:"active"`
	TokenType string   `json:"token_type"`
	Subject   string   `json:"sub"`
	ClientID  string   `json:"client_id"`
	Scope     string   `json:"scope"`
	Audience  audience `json:"aud"`
}

// audience is one string, or several (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON reads either.
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

func (i *Introspected) verify(ctx context.Context, token string) (Answer, error) {
	said, err := i.introspect(ctx, token)
	if err != nil {
		// That the server cannot be asked says nothing about the token.
		return Answer{}, fmt.Errorf("%w: %w", errUnknown, err)
	}
	switch {
	case !said.Active:
		return Answer{}, errors.New("it is not active")
	case said.TokenType != "Bearer":
		return Answer{}, errors.New("it is no access token")
	case !slices.Contains(said.Audience, i.Audience):
		return Answer{}, errors.New("it is for somebody else")
	}
	return Answer{Subject: said.Subject, ClientID: said.ClientID, Scope: said.Scope}, nil
}

func (i *Introspected) introspect(ctx context.Context, token string) (introspection, error) {
	secret, err := mounted.Read(i.Mounted)
	if err != nil {
		return introspection{}, err
	}
	if err := secret.Need("introspection-endpoint", "client-id", "client-secret"); err != nil {
		return introspection{}, err
	}
	form := strings.NewReader(url.Values{"token": {token}}.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, secret["introspection-endpoint"], form)
	if err != nil {
		return introspection{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// RFC 6749 §2.3.1: both are form-encoded first.
	request.SetBasicAuth(url.QueryEscape(secret["client-id"]), url.QueryEscape(secret["client-secret"]))
	response, err := i.HTTP.Do(request)
	if err != nil {
		return introspection{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return introspection{}, fmt.Errorf("the authorization server answered %s", response.Status)
	}
	var said introspection
	return said, json.NewDecoder(http.MaxBytesReader(nil, response.Body, 64<<10)).Decode(&said)
}
