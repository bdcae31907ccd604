package validation

import (
	"errors"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// maxIssuer is the longest issuer identifier, in bytes.
const maxIssuer = 512

var (
	errIssuer     = errors.New("must be https://host, with a port and a path if need be (RFC 8414 §2), or http:// with the host localhost, 127.0.0.1 or [::1]; in lower case, without user, query, fragment and trailing slash")
	errIssuerPort = errors.New("must not name a port that a scheme has anyway: remove :443 or :80")
	errIssuerPath = errors.New("must have a path of letters, digits, -, ., _ and ~ in which no segment is empty or begins with a dot, and no trailing slash")
)

// Issuer reports what keeps a URL from being an issuer identifier (RFC 8414 §2,
// OpenID Connect Discovery §3). Issuers are compared as strings everywhere, so
// only one spelling of each is accepted.
func Issuer(issuer string) error {
	scheme, hierarchy, ok := strings.Cut(issuer, "://")
	if !ok || len(issuer) > maxIssuer {
		return errIssuer
	}
	authority, path := hierarchy, ""
	if slash := strings.IndexByte(hierarchy, '/'); slash >= 0 {
		authority, path = hierarchy[:slash], hierarchy[slash:]
	}
	host, ok := hostOf(authority)
	switch {
	case !ok || host != strings.ToLower(host):
		return errIssuer
	case scheme == "https" && validHost(host):
	case scheme == "http" && loopback(host):
	default:
		return errIssuer
	}
	// Either of the two, with either scheme: behind a proxy the server does not
	// know by which a request came, so it could not tell them apart.
	if strings.HasSuffix(authority, ":443") || strings.HasSuffix(authority, ":80") {
		return errIssuerPort
	}
	if path == "" {
		return nil
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment[0] == '.' || !only(segment, unreserved) {
			return errIssuerPath
		}
	}
	return nil
}

// AuthorizationServer returns what keeps an AuthorizationServer from being
// served, whatever others there are (see IssuerOwner).
func AuthorizationServer(as *v1alpha1.AuthorizationServer) []Problem {
	var problems []Problem
	if err := Issuer(as.Spec.Issuer); err != nil {
		problems = append(problems, problem("spec.issuer", v1alpha1.ReasonInvalid, "%s %s", quote(as.Spec.Issuer), err))
	}
	if !plainText(as.Spec.DisplayName) {
		problems = append(problems, problem("spec.displayName", v1alpha1.ReasonInvalid, badText))
	}
	switch as.SigningAlg() {
	case v1alpha1.SigningAlgRS256, v1alpha1.SigningAlgES256:
	default:
		problems = append(problems, problem("spec.idTokenSigningAlg", v1alpha1.ReasonInvalid,
			"%s is not known: use RS256 or ES256", quote(string(as.Spec.IDTokenSigningAlg))))
	}
	problems = append(problems, catalogue(as.Spec.Scopes)...)
	problems = append(problems, resources(as)...)
	problems = append(problems, tokenExchange(as)...)
	problems = append(problems, lifetimes(as.Spec.Lifetimes)...)
	return append(problems, policy(as.Spec.Policy)...)
}

func catalogue(scopes []v1alpha1.Scope) []Problem {
	var problems []Problem
	seen := make(map[string]bool, len(scopes))
	for i, s := range scopes {
		field := index("spec.scopes", i)
		switch {
		case !validScope(s.Name):
			problems = append(problems, problem(field+".name", v1alpha1.ReasonInvalid, "%s %s", quote(s.Name), badScope))
		case seen[s.Name]:
			problems = append(problems, problem(field+".name", v1alpha1.ReasonInvalid,
				"%s is in the catalogue already: name each scope once", quote(s.Name)))
		}
		seen[s.Name] = true
		if !plainText(s.Description) {
			problems = append(problems, problem(field+".description", v1alpha1.ReasonInvalid, badText))
		}
	}
	return problems
}

// lifetimes checks the bounds, which are those of the CRD.
func lifetimes(l v1alpha1.Lifetimes) []Problem {
	var problems []Problem
	for _, b := range []struct {
		field       string
		value       *metav1.Duration
		least, most time.Duration
	}{
		{"authorizationCode", l.AuthorizationCode, time.Second, 10 * time.Minute},
		{"deviceCode", l.DeviceCode, time.Minute, 30 * time.Minute},
		{"accessToken", l.AccessToken, time.Second, 24 * time.Hour},
		{"idToken", l.IDToken, time.Second, 24 * time.Hour},
		{"refreshToken", l.RefreshToken, time.Second, 8760 * time.Hour},
		{"refreshTokenIdle", l.RefreshTokenIdle, time.Second, 8760 * time.Hour},
		{"refreshTokenGrace", l.RefreshTokenGrace, 0, 5 * time.Minute},
		{"session", l.Session, time.Second, 720 * time.Hour},
	} {
		if b.value != nil {
			problems = append(problems, lifetime("spec.lifetimes."+b.field, b.value.Duration, b.least, b.most)...)
		}
	}
	return problems
}

// IssuerOwner returns which of the AuthorizationServers at the address of as
// serves it: the oldest, and of those of one age the first by name. All may hold
// as itself, or not.
func IssuerOwner(as *v1alpha1.AuthorizationServer, all []*v1alpha1.AuthorizationServer) *v1alpha1.AuthorizationServer {
	owner := as
	for _, other := range all {
		if IssuerAddress(other.Spec.Issuer) == IssuerAddress(as.Spec.Issuer) && older(other, owner) {
			owner = other
		}
	}
	return owner
}

// IssuerAddress returns what requests for an issuer are known by: its host, port
// and path. By the scheme they are not: a proxy may have taken it away.
func IssuerAddress(issuer string) string {
	_, rest, _ := strings.Cut(issuer, "://")
	return rest
}

// older orders by creation, and by name where that does not tell.
func older(a, b *v1alpha1.AuthorizationServer) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}
