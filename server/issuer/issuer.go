// Package issuer holds the settings of one issuer: what an AuthorizationServer
// resource comes to, ready to be used. It is a leaf.
package issuer

import (
	"net/url"
	"strings"
	"time"

	"oauth-operator.dev/api/endpoint"
	"oauth-operator.dev/server/oauth"
)

// Settings of one issuer. They do not change: a changed AuthorizationServer
// gives new Settings.
type Settings struct {
	// Name of the AuthorizationServer.
	Name string

	// Issuer is the issuer identifier (RFC 8414 §2), exactly as it stands in
	// tokens and metadata.
	Issuer string

	// DisplayName is what people read on the pages.
	DisplayName string

	// Notice is what they have to know on every page. "" for nothing.
	Notice string

	// Catalogue is every scope that exists, in the order of the resource.
	Catalogue []Scope

	// Resources are what access tokens can be for beside the issuer itself
	// (RFC 8707), in the order of the resource.
	Resources []Resource

	Lifetimes Lifetimes

	// IDTokenAlg is RS256 or ES256.
	IDTokenAlg string
}

// Scope is one entry of the catalogue.
type Scope struct {
	Name        string
	Description string
	Default     bool
}

// Lifetimes of what the issuer gives out.
type Lifetimes struct {
	Code         time.Duration
	AccessToken  time.Duration
	IDToken      time.Duration
	Refresh      time.Duration // of the grant in all
	RefreshIdle  time.Duration // since the last refresh
	RefreshGrace time.Duration // for a retry with the previous refresh token
	Session      time.Duration
}

// Paths of the endpoints, below the issuer's own path.
const (
	PathAuthorize = endpoint.Authorization
	PathContinue  = "/continue"
	PathLogin     = "/login"
	PathConsent   = "/consent"
	PathToken     = endpoint.Token
	PathUserinfo  = endpoint.Userinfo
	PathJWKS      = endpoint.JWKS
	PathAssets    = "/assets/"

	PathRevocation    = endpoint.Revocation
	PathIntrospection = endpoint.Introspection

	PathLogout        = "/logout"
	PathLogoutConfirm = "/logout/confirm"
)

// URL returns the URL of an endpoint of the issuer.
func (s *Settings) URL(path string) string { return s.Issuer + path }

// SiteName is the name of the issuer on its pages.
func (s *Settings) SiteName() string {
	if s.DisplayName != "" {
		return s.DisplayName
	}
	_, host, _ := strings.Cut(s.Issuer, "://")
	return host
}

// BasePath returns the path of the issuer: "" for one without.
func (s *Settings) BasePath() string {
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// Secure reports whether the issuer is reached by https, so that cookies may
// insist on it.
func (s *Settings) Secure() bool {
	u, err := url.Parse(s.Issuer)
	return err == nil && u.Scheme == "https"
}

// DefaultScope returns the scopes that are marked as default
// (RFC 6749 §3.3: "a pre-defined default value").
func (s *Settings) DefaultScope() oauth.Scope {
	var scope oauth.Scope
	for _, c := range s.Catalogue {
		if c.Default {
			scope = append(scope, c.Name)
		}
	}
	return scope
}

// Describe returns the words for a scope: its description, or its name.
func (s *Settings) Describe(name string) string {
	for _, c := range s.Catalogue {
		if c.Name == name && c.Description != "" {
			return c.Description
		}
	}
	return name
}
