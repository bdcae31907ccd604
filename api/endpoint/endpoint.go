// Package endpoint says where the endpoints of an issuer are. The server serves
// these paths, and the controller writes the URLs into the Secrets of clients.
package endpoint

// Paths below the issuer's own path, for those who need no discovery.
const (
	Authorization = "/authorize"  // RFC 6749 §3.1
	Token         = "/token"      // RFC 6749 §3.2
	Userinfo      = "/userinfo"   // OpenID Connect Core §5.3
	JWKS          = "/jwks"       // RFC 7517 §5
	Revocation    = "/revoke"     // RFC 7009 §2
	Introspection = "/introspect" // RFC 7662 §2
	Device        = "/device"     // RFC 8628 §3.3: the verification URI

	DeviceAuthorization = "/device_authorization" // RFC 8628 §3.1
)

// URL returns the URL of an endpoint of the issuer.
func URL(issuer, path string) string { return issuer + path }
