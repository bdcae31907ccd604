package validation_test

import (
	"net/url"
	"strings"
	"testing"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// FuzzIssuer has a platform name anything as an issuer, as a resource and as the
// client that serves it. What is accepted is read by others as the one address that it
// looks like, and in one spelling only.
func FuzzIssuer(f *testing.F) {
	f.Add("https://id.example.com/team", "https://api.example.com/", "https://app.example/jwks?x")
	f.Add("http://localhost:8080", "urn:example:api", "https://[::1]/")
	f.Add("https://id.example.com@evil.example", "api", "http://app.example/")
	f.Add("https://ID.example.com:443/../x", "https://a#b", "https://app.example/#x")
	f.Add("https://[::1]:1/a//b", "javascript:alert(1)", "https://u:p@app.example/")
	f.Add("https://127.1/%2e", "//x", "https://app.example:0/")
	f.Fuzz(func(t *testing.T, issuer, resource, document string) {
		if validation.Issuer(issuer) == nil {
			u, err := url.Parse(issuer)
			if err != nil || u.String() != issuer || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "" || u.Host != strings.ToLower(u.Host) ||
				u.Path != u.EscapedPath() || strings.HasSuffix(issuer, "/") || validation.IssuerAddress(issuer) != u.Host+u.Path {
				t.Errorf("%q is an issuer: %+v, %v", issuer, u, err)
			}
			if host := u.Hostname(); u.Scheme != "https" && (u.Scheme != "http" || host != "localhost" && host != "::1" && !strings.HasPrefix(host, "127.")) {
				t.Errorf("%q is an issuer", issuer)
			}
		}
		as := &v1alpha1.AuthorizationServer{Spec: v1alpha1.AuthorizationServerSpec{
			Issuer: "https://id.example.com", Resources: []v1alpha1.Resource{{Identifier: resource}},
		}}
		if len(validation.AuthorizationServer(as)) == 0 {
			u, err := url.Parse(resource)
			if err != nil || !u.IsAbs() || strings.ContainsAny(resource, "# \"<>\\\r\n\x00") || resource == as.Spec.Issuer { // RFC 8707 §2
				t.Errorf("%q is a resource: %+v, %v", resource, u, err)
			}
		}
		oac := &v1alpha1.OAuthClient{Spec: v1alpha1.OAuthClientSpec{TokenEndpointAuthMethod: v1alpha1.AuthMethodPrivateKeyJWT, RedirectURIs: []string{"https://app.example/cb"}}}
		oac.Spec.JWKSURI = document
		if document != "" && len(validation.Client(oac, nil, nil, 0)) == 0 {
			u, err := url.Parse(document)
			if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.Host == "" || strings.ContainsAny(document, "# \"<>\\\r\n\x00[") {
				t.Errorf("%q is a jwksURI: %+v, %v", document, u, err)
			}
		}
	})
}
