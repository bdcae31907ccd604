package registration

import (
	"slices"
	"time"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/oauth"
)

// OpenID is the metadata of a client that OpenID Connect adds (OpenID Connect
// Registration §2, RP-Initiated Logout §3.1, Back-Channel Logout §2.2).
type OpenID struct {
	// SubjectType is public, which "" is too, or pairwise.
	SubjectType string

	// Sector is the sector identifier of a pairwise client (OpenID Connect Core
	// §8.1): the host of its redirect URIs.
	Sector string

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

// compileOpenID compiles the metadata of a registration that was judged to be good.
func compileOpenID(oac *v1alpha1.OAuthClient) OpenID {
	m := &oac.Spec.OpenIDClientMetadata
	o := OpenID{
		SubjectType:                      string(m.SubjectType),
		IDTokenAlg:                       string(m.IDTokenSignedResponseAlg),
		UserinfoAlg:                      string(m.UserinfoSignedResponseAlg),
		ClientURI:                        m.ClientURI,
		PolicyURI:                        m.PolicyURI,
		TOSURI:                           m.TOSURI,
		PostLogoutRedirectURIs:           m.PostLogoutRedirectURIs,
		BackchannelLogoutURI:             m.BackchannelLogoutURI,
		BackchannelLogoutSessionRequired: m.BackchannelLogoutSessionRequired,
	}
	if m.SubjectType == v1alpha1.SubjectTypePairwise {
		o.Sector, _ = validation.Sector(oac)
	}
	if m.DefaultMaxAge != nil {
		o.DefaultMaxAge, o.HasDefaultMaxAge = m.DefaultMaxAge.Duration, true
	}
	return o
}

// Pairwise reports whether the client gets a sub of its own for each person.
func (c *Client) Pairwise() bool { return c.OpenID.SubjectType == oauth.SubjectTypePairwise }

// MatchPostLogoutRedirectURI reports whether people may be sent there after a
// logout. RP-Initiated Logout §3: the value "MUST exactly match one of" those
// that are registered.
func (c *Client) MatchPostLogoutRedirectURI(requested string) bool {
	return slices.Contains(c.OpenID.PostLogoutRedirectURIs, requested)
}
