// Package registration is RFC 6749 §2: the compiled registration of a client,
// and the registry in which clients are found. kube.go reads the registrations
// from the cluster's cache.
package registration

import (
	"context"
	"errors"
	"slices"
	"time"

	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
)

// Client is a registration, compiled for use. It is not changed after it was
// made and can be shared.
type Client struct {
	// ID is the client_id.
	ID string

	// UID tells the client from an earlier one of the same name. Grants are
	// bound to it.
	UID string

	// Name is what people read at consent.
	Name string

	// AuthMethod is the one token_endpoint_auth_method that the client may use.
	AuthMethod string

	RedirectURIs  []RedirectURI
	GrantTypes    []string
	ResponseTypes []string

	// Scope is everything that the client may ask for.
	Scope oauth.Scope

	// DefaultScope is what the client gets that sends no scope.
	DefaultScope oauth.Scope

	// Resources are what the client may ask for access to (RFC 8707), beside the
	// issuer itself.
	Resources []string

	// Exchanges are the rules by which the client may exchange access tokens
	// (RFC 8693). What none allows is refused.
	Exchanges []Exchange

	// Lifetimes of what the client is issued, with nothing left out.
	Lifetimes issuer.Lifetimes

	// OpenID is the metadata of OpenID Connect. Zero for a client without.
	OpenID OpenID

	// Credentials are the verifiers of the client's secrets.
	Credentials []Credential

	// Keys verify the client's assertions (RFC 7523). Empty for a client without,
	// for one with a JWKSURI, and for one that ServiceAccount speaks for.
	Keys []assertion.Key

	// JWKSURI is where the client publishes such keys. "" for a client without.
	JWKSURI string

	// AssertionAlg is the one algorithm of assertions that keys from there verify: ""
	// for each that fits a key.
	AssertionAlg string

	// ServiceAccount is the sub of the Kubernetes ServiceAccount whose tokens
	// authenticate the client. "" for none.
	ServiceAccount string

	// version is that of the object, which tells two states of one client apart.
	version string
}

// Credential is one client secret that is accepted, by its verifier
// (package api/credential).
type Credential struct {
	ID        string
	Verifier  string
	ExpiresAt time.Time // zero for one that does not end
}

// Good reports whether the credential is still accepted at that time.
func (c Credential) Good(now time.Time) bool { return c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt) }

// Public reports whether the client is a public one (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.AuthMethod == oauth.AuthMethodNone }

// complete reports whether the client has what it authenticates with.
func (c *Client) complete() bool {
	return c.AuthMethod == oauth.AuthMethodNone || c.AuthMethod == oauth.AuthMethodPrivateKeyJWT || len(c.Credentials) > 0
}

// MayUse reports whether the client is registered for the grant type.
func (c *Client) MayUse(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// GrantLifetime returns how long what a person allows the client lasts at most,
// from the moment in which the client takes its first tokens.
func (c *Client) GrantLifetime() time.Duration {
	if c.MayUse(oauth.GrantRefreshToken) {
		return max(c.Lifetimes.AccessToken, c.Lifetimes.Refresh)
	}
	return c.Lifetimes.AccessToken
}

// MayAsk reports whether the client is registered for the response type.
func (c *Client) MayAsk(responseType string) bool {
	return slices.Contains(c.ResponseTypes, responseType)
}

// MatchRedirectURI returns the registered redirect URI that the requested one
// is (RFC 9700 §2.1: exact string matching, with the port of a native client's
// loopback URI left open, RFC 8252 §7.3).
func (c *Client) MatchRedirectURI(requested string) bool {
	for _, r := range c.RedirectURIs {
		if r.Matches(requested) {
			return true
		}
	}
	return false
}

// Registry finds the clients of one issuer.
type Registry interface {
	// Lookup returns the client with that client_id. It returns ErrUnknown if
	// there is none, ErrRefused if there is one that may not be served, and any
	// other error only if it could not find out.
	Lookup(ctx context.Context, clientID string) (*Client, error)

	// Renew returns a newer state of a client that Lookup or Renew has returned,
	// for one whose secret is none of those it is known by: what Lookup knows may
	// lag behind a rotation. It returns nil if there is no newer one, or if it has
	// been asked too often to find out.
	Renew(ctx context.Context, known *Client) *Client
}

// ErrUnknown says that no client has that client_id at this issuer.
var ErrUnknown = errors.New("registration: no such client")

// ErrRefused says that the registration is invalid, or not allowed by the
// issuer's policy. Errors that wrap it say why, for the log.
var ErrRefused = errors.New("registration: refused")
