// Package metadata tells the world what the authorization server is: the
// metadata of RFC 8414, the OpenID Provider configuration (OpenID Connect
// Discovery §4) and the JWK Set (RFC 7517 §5). They say what is there and
// nothing else.
package metadata

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/cors"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
)

// The well-known names. For an issuer with a path, RFC 8414 §3.1 puts the path
// behind its name, and OpenID Connect Discovery §4 puts it before.
const (
	WellKnownOAuth  = "/.well-known/oauth-authorization-server"
	WellKnownOpenID = "/.well-known/openid-configuration"
)

// Options of the metadata. They name what the endpoints can do, because this
// package knows none of them.
type Options struct {
	Settings *issuer.Settings

	// GrantTypes and AuthMethods are those of the token endpoint. AuthAlgs sign
	// the assertions by which clients authenticate.
	GrantTypes  []string
	AuthMethods []string
	AuthAlgs    []string

	// IntrospectionAlgs sign introspection responses.
	IntrospectionAlgs []string

	// BackchannelLogout says that clients are told of logouts.
	BackchannelLogout bool
}

// document is the metadata of RFC 8414 §2, with what OpenID Connect Discovery §3
// adds. Members with nothing to say are left out (RFC 8414 §3.2).
type document struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint,omitempty"`
	JWKSURI               string   `json:"jwks_uri"`
	Scopes                []string `json:"scopes_supported,omitempty"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported,omitempty"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	AuthAlgs              []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`               // RFC 7636
	IssParameter          bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3

	DeviceAuthorizationEndpoint string `json:"device_authorization_endpoint,omitempty"` // RFC 8628 §4

	// RFC 7009, RFC 7662 and RFC 9701.
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationAuthAlgs       []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectionAuthAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionAlgs        []string `json:"introspection_signing_alg_values_supported,omitempty"`
	Resources                []string `json:"protected_resources,omitempty"` // RFC 9728 §4

	SubjectTypes []string `json:"subject_types_supported,omitempty"`
	IDTokenAlgs  []string `json:"id_token_signing_alg_values_supported,omitempty"`
	UserinfoAlgs []string `json:"userinfo_signing_alg_values_supported,omitempty"`
	Claims       []string `json:"claims_supported,omitempty"`
	Prompts      []string `json:"prompt_values_supported,omitempty"` // Initiating User Registration §4
	UILocales    []string `json:"ui_locales_supported,omitempty"`
	Displays     []string `json:"display_values_supported,omitempty"`

	// The default of request_uri_parameter_supported is true, so it has to be
	// said. The others are said with it.
	RequestParameter    *bool `json:"request_parameter_supported,omitempty"`
	RequestURIParameter *bool `json:"request_uri_parameter_supported,omitempty"`
	ClaimsParameter     bool  `json:"claims_parameter_supported,omitempty"`

	EndSessionEndpoint       string `json:"end_session_endpoint,omitempty"`                 // RP-Initiated Logout §2.1
	BackchannelLogout        bool   `json:"backchannel_logout_supported,omitempty"`         // Back-Channel Logout §2.1
	BackchannelLogoutSession bool   `json:"backchannel_logout_session_supported,omitempty"` // the same
}

// New returns what answers at the well-known names: the same document at both,
// with the members of OpenID Connect where the catalogue of scopes has openid.
func New(options Options) http.Handler {
	body, err := json.Marshal(describe(options))
	if err != nil {
		panic(fmt.Sprintf("metadata: strings and booleans cannot be encoded: %v", err))
	}
	return serve(func() ([]byte, bool) { return body, true })
}

