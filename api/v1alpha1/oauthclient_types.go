package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OAuthClient registers a client with an authorization server (RFC 6749 §2)
// and asks for a Secret with its credentials, for a workload of its namespace to
// mount.
//
// The client_id is "<namespace>.<name>". It stays the same when the Secret is
// lost. A client that is deleted and made anew under the same name gets the same
// client_id, but not the grants of its predecessor.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=oac,categories={oauth}
// +kubebuilder:metadata:labels="servicebinding.io/provisioned-service=true"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Client ID",type=string,JSONPath=`.status.clientID`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.status.binding.name`
// +kubebuilder:printcolumn:name="Server",type=string,priority=1,JSONPath=`.status.authorizationServer`
// +kubebuilder:printcolumn:name="Issuer",type=string,priority=1,JSONPath=`.status.issuer`
// +kubebuilder:printcolumn:name="Auth Method",type=string,priority=1,JSONPath=`.spec.tokenEndpointAuthMethod`
// +kubebuilder:printcolumn:name="Rotated",type=date,priority=1,JSONPath=`.status.rotation.lastAt`
// +kubebuilder:printcolumn:name="Next Rotation",type=string,priority=1,JSONPath=`.status.rotation.nextAt`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name must be at most 63 characters: it becomes a label value and a part of the client_id"
// +kubebuilder:validation:XValidation:rule=`!has(self.spec.secret) || !has(self.spec.secret.ref) || has(self.spec.secret.name) || self.spec.secret.ref.name != self.metadata.name + '-oauth'`,message="secret.ref names the Secret that you bring, which must not have the name of the one that the operator writes: set secret.name, or bring another",fieldPath=".spec.secret"
type OAuthClient struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the registration that is asked for.
	Spec OAuthClientSpec `json:"spec"`

	// status is what became of it.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status OAuthClientStatus `json:"status,omitzero"`
}

// OAuthClientList is a list of OAuthClient.
//
// +kubebuilder:object:root=true
type OAuthClientList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []OAuthClient `json:"items"`
}

