package registration

import (
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

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
		o.SectorIdentifierURI = m.SectorIdentifierURI
	}
	if m.DefaultMaxAge != nil {
		o.DefaultMaxAge, o.HasDefaultMaxAge = m.DefaultMaxAge.Duration, true
	}
	return o
}
