package v1alpha1

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What follows are the values that count where a field is left out. Controller
// and server read fields through these functions, so that both mean the same,
// also for an object that has bypassed the defaults of the API server.

// builtinScopes is the catalogue of an AuthorizationServer that has none of its
// own (OpenID Connect Core §5.4; groups is our own).
var builtinScopes = []Scope{
	{Name: "openid", Default: true, Description: "Know that it is you who logs in"},
	{Name: "profile", Default: true, Description: "Read your name and username"},
	{Name: "email", Description: "Read your email address"},
	{Name: "groups", Description: "Read which groups you belong to"},
}

// Catalogue returns the scopes of the issuer: its own, or the built-in ones. A
// scope with a built-in name and no description gets the built-in words. The
// caller may keep the slice, and must not change it.
func (s *AuthorizationServer) Catalogue() []Scope {
	own := s.Spec.Scopes
	if len(own) == 0 {
		return builtinScopes
	}
	if !slices.ContainsFunc(own, lacksBuiltinWords) {
		return own
	}
	own = slices.Clone(own)
	for i := range own {
		if lacksBuiltinWords(own[i]) {
			own[i].Description = builtinWords(own[i].Name)
		}
	}
	return own
}

func lacksBuiltinWords(s Scope) bool {
	return s.Description == "" && builtinWords(s.Name) != ""
}

func builtinWords(scope string) string {
	for _, b := range builtinScopes {
		if b.Name == scope {
			return b.Description
		}
	}
	return ""
}

// SigningAlg returns the algorithm of ID tokens.
func (s *AuthorizationServer) SigningAlg() SigningAlg {
	if s.Spec.IDTokenSigningAlg == "" {
		return SigningAlgRS256
	}
	return s.Spec.IDTokenSigningAlg
}

// Defaults of Lifetimes.
const (
	defaultCodeLifetime        = time.Minute
	defaultDeviceCodeLifetime  = 10 * time.Minute
	defaultAccessTokenLifetime = 10 * time.Minute
	defaultIDTokenLifetime     = 10 * time.Minute
	defaultRefreshLifetime     = 720 * time.Hour
	defaultRefreshIdle         = 168 * time.Hour
	defaultRefreshGrace        = 30 * time.Second
	defaultSessionLifetime     = 12 * time.Hour
)

// EffectiveLifetimes are Lifetimes with nothing left out.
//
// +kubebuilder:object:generate=false
type EffectiveLifetimes struct {
	Code         time.Duration
	DeviceCode   time.Duration
	AccessToken  time.Duration
	IDToken      time.Duration
	Refresh      time.Duration // of a grant in all
	RefreshIdle  time.Duration // since the last refresh; at most Refresh
	RefreshGrace time.Duration // for a retry with the previous refresh token
	Session      time.Duration
}

// Effective returns the lifetimes with the defaults for those left out.
func (l Lifetimes) Effective() EffectiveLifetimes {
	e := EffectiveLifetimes{
		Code:         durationOr(l.AuthorizationCode, defaultCodeLifetime),
		DeviceCode:   durationOr(l.DeviceCode, defaultDeviceCodeLifetime),
		AccessToken:  durationOr(l.AccessToken, defaultAccessTokenLifetime),
		IDToken:      durationOr(l.IDToken, defaultIDTokenLifetime),
		Refresh:      durationOr(l.RefreshToken, defaultRefreshLifetime),
		RefreshIdle:  durationOr(l.RefreshTokenIdle, defaultRefreshIdle),
		RefreshGrace: durationOr(l.RefreshTokenGrace, defaultRefreshGrace),
		Session:      durationOr(l.Session, defaultSessionLifetime),
	}
	e.RefreshIdle = min(e.RefreshIdle, e.Refresh)
	return e
}

func durationOr(d *metav1.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.Duration
}

// EffectiveScopes returns the scopes that the client asks to be registered for:
// its own list, or those that the catalogue marks as default.
func (c *OAuthClient) EffectiveScopes(catalogue []Scope) []string {
	if len(c.Spec.Scopes) > 0 {
		return c.Spec.Scopes
	}
	var scopes []string
	for _, s := range catalogue {
		if s.Default {
			scopes = append(scopes, s.Name)
		}
	}
	return scopes
}

// EffectiveGrantTypes returns the grant types of the client: authorization_code
// where none are named (RFC 7591 §2).
func (c *OAuthClient) EffectiveGrantTypes() []GrantType {
	if len(c.Spec.GrantTypes) > 0 {
		return c.Spec.GrantTypes
	}
	return []GrantType{GrantTypeAuthorizationCode}
}

// EffectiveResponseTypes returns the response types of the client. Where none
// are named they follow from the grant types (RFC 7591 §2.1).
func (c *OAuthClient) EffectiveResponseTypes() []ResponseType {
	if len(c.Spec.ResponseTypes) > 0 {
		return c.Spec.ResponseTypes
	}
	if slices.Contains(c.EffectiveGrantTypes(), GrantTypeAuthorizationCode) {
		return []ResponseType{ResponseTypeCode}
	}
	return nil
}

// EffectiveAuthMethod returns how the client authenticates:
// client_secret_basic where nothing is said (RFC 7591 §2).
func (c *OAuthClient) EffectiveAuthMethod() TokenEndpointAuthMethod {
	if c.Spec.TokenEndpointAuthMethod == "" {
		return AuthMethodClientSecretBasic
	}
	return c.Spec.TokenEndpointAuthMethod
}

// HasSecret reports whether the client authenticates with a client secret.
func (c *OAuthClient) HasSecret() bool {
	switch c.EffectiveAuthMethod() {
	case AuthMethodNone, AuthMethodPrivateKeyJWT:
		return false
	default:
		return true
	}
}

// What Rotation says where it is left out.
const (
	defaultOverlap   = 24 * time.Hour
	defaultUnusedFor = 24 * time.Hour
)

// RotationOverlap returns how long an old client secret is accepted.
func (c *OAuthClient) RotationOverlap() time.Duration {
	if c.Spec.Rotation == nil {
		return defaultOverlap
	}
	return durationOr(c.Spec.Rotation.Overlap, defaultOverlap)
}

// RetiresUnused reports whether an old client secret ends only when it has not
// been used for some time, and for how long.
func (c *OAuthClient) RetiresUnused() (unusedFor time.Duration, ok bool) {
	if c.Spec.Rotation == nil || c.Spec.Rotation.Retire != RetireWhenUnused {
		return 0, false
	}
	return durationOr(c.Spec.Rotation.UnusedFor, defaultUnusedFor), true
}

// KeyOrDefault returns the key of the reference: client-secret where none is
// named.
func (r *ClientSecretReference) KeyOrDefault() string {
	if r.Key == "" {
		return SecretKeyClientSecret
	}
	return r.Key
}

// RetainsSecret reports whether the Secret stays when the client is deleted.
func (c *OAuthClient) RetainsSecret() bool {
	return c.Spec.Secret.DeletionPolicy == DeletionPolicyRetain
}

// AllRedirectURIs returns the redirect URIs of the client: its own list, and
// those that redirectURIsFrom came to. The caller must not change it.
func (c *OAuthClient) AllRedirectURIs() []string {
	if len(c.Spec.RedirectURIsFrom) == 0 || len(c.Status.RedirectURIs) == 0 {
		return c.Spec.RedirectURIs
	}
	all := slices.Clone(c.Spec.RedirectURIs)
	for _, uri := range c.Status.RedirectURIs {
		if !slices.Contains(all, uri) {
			all = append(all, uri)
		}
	}
	return all
}