// OAuthClientSpec is a client's metadata (RFC 7591 §2) in camelCase.
//
// +kubebuilder:validation:XValidation:rule=`!('authorization_code' in self.grantTypes) || (has(self.redirectURIs) && size(self.redirectURIs) > 0) || (has(self.redirectURIsFrom) && size(self.redirectURIsFrom) > 0)`,message="redirectURIs needs at least one entry for the grant type authorization_code: add it here or in redirectURIsFrom, or set grantTypes to [client_credentials]",fieldPath=".redirectURIs"
// +kubebuilder:validation:XValidation:rule=`'authorization_code' in self.grantTypes || !has(self.redirectURIs) || size(self.redirectURIs) == 0`,message="redirectURIs are used by the grant type authorization_code alone: add that to grantTypes, or remove redirectURIs",fieldPath=".redirectURIs"
// +kubebuilder:validation:XValidation:rule=`!('refresh_token' in self.grantTypes) || 'authorization_code' in self.grantTypes || 'urn:ietf:params:oauth:grant-type:device_code' in self.grantTypes`,message="grantTypes has refresh_token but neither authorization_code nor urn:ietf:params:oauth:grant-type:device_code, which refresh tokens come from: add that, or remove refresh_token",fieldPath=".grantTypes"
// +kubebuilder:validation:XValidation:rule=`'authorization_code' in self.grantTypes || !has(self.responseTypes) || size(self.responseTypes) == 0`,message="responseTypes has code, which goes with the grant type authorization_code: add that to grantTypes, or leave responseTypes out",fieldPath=".responseTypes"
// +kubebuilder:validation:XValidation:rule=`self.tokenEndpointAuthMethod != 'none' || !('client_credentials' in self.grantTypes)`,message="tokenEndpointAuthMethod none makes a public client, which cannot have the grant type client_credentials: use client_secret_basic, or remove client_credentials",fieldPath=".tokenEndpointAuthMethod"
// +kubebuilder:validation:XValidation:rule=`self.tokenEndpointAuthMethod != 'none' || !('urn:ietf:params:oauth:grant-type:token-exchange' in self.grantTypes)`,message="tokenEndpointAuthMethod none makes a public client, which cannot have the grant type urn:ietf:params:oauth:grant-type:token-exchange: use client_secret_basic, or remove that",fieldPath=".tokenEndpointAuthMethod"
// +kubebuilder:validation:XValidation:rule=`'authorization_code' in self.grantTypes || !has(self.redirectURIsFrom) || size(self.redirectURIsFrom) == 0`,message="redirectURIsFrom is used by the grant type authorization_code alone: add that to grantTypes, or remove redirectURIsFrom",fieldPath=".redirectURIsFrom"
// +kubebuilder:validation:XValidation:rule=`(has(self.jwks) ? 1 : 0) + (has(self.jwksURI) && size(self.jwksURI) > 0 ? 1 : 0) + (has(self.serviceAccountRef) ? 1 : 0) == (self.tokenEndpointAuthMethod == 'private_key_jwt' ? 1 : 0)`,message="tokenEndpointAuthMethod private_key_jwt needs exactly one of jwks, jwksURI and serviceAccountRef, and no other method has one: set the method to private_key_jwt, or remove jwks, jwksURI and serviceAccountRef",fieldPath=".tokenEndpointAuthMethod"
// +kubebuilder:validation:XValidation:rule=`!has(self.tokenEndpointAuthSigningAlg) || has(self.jwks) || (has(self.jwksURI) && size(self.jwksURI) > 0)`,message="tokenEndpointAuthSigningAlg is the algorithm of assertions that keys of jwks or jwksURI verify: remove it",fieldPath=".tokenEndpointAuthSigningAlg"
// +kubebuilder:validation:XValidation:rule=`!has(self.tokenEndpointAuthSigningAlg) || !has(self.jwks) || self.jwks.keys.exists(k, k.kty == (self.tokenEndpointAuthSigningAlg == 'ES256' ? 'EC' : self.tokenEndpointAuthSigningAlg == 'EdDSA' ? 'OKP' : 'RSA') && (!has(k.alg) || k.alg == self.tokenEndpointAuthSigningAlg))`,message="no key of jwks is for tokenEndpointAuthSigningAlg: RS256 and PS256 need a key with kty RSA, ES256 one with EC, EdDSA one with OKP",fieldPath=".tokenEndpointAuthSigningAlg"
// +kubebuilder:validation:XValidation:rule=`self.tokenEndpointAuthMethod != 'private_key_jwt' || !has(self.secret) || !has(self.secret.ref)`,message="secret.ref brings a client secret, which a client with private_key_jwt has not: remove it, or use client_secret_basic",fieldPath=".secret"
// +kubebuilder:validation:XValidation:rule=`self.tokenEndpointAuthMethod != 'private_key_jwt' || !has(self.rotation)`,message="rotation is of a client secret, which a client with private_key_jwt has not: remove it, or use client_secret_basic",fieldPath=".rotation"
// +kubebuilder:validation:XValidation:rule=`self.tokenEndpointAuthMethod != 'none' || !has(self.secret) || !has(self.secret.ref)`,message="secret.ref brings a client secret, which a public client has not: remove it, or use another tokenEndpointAuthMethod than none",fieldPath=".secret"
// +kubebuilder:validation:XValidation:rule=`self.tokenEndpointAuthMethod != 'none' || !has(self.rotation)`,message="rotation is of a client secret, which a public client has not: remove it, or use another tokenEndpointAuthMethod than none",fieldPath=".rotation"
// +kubebuilder:validation:XValidation:rule=`!has(self.rotation) || !has(self.rotation.interval) || !has(self.secret) || !has(self.secret.ref)`,message="rotation.interval is for secrets that the operator makes: one that secret.ref brings is rotated where it comes from, so remove one of the two",fieldPath=".rotation"
// +kubebuilder:validation:XValidation:rule=`!has(self.subjectType) || self.subjectType != 'pairwise' || !has(self.redirectURIsFrom) || size(self.redirectURIsFrom) == 0`,message="subjectType pairwise depends on the host of the redirect URIs, which redirectURIsFrom lets change: list the redirectURIs, or use public",fieldPath=".subjectType"
// +kubebuilder:validation:XValidation:rule=`!has(self.sectorIdentifierURI) || size(self.sectorIdentifierURI) == 0 || (has(self.subjectType) && self.subjectType == 'pairwise')`,message="sectorIdentifierURI says what pairwise subjects are made for: set subjectType to pairwise, or remove it",fieldPath=".sectorIdentifierURI"
type OAuthClientSpec struct {
	// authorizationServerRef names the AuthorizationServer that the client is
	// registered with. Without it, the client gets the cluster's default: the
	// AuthorizationServer with the annotation
	// oauth-operator.dev/is-default-authorization-server: "true".
	// A client that has once been given the default stays with it.
	// +optional
	AuthorizationServerRef *AuthorizationServerReference `json:"authorizationServerRef,omitempty"`

	// clientName is the name that people read on the consent page. Without it
	// they read the client_id.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`self == self.trim() && self.matches(r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")`,message="clientName must be plain text on one line, without control characters, invisible characters and space before or after it"
	ClientName string `json:"clientName,omitempty"`

	// redirectURIs are the addresses that people may be sent back to with an
	// authorization code (RFC 6749 §3.1.2). A client with the grant type
	// authorization_code needs at least one; another has none.
	//
	// Each is an https URL; or an http URL on localhost, 127.0.0.1 or [::1]; or a
	// URI with the private-use scheme of a native app, which has a dot in it, as in
	// com.example.app:/callback (RFC 8252 §7.1). They are compared character by
	// character, so there are no wildcards; only of a public client's http URL
	// the port is left open (RFC 8252 §7.3).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	// +kubebuilder:validation:items:XValidation:rule=`!self.contains('*')`,message="redirectURIs must not have a wildcard: they are compared character by character, so list each in full"
	// +kubebuilder:validation:items:XValidation:rule=`!self.contains('#')`,message="redirectURIs must not have a fragment (RFC 6749 §3.1.2): remove # and what follows"
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"^[^/?#]*://[^/?#]*@")`,message="redirectURIs must not have user or password: remove what stands before the @"
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r"^(https://([^/?#]*@)?((([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|\[[0-9A-Fa-f:]+\])|[^/?#@:]*\*[^/?#@:]*)|http://([^/?#]*@)?(localhost|127\.0\.0\.1|\[::1\]))(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?#]|$)") || self.matches(r"^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/([^/]|$|/([A-Za-z0-9._~-]+([/?#]|$)|/))")`,message="redirectURIs must be https://host/path, or http:// with the host localhost, 127.0.0.1 or [::1], or the private-use scheme of a native app with a dot in it, such as com.example.app:/callback"
	// +kubebuilder:validation:items:XValidation:rule=`!self.startsWith("https://[") || self.contains("@") || self.find(r"^https://\[[0-9A-Fa-f:]+\]") == "" || isIP(self.find(r"\[[0-9A-Fa-f:]+\]").replace("[", "").replace("]", ""))`,message="redirectURIs must have a complete IPv6 address between the brackets"
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r"^(https?://\[[^\]/?#]*\])?([A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$")`,message="redirectURIs must consist of the characters of a URI (RFC 3986): percent-encode any other, and write % only before two hexadecimal digits"
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"^[^?#]*(/|%(2[Ff]|5[Cc]))(\.|%2[Ee]){1,2}(/|%(2[Ff]|5[Cc])|[?#]|$)")`,message="redirectURIs must not have the path segments \".\" and \"..\", plain or percent-encoded: write the path that is meant"
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"%([01][0-9A-Fa-f]|7[Ff])")`,message="redirectURIs must not have percent-encoded control characters: remove %00 to %1F and %7F"
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"^[^?#]*\?([^#]*&)?((c|%63)(o|%6[Ff])(d|%64)(e|%65)|(s|%73)(t|%74)(a|%61)(t|%74)(e|%65)|(i|%69)(s|%73)(s|%73)|(e|%65)(r|%72)(r|%72)(o|%6[Ff])(r|%72)((_|%5[Ff])(d|%64)(e|%65)(s|%73)(c|%63)(r|%72)(i|%69)(p|%70)(t|%74)(i|%69)(o|%6[Ff])(n|%6[Ee])|(_|%5[Ff])(u|%75)(r|%72)(i|%69))?)([=&#]|$)")`,message="redirectURIs must not have a query parameter named as one of the response: remove code, state, iss, error, error_description and error_uri"
	RedirectURIs []string `json:"redirectURIs,omitempty"`

	// redirectURIsFrom adds redirect URIs of the hosts that an Ingress or an
	// HTTPRoute of the same namespace has: https, the host, and the path that is
	// given here. They follow when the hosts change. status.redirectURIs shows what
	// came of it. Hosts with a wildcard are left out.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	RedirectURIsFrom []RedirectURISource `json:"redirectURIsFrom,omitempty"`

	// grantTypes are the grants that the client may use at the token endpoint:
	// authorization_code, for people who log in with a browser; refresh_token, for
	// new tokens without the browser; client_credentials, for the client's own
	// business; urn:ietf:params:oauth:grant-type:token-exchange, to exchange access
	// tokens as the AuthorizationServer allows;
	// urn:ietf:params:oauth:grant-type:device_code, for people who log in on another
	// device than the one that the client runs on. refresh_token needs
	// authorization_code or urn:ietf:params:oauth:grant-type:device_code.
	// +optional
	// +listType=set
	// +kubebuilder:default={authorization_code}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	GrantTypes []GrantType `json:"grantTypes,omitempty"`

	// responseTypes are the values of response_type that the client may use at
	// the authorization endpoint. Where they are left out they follow from
	// grantTypes: code for authorization_code, none otherwise.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	ResponseTypes []ResponseType `json:"responseTypes,omitempty"`

	// scopes are the scopes that the client may ask for (RFC 6749 §3.3). Each is
	// one of the scopes of the AuthorizationServer. Where they are left out the
	// client may ask for those that the AuthorizationServer marks as default.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r"^[\x21\x23-\x5B\x5D-\x7E]+$")`,message="scopes must be of printable ASCII characters other than space, quotation mark and backslash (RFC 6749 §3.3)"
	Scopes []string `json:"scopes,omitempty"`

	// resources are the protected resources that the client may ask for access to
	// with the parameter resource (RFC 8707), by their identifiers in the
	// AuthorizationServer. The issuer itself need not be named. Where they are left
	// out the client gets access tokens for the issuer alone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Resources []string `json:"resources,omitempty"`

	// tokenEndpointAuthMethod is how the client authenticates at the token
	// endpoint (RFC 7591 §2): client_secret_basic, with the HTTP Basic scheme;
	// client_secret_post, in the body of the request; private_key_jwt, with a JWT
	// that the client signs (RFC 7523) or that the cluster issued to its
	// ServiceAccount; or none, which makes it a public client (RFC 6749 §2.1). With
	// the last two the Secret has no client-secret.
	// +optional
	// +kubebuilder:default=client_secret_basic
	TokenEndpointAuthMethod TokenEndpointAuthMethod `json:"tokenEndpointAuthMethod,omitempty"`

	ClientAssertionMetadata `json:",inline"`

	OpenIDClientMetadata `json:",inline"`

	// lifetimes are shorter or longer lifetimes for what is issued to this client,
	// within what the policy of the AuthorizationServer allows. What is left out is
	// as the AuthorizationServer says.
	// +optional
	Lifetimes ClientLifetimes `json:"lifetimes,omitzero"`

	// secret says where the client secret comes from, and which Secret the
	// credentials are written to.
	// +optional
	Secret ClientSecretSpec `json:"secret,omitzero"`

	// rotation says when the client secret is replaced, and what becomes of the
	// old one. Without it, it is replaced on demand alone: by the annotation
	// oauth-operator.dev/rotate with a value that it has not had before.
	// +optional
	Rotation *Rotation `json:"rotation,omitempty"`
}

