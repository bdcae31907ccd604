package validation

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"oauth-operator.dev/api/v1alpha1"
)

// maxDefaultMaxAge is the longest defaultMaxAge.
const maxDefaultMaxAge = 8760 * time.Hour

// clientOpenID checks the metadata of OpenID Connect.
func clientOpenID(c *v1alpha1.OAuthClient) []Problem {
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	m := &c.Spec.OpenIDClientMetadata
	for _, page := range []struct{ field, uri string }{
		{"spec.clientURI", m.ClientURI}, {"spec.policyURI", m.PolicyURI}, {"spec.tosURI", m.TOSURI},
	} {
		if page.uri != "" && !webPage(page.uri) {
			add(page.field, "%s must be an https URL with a host name", quote(page.uri))
		}
	}
	for _, alg := range []struct {
		field string
		alg   v1alpha1.SigningAlg
	}{
		{"spec.idTokenSignedResponseAlg", m.IDTokenSignedResponseAlg}, {"spec.userinfoSignedResponseAlg", m.UserinfoSignedResponseAlg},
	} {
		switch alg.alg {
		case "", v1alpha1.SigningAlgRS256, v1alpha1.SigningAlgES256:
		default:
			add(alg.field, "%s is not known: use RS256 or ES256", quote(string(alg.alg)))
		}
	}
	if m.DefaultMaxAge != nil {
		problems = append(problems, lifetime("spec.defaultMaxAge", m.DefaultMaxAge.Duration, 0, maxDefaultMaxAge)...)
	}
	for i, uri := range m.PostLogoutRedirectURIs {
		if err := RedirectURI(uri); err != nil {
			add(index("spec.postLogoutRedirectURIs", i), "%s %s", quote(uri), err)
		}
	}
	if uri := m.BackchannelLogoutURI; uri != "" && !document(uri) {
		add("spec.backchannelLogoutURI", "%s must be an https URL with a host name and without a fragment", quote(uri))
	}
	if uri := m.SectorIdentifierURI; uri != "" {
		switch {
		case !document(uri):
			add("spec.sectorIdentifierURI", "%s must be an https URL with a host name and without a fragment", quote(uri))
		case m.SubjectType != v1alpha1.SubjectTypePairwise:
			add("spec.sectorIdentifierURI", "it says what pairwise subjects are made for: set subjectType to pairwise, or remove it")
		}
	}
	switch m.SubjectType {
	case "", v1alpha1.SubjectTypePublic:
	case v1alpha1.SubjectTypePairwise:
		switch _, ok := Sector(c); {
		case !slices.Contains(c.EffectiveGrantTypes(), v1alpha1.GrantTypeAuthorizationCode):
			// Nothing says for which sector such a client would speak: a
			// sectorIdentifierURI lists redirect URIs, and it has none.
			add("spec.subjectType", "pairwise is made for the host of the redirect URIs, which only a client with the grant type authorization_code has: use public")
		case len(c.Spec.RedirectURIsFrom) > 0:
			add("spec.subjectType", "pairwise depends on the host of the redirect URIs, which redirectURIsFrom lets change: list the redirectURIs, or use public")
		case !ok:
			add("spec.subjectType", "pairwise needs redirectURIs that are http or https URLs of one host, or a sectorIdentifierURI: use public, or make a client for each host")
		}
	default:
		add("spec.subjectType", "%s is not known: use public or pairwise", quote(string(m.SubjectType)))
	}
	return problems
}

// Sector returns the sector identifier of a pairwise client: the host of its
// sectorIdentifierURI, or of its redirect URIs (OpenID Connect Core §8.1). It is
// not ok for a client without redirect URIs, and without a sectorIdentifierURI for
// one with those of several hosts, or of an app. That the document at the
// sectorIdentifierURI has the redirect URIs is for the server to find out: until
// then the client must have no sub of that sector.
func Sector(c *v1alpha1.OAuthClient) (string, bool) {
	if uri := c.Spec.SectorIdentifierURI; uri != "" {
		return strings.ToLower(redirectHost(uri)), len(c.Spec.RedirectURIs) > 0
	}
	sector := ""
	for _, uri := range c.Spec.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") {
			return "", false
		}
		host := strings.ToLower(u.Hostname())
		if sector != "" && host != sector {
			return "", false
		}
		sector = host
	}
	return sector, sector != ""
}

// document reports whether that is an https URL as of a webPage, without a fragment.
func document(uri string) bool { return webPage(uri) && !strings.Contains(uri, "#") }

// webPage reports whether that is an https URL with a host name or an IPv4
// address. It may have a fragment.
func webPage(uri string) bool {
	rest, ok := strings.CutPrefix(uri, "https://")
	if !ok || len(uri) > maxRedirectURI || strings.HasPrefix(rest, "[") {
		return false
	}
	before, fragment, _ := strings.Cut(uri, "#")
	rest, err := locate(before)
	return err == nil && uriCharacters(rest) && uriCharacters(fragment)
}
