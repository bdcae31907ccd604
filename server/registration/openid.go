package registration

import (
	"slices"
	"time"

	"oauth-operator.dev/server/oauth"
)

// OpenID is the metadata of a client that OpenID Connect adds (OpenID Connect
// Registration §2, RP-Initiated Logout §3.1, Back-Channel Logout §2.2).
type OpenID struct {
	// SubjectType is public, which "" is too, or pairwise.
	SubjectType string

	// Sector is the sector identifier of a pairwise client (OpenID Connect Core
	// §8.1): the host of its redirect URIs, or that of SectorIdentifierURI.
	Sector string

	// SectorIdentifierURI is where all redirect URIs of the client have to be listed:
	// see VerifySectors. "" for a client without.
	SectorIdentifierURI string

	// IDTokenAlg signs the client's ID tokens: "" for the issuer's default.
	IDTokenAlg string

	// UserinfoAlg signs its userinfo responses: "" for plain JSON.
	UserinfoAlg string

	// DefaultMaxAge counts where a request has no max_age.
	DefaultMaxAge time.Duration

	// HasDefaultMaxAge says whether DefaultMaxAge counts: 0 is a value.
	HasDefaultMaxAge bool

	// ClientURI, PolicyURI and TOSURI are shown at consent.
	ClientURI string
	PolicyURI string
	TOSURI    string

	PostLogoutRedirectURIs []string

	BackchannelLogoutURI             string
	BackchannelLogoutSessionRequired bool
}

// Pairwise reports whether the client gets a sub of its own for each person.
func (c *Client) Pairwise() bool { return c.OpenID.SubjectType == oauth.SubjectTypePairwise }

// MatchPostLogoutRedirectURI reports whether people may be sent there after a
// logout. RP-Initiated Logout §3: the value "MUST exactly match one of" those
// that are registered.
func (c *Client) MatchPostLogoutRedirectURI(requested string) bool {
	return slices.Contains(c.OpenID.PostLogoutRedirectURIs, requested)
}