// RedirectURISourceKind is the kind of an object that has hosts.
// +kubebuilder:validation:Enum=Ingress;HTTPRoute
type RedirectURISourceKind string

// The kinds that redirect URIs can be taken from.
const (
	RedirectURISourceIngress   RedirectURISourceKind = "Ingress"   // networking.k8s.io/v1
	RedirectURISourceHTTPRoute RedirectURISourceKind = "HTTPRoute" // gateway.networking.k8s.io/v1
)

// RedirectURISource makes redirect URIs of the hosts of an object of the same
// namespace.
type RedirectURISource struct {
	// kind of the object: Ingress (networking.k8s.io/v1) or HTTPRoute
	// (gateway.networking.k8s.io/v1).
	Kind RedirectURISourceKind `json:"kind"`

	// name of the object, in the namespace of the OAuthClient.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")`,message="name must name such an object: lower-case letters, digits, - and ., with a letter or digit at both ends"
	Name string `json:"name"`

	// path of the redirect URIs, which begins with a slash. It may have a query.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^/([A-Za-z0-9._~:/?@!$&'()+,;=-]|%[0-9A-Fa-f]{2})*$")`,message="path must begin with a slash and consist of the characters of a URI (RFC 3986), without fragment and wildcard"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r"^[^?]*(/|%(2[Ff]|5[Cc]))(\.|%2[Ee]){1,2}(/|%(2[Ff]|5[Cc])|[?]|$)")`,message="path must not have the segments \".\" and \"..\", plain or percent-encoded: write the path that is meant"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r"%([01][0-9A-Fa-f]|7[Ff])")`,message="path must not have percent-encoded control characters: remove %00 to %1F and %7F"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r"^[^?]*\?(.*&)?((c|%63)(o|%6[Ff])(d|%64)(e|%65)|(s|%73)(t|%74)(a|%61)(t|%74)(e|%65)|(i|%69)(s|%73)(s|%73)|(e|%65)(r|%72)(r|%72)(o|%6[Ff])(r|%72)((_|%5[Ff])(d|%64)(e|%65)(s|%73)(c|%63)(r|%72)(i|%69)(p|%70)(t|%74)(i|%69)(o|%6[Ff])(n|%6[Ee])|(_|%5[Ff])(u|%75)(r|%72)(i|%69))?)([=&]|$)")`,message="path must not have a query parameter named as one of the response: remove code, state, iss, error, error_description and error_uri"
	Path string `json:"path"`
}