func describe(options Options) document {
	s := options.Settings
	d := document{
		Issuer:                s.Issuer,
		AuthorizationEndpoint: s.URL(issuer.PathAuthorize),
		TokenEndpoint:         s.URL(issuer.PathToken),
		JWKSURI:               s.URL(issuer.PathJWKS),
		ResponseTypes:         []string{oauth.ResponseTypeCode},
		ResponseModes:         []string{oauth.ResponseModeQuery, oauth.ResponseModeFormPost},
		GrantTypes:            options.GrantTypes,
		AuthMethods:           options.AuthMethods,
		ChallengeMethods:      []string{oauth.MethodS256},
		IssParameter:          true,
	}
	if slices.Contains(options.GrantTypes, oauth.GrantDeviceCode) {
		d.DeviceAuthorizationEndpoint = s.URL(issuer.PathDeviceAuthorization)
	}
	d.RevocationEndpoint = s.URL(issuer.PathRevocation)
	d.RevocationAuthMethods = options.AuthMethods
	d.IntrospectionEndpoint = s.URL(issuer.PathIntrospection)
	for _, method := range options.AuthMethods {
		if method != oauth.AuthMethodNone { // a public client may not ask
			d.IntrospectionAuthMethods = append(d.IntrospectionAuthMethods, method)
		}
	}
	d.AuthAlgs, d.RevocationAuthAlgs, d.IntrospectionAuthAlgs = options.AuthAlgs, options.AuthAlgs, options.AuthAlgs
	d.IntrospectionAlgs = options.IntrospectionAlgs
	for _, r := range s.Resources {
		if r.Identifier != s.Issuer {
			d.Resources = append(d.Resources, r.Identifier)
		}
	}
	for _, scope := range s.Catalogue {
		d.Scopes = append(d.Scopes, scope.Name)
	}
	if oauth.Scope(d.Scopes).Has(oauth.ScopeOpenID) {
		describeOpenID(&d, options)
	}
	return d
}

// describeOpenID adds the members of OpenID Connect Discovery §3.
func describeOpenID(d *document, options Options) {
	s := options.Settings
	d.UserinfoEndpoint = s.URL(issuer.PathUserinfo)
	d.SubjectTypes = []string{oauth.SubjectTypePublic, oauth.SubjectTypePairwise}
	d.IDTokenAlgs = []string{accesstoken.AlgRS256, accesstoken.AlgES256}
	d.Prompts = []string{oauth.PromptNone, oauth.PromptLogin, oauth.PromptConsent, oauth.PromptSelectAccount}
	d.UILocales = []string{"en"}
	d.Displays = []string{"page"}
	d.RequestParameter = new(bool)
	d.RequestURIParameter = new(bool)
	d.UserinfoAlgs = d.IDTokenAlgs
	d.ClaimsParameter = true
	d.EndSessionEndpoint = s.URL(issuer.PathLogout)
	d.BackchannelLogout = options.BackchannelLogout
	d.BackchannelLogoutSession = options.BackchannelLogout
	d.Claims = []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid"}
	scopes := oauth.Scope(d.Scopes)
	if scopes.Has(oauth.ScopeProfile) {
		d.Claims = append(d.Claims, "name", "preferred_username")
	}
	if scopes.Has(oauth.ScopeEmail) {
		d.Claims = append(d.Claims, "email", "email_verified")
	}
	if scopes.Has(oauth.ScopeGroups) {
		d.Claims = append(d.Claims, "groups")
	}
}

// cacheControl is for how long anybody may keep a document. A key is published a
// day before its use, so this could be hours; it is short so that a key which
// has to go at once is soon gone everywhere.
const cacheControl = "public, max-age=300"

// serve answers GET and HEAD with a JSON document that anybody may read and
// keep, and has an ETag (RFC 9110 §8.8.3). A document that is not there yet
// must not be kept by anybody.
func serve(body func() ([]byte, bool)) http.Handler {
	return cors.Allow(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "This document is read with GET.", http.StatusMethodNotAllowed)
			return
		}
		content, ok := body()
		if !ok {
			_ = oauth.WriteError(w, http.StatusServiceUnavailable, oauth.Unavailable(nil))
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", cacheControl)
		h.Set("ETag", etag(content))
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}), http.MethodGet, http.MethodHead)
}

func etag(content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}