// ClientLifetimes are the lifetimes that a client can ask for. Each is a
// duration in hours, minutes and seconds, such as 10m or 1h30m.
type ClientLifetimes struct {
	// accessToken is how long an access token is good, at most 24h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('24h')`,message="accessToken must be a duration from 1s to 24h in hours, minutes and seconds, such as 10m or 1h30m"
	AccessToken *metav1.Duration `json:"accessToken,omitempty"`

	// idToken is how long an ID token is good, at most 24h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('24h')`,message="idToken must be a duration from 1s to 24h in hours, minutes and seconds, such as 10m or 1h30m"
	IDToken *metav1.Duration `json:"idToken,omitempty"`

	// refreshToken is how long a grant can be refreshed in all, at most 8760h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('8760h')`,message="refreshToken must be a duration from 1s to 8760h in hours, minutes and seconds, such as 10m or 1h30m"
	RefreshToken *metav1.Duration `json:"refreshToken,omitempty"`

	// refreshTokenIdle is how long a grant can be refreshed after it last was, at
	// most 8760h, and never longer than refreshToken.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('8760h')`,message="refreshTokenIdle must be a duration from 1s to 8760h in hours, minutes and seconds, such as 10m or 1h30m"
	RefreshTokenIdle *metav1.Duration `json:"refreshTokenIdle,omitempty"`
}

// GrantType is a value of grant_type (RFC 6749 §§4.1.3, 4.4.2, 6).
// +kubebuilder:validation:Enum=authorization_code;refresh_token;client_credentials;"urn:ietf:params:oauth:grant-type:token-exchange";"urn:ietf:params:oauth:grant-type:device_code"
type GrantType string

// The grant types.
const (
	GrantTypeAuthorizationCode GrantType = "authorization_code"
	GrantTypeRefreshToken      GrantType = "refresh_token"
	GrantTypeClientCredentials GrantType = "client_credentials"
	GrantTypeTokenExchange     GrantType = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 §2.1
	GrantTypeDeviceCode        GrantType = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628 §3.4
)

// ResponseType is a value of response_type (RFC 6749 §3.1.1).
// +kubebuilder:validation:Enum=code
type ResponseType string

// ResponseTypeCode asks for an authorization code.
const ResponseTypeCode ResponseType = "code"

// TokenEndpointAuthMethod is a value of token_endpoint_auth_method (RFC 7591 §2).
// +kubebuilder:validation:Enum=client_secret_basic;client_secret_post;private_key_jwt;none
type TokenEndpointAuthMethod string

// The client authentication methods.
const (
	AuthMethodClientSecretBasic TokenEndpointAuthMethod = "client_secret_basic"
	AuthMethodClientSecretPost  TokenEndpointAuthMethod = "client_secret_post"
	AuthMethodPrivateKeyJWT     TokenEndpointAuthMethod = "private_key_jwt"
	AuthMethodNone              TokenEndpointAuthMethod = "none"
)

// AuthorizationServerReference names an AuthorizationServer, which is
// cluster-scoped.
type AuthorizationServerReference struct {
	// name of the AuthorizationServer, which is cluster-scoped.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// ClientSecretSpec describes the Secret with a client's credentials, and where
// the client secret in it comes from.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.ref) || !has(self.name) || self.ref.name != self.name`,message="secret.ref names the Secret that you bring, secret.name the one that the operator writes: they must be two",fieldPath=".ref"
type ClientSecretSpec struct {
	// name of the Secret, in the namespace of the OAuthClient. Without it the
	// name is that of the OAuthClient with "-oauth" appended. A Secret of that
	// name that the controller did not make is left alone, and the condition
	// CredentialsReady says so; unless its namespace allows to take it over with
	// the annotation oauth-operator.dev/adopt-secrets.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")`,message="name must name a Secret: lower-case letters, digits, - and ., with a letter or digit at both ends"
	Name string `json:"name,omitempty"`

	// ref names a Secret of the same namespace, and a key in it, that holds the
	// client secret to be used: for one that comes from elsewhere. It is never
	// written to. While it is not there, nothing is made in its place. When it
	// changes, the new client secret is accepted from then on, and the old one for
	// rotation.overlap.
	// +optional
	Ref *ClientSecretReference `json:"ref,omitempty"`

	// template says what the Secret looks like. Without it, it has the keys of the
	// Service Binding specification.
	// +optional
	Template *SecretTemplate `json:"template,omitempty"`

	// deletionPolicy says what becomes of the Secret when the OAuthClient is
	// deleted: Delete, it is deleted too; Retain, it stays. An OAuthClient that is
	// made under the same name again uses the client secret that it finds there.
	// +optional
	// +kubebuilder:default=Delete
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// DeletionPolicy says what becomes of an object when its owner is deleted.
// +kubebuilder:validation:Enum=Delete;Retain
type DeletionPolicy string

// The deletion policies.
const (
	DeletionPolicyDelete DeletionPolicy = "Delete"
	DeletionPolicyRetain DeletionPolicy = "Retain"
)

// ClientSecretReference names a key of a Secret in the namespace of the OAuthClient.
type ClientSecretReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")`,message="name must name a Secret: lower-case letters, digits, - and ., with a letter or digit at both ends"
	Name string `json:"name"`

	// key in the Secret: client-secret where it is left out.
	// +optional
	// +kubebuilder:default=client-secret
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}

// SecretTemplate says what the Secret of a client looks like.
type SecretTemplate struct {
	// type of the Secret: servicebinding.io/oauth2 where it is left out. It cannot
	// be changed in place: the Secret is then deleted and made again.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`!self.startsWith("kubernetes.io/") && !self.startsWith("bootstrap.kubernetes.io/") && !self.startsWith("helm.sh/")`,message="type must not be one of Kubernetes' own, which have a meaning for others: leave it out, or use Opaque"
	Type string `json:"type,omitempty"`

	// labels of the Secret. Those of oauth-operator.dev are the operator's own.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule=`self.all(k, !k.matches(r"^([^/]*\.)?oauth-operator\.dev/"))`,message="labels must not begin with oauth-operator.dev/: those are the operator's own"
	Labels map[string]string `json:"labels,omitempty"`

	// annotations of the Secret. Those of oauth-operator.dev are the operator's own.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule=`self.all(k, !k.matches(r"^([^/]*\.)?oauth-operator\.dev/"))`,message="annotations must not begin with oauth-operator.dev/: those are the operator's own"
	Annotations map[string]string `json:"annotations,omitempty"`

	// data has for each key of the Secret a template in the language of Go's
	// text/template, with the fields and functions that the documentation of the
	// OAuthClient lists, as in {{ .ClientID }}. Where there is data, the Secret has
	// its keys and client-secret, and none of the others that it has otherwise.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule=`!("client-secret" in self)`,message="data must not have the key client-secret: it is there always, with the client secret and nothing else"
	// +kubebuilder:validation:XValidation:rule=`self.all(k, k.size() <= 253 && k != '.' && !k.startsWith('..') && k.matches(r"^[-._a-zA-Z0-9]+$"))`,message="data must have keys of letters, digits, -, _ and ., which do not begin with two dots"
	Data map[string]TemplateText `json:"data,omitempty"`
}

// TemplateText is a template in the language of Go's text/template.
// +kubebuilder:validation:MaxLength=8192
type TemplateText string

// Rotation says when a client secret is replaced.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.window) || has(self.interval)`,message="rotation.window says when the rotation of rotation.interval may happen: add interval, or remove window",fieldPath=".window"
// +kubebuilder:validation:XValidation:rule=`!has(self.unusedFor) || self.retire == 'WhenUnused'`,message="rotation.unusedFor goes with retire: WhenUnused",fieldPath=".unusedFor"
type Rotation struct {
	// interval is how old a client secret becomes before it is replaced, from 1m
	// to 87600h. Without it there is no rotation by time.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1m') && duration(self) <= duration('87600h')`,message="interval must be a duration from 1m to 87600h in hours, minutes and seconds, such as 720h or 1h30m"
	Interval *metav1.Duration `json:"interval,omitempty"`

	// overlap is how long the old client secret is still accepted after the new
	// one is in the Secret: 24h unless said otherwise, at most 8760h. Workloads have
	// that long to read the new one. 0s ends the old one at once, as after a leak.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('0s') && duration(self) <= duration('8760h')`,message="overlap must be a duration from 0s to 8760h in hours, minutes and seconds, such as 24h or 1h30m"
	Overlap *metav1.Duration `json:"overlap,omitempty"`

	// window is when the rotation by interval may happen. What is due outside of
	// it waits. Rotation on demand does not.
	// +optional
	Window *RotationWindow `json:"window,omitempty"`

	// retire says when the old client secret ends: AfterOverlap, when
	// rotation.overlap is over; or WhenUnused, after that, as soon as it has not
	// been used for rotation.unusedFor.
	// +optional
	// +kubebuilder:default=AfterOverlap
	Retire RetirePolicy `json:"retire,omitempty"`

	// unusedFor is for how long an old client secret must not have been used to
	// end, with retire: WhenUnused: 24h unless said otherwise, from 1h to 8760h. Uses
	// are recorded every ten minutes at most.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1h') && duration(self) <= duration('8760h')`,message="unusedFor must be a duration from 1h to 8760h in hours, minutes and seconds, such as 24h or 1h30m"
	UnusedFor *metav1.Duration `json:"unusedFor,omitempty"`

	// rolloutRestart restarts the Deployments, StatefulSets and DaemonSets of the
	// namespace that use the Secret once a new client secret is in it: for workloads
	// that read it at their start alone. The operator has to be installed with the
	// permission to do so.
	// +optional
	RolloutRestart bool `json:"rolloutRestart,omitempty"`
}

// RetirePolicy says when an old client secret ends.
// +kubebuilder:validation:Enum=AfterOverlap;WhenUnused
type RetirePolicy string

// The retire policies.
const (
	RetireAfterOverlap RetirePolicy = "AfterOverlap"
	RetireWhenUnused   RetirePolicy = "WhenUnused"
)

// RotationWindow is a time of the day, on some days of the week. A window that
// ends before it starts ends on the next day: it belongs to the day on which it
// starts.
//
// +kubebuilder:validation:XValidation:rule=`self.start != self.end`,message="window must end at another time than it starts",fieldPath=".end"
type RotationWindow struct {
	// days of the week. Without them it is every day.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=7
	Days []Weekday `json:"days,omitempty"`

	// start of the window, as in 09:00.
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	Start string `json:"start"`

	// end of the window, as in 16:30. It is another time than start.
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	End string `json:"end"`

	// timeZone is the name of a time zone of the IANA time zone database, as in
	// Europe/Berlin: UTC where it is left out.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9+_-]+(/[A-Za-z0-9+_-]+)*$`
	TimeZone string `json:"timeZone,omitempty"`
}

// Weekday is a day of the week.
// +kubebuilder:validation:Enum=Mon;Tue;Wed;Thu;Fri;Sat;Sun
type Weekday string

// The days of the week.
const (
	Monday    Weekday = "Mon"
	Tuesday   Weekday = "Tue"
	Wednesday Weekday = "Wed"
	Thursday  Weekday = "Thu"
	Friday    Weekday = "Fri"
	Saturday  Weekday = "Sat"
	Sunday    Weekday = "Sun"
)

// OAuthClientStatus is what became of a registration.
type OAuthClientStatus struct {
	// observedGeneration is the generation of the spec that this status speaks of.
	// It is -1 until the controller has seen the object, so that nobody takes a new
	// object for one that is done.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// clientID is the client_id (RFC 6749 §2.2): "<namespace>.<name>".
	// +optional
	ClientID string `json:"clientID,omitempty"`

	// authorizationServer is the name of the AuthorizationServer that the
	// client is registered with.
	// +optional
	AuthorizationServer string `json:"authorizationServer,omitempty"`

	// issuer is the issuer identifier of that AuthorizationServer.
	// +optional
	Issuer string `json:"issuer,omitempty"`

	// binding names the Secret with the credentials, which makes an OAuthClient
	// a Provisioned Service of the Service Binding specification.
	// +optional
	Binding *SecretBinding `json:"binding,omitempty"`

	// redirectURIs are those that redirectURIsFrom came to.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=1024
	RedirectURIs []string `json:"redirectURIs,omitempty"`

	// rotation says when the client secret was replaced and will be.
	// +optional
	Rotation *RotationStatus `json:"rotation,omitempty"`

	// credentials are the client secrets that authenticate the client, by
	// their verifiers. A verifier is keyed: nobody can find the secret from it,
	// and nobody without the operator's key can make one.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=8
	Credentials []ClientCredential `json:"credentials,omitempty"`

	// conditions are Ready, which is True once the Secret is complete and the
	// authorization server accepts it; Accepted, which says whether the
	// registration is valid and allowed; CredentialsReady; and
	// RedirectURIsResolved where there are redirectURIsFrom.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// SecretBinding names a Secret in the namespace of the object.
type SecretBinding struct {
	// name of the Secret.
	Name string `json:"name"`
}

// ClientCredential is one client secret, as the server knows it.
type ClientCredential struct {
	// id tells the credentials of one client apart. It says nothing about the
	// secret.
	// +kubebuilder:validation:MaxLength=32
	ID string `json:"id"`

	// verifier is the keyed verifier of the secret: an HMAC that nobody can make,
	// or find the secret from, without a key of the operator's namespace.
	// +kubebuilder:validation:MaxLength=128
	Verifier string `json:"verifier"`

	// state says where the credential is in its life: Pending, its secret is not
	// known to be in the Secret yet; Current, the Secret has it; Retiring, it was
	// replaced and is accepted until it ends. All of them authenticate the client.
	// +optional
	// +kubebuilder:validation:Enum=Pending;Current;Retiring
	State CredentialState `json:"state,omitempty"`

	// createdAt is when the secret was made.
	// +optional
	CreatedAt metav1.Time `json:"createdAt,omitzero"`

	// expiresAt is when the secret ends: not before it is replaced. With
	// retire: WhenUnused it is the earliest time, and moves on while the secret is
	// used.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`

	// lastUsedAt is when the secret last authenticated the client. It is coarse:
	// while a secret is in use it is written every ten minutes at most.
	// +optional
	LastUsedAt *metav1.Time `json:"lastUsedAt,omitempty"`
}

// CredentialState is where a credential is in its life.
type CredentialState string

// The states of a credential.
const (
	CredentialPending  CredentialState = "Pending"
	CredentialCurrent  CredentialState = "Current"
	CredentialRetiring CredentialState = "Retiring"
)

// RotationStatus says when the client secret was replaced and will be.
type RotationStatus struct {
	// lastRequest is the value of the annotation oauth-operator.dev/rotate that was
	// acted on last.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	LastRequest string `json:"lastRequest,omitempty"`

	// lastAt is when the client secret was last replaced.
	// +optional
	LastAt *metav1.Time `json:"lastAt,omitempty"`

	// nextAt is when it will be, by rotation.interval.
	// +optional
	NextAt *metav1.Time `json:"nextAt,omitempty"`

	// restartedFor is the id of the credential for which the workloads that use
	// the Secret were last restarted.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	RestartedFor string `json:"restartedFor,omitempty"`
}

// Keys of the Secret of an OAuthClient. They follow the Service Binding
// specification where it has a name for the thing.
const (
	SecretKeyType         = "type"          // SecretTypeOAuth2
	SecretKeyProvider     = "provider"      // SecretProvider
	SecretKeyClientID     = "client-id"     // RFC 6749 §2.2
	SecretKeyClientSecret = "client-secret" // RFC 6749 §2.3.1; absent for a public client
	SecretKeyIssuerURI    = "issuer-uri"    // RFC 8414 §2
	SecretKeyScopes       = "scopes"        // space-delimited, RFC 6749 §3.3
	SecretKeyAuthMethod   = "token-endpoint-auth-method"
	SecretKeyRedirectURIs = "redirect-uris" // space-delimited; absent where there are none
	SecretKeyAuthorizeURI = "authorization-endpoint"
	SecretKeyTokenURI     = "token-endpoint"
	SecretKeyUserinfoURI  = "userinfo-endpoint"
	SecretKeyJWKSURI      = "jwks-uri"

	SecretKeyRevocationURI    = "revocation-endpoint"
	SecretKeyIntrospectionURI = "introspection-endpoint" // absent for a public client

	// SecretKeyDeviceURI is absent for a client without the device code grant.
	SecretKeyDeviceURI = "device-authorization-endpoint" // RFC 8628 §3.1
)

// Values and the type of the Secret of an OAuthClient.
const (
	SecretTypeOAuth2 = "oauth2"
	SecretProvider   = "oauth-operator"

	// SecretType is the `type` of the Secret object.
	SecretType = "servicebinding.io/oauth2"
)

// ClientID returns the client_id of the OAuthClient of that namespace and name.
// A namespace holds no dot, so the first dot ends it and no two clients of a
// cluster share a client_id.
func ClientID(namespace, name string) string {
	return namespace + "." + name
}

// SecretName returns the name of the Secret that holds the client's credentials.
func (c *OAuthClient) SecretName() string {
	if c.Spec.Secret.Name != "" {
		return c.Spec.Secret.Name
	}
	return c.Name + "-oauth"
}
