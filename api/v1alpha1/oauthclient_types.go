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
// client_id, but neither the secret nor the grants of its predecessor.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=oac,categories={oauth}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Client ID",type=string,JSONPath=`.status.clientID`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.status.binding.name`
// +kubebuilder:printcolumn:name="Issuer",type=string,priority=1,JSONPath=`.status.issuer`
// +kubebuilder:printcolumn:name="Auth Method",type=string,priority=1,JSONPath=`.spec.tokenEndpointAuthMethod`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name must be at most 63 characters: it becomes a label value and a part of the client_id"
type OAuthClient struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the registration that is asked for.
	Spec OAuthClientSpec `json:"spec"`

	// status is what became of it.
	// +optional
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
// +kubebuilder:validation:XValidation:rule=`!('authorization_code' in self.grantTypes) || (has(self.redirectURIs) && size(self.redirectURIs) > 0)`,message="redirectURIs needs at least one entry for the grant type authorization_code: add it, or set grantTypes to [client_credentials]",fieldPath=".redirectURIs"
// +kubebuilder:validation:XValidation:rule=`'authorization_code' in self.grantTypes || !has(self.redirectURIs) || size(self.redirectURIs) == 0`,message="redirectURIs are used by the grant type authorization_code alone: add that to grantTypes, or remove redirectURIs",fieldPath=".redirectURIs"
// +kubebuilder:validation:XValidation:rule=`!('refresh_token' in self.grantTypes) || 'authorization_code' in self.grantTypes`,message="grantTypes has refresh_token but not authorization_code, which refresh tokens come from: add that, or remove refresh_token",fieldPath=".grantTypes"
// +kubebuilder:validation:XValidation:rule=`'authorization_code' in self.grantTypes || !has(self.responseTypes) || size(self.responseTypes) == 0`,message="responseTypes has code, which goes with the grant type authorization_code: add that to grantTypes, or leave responseTypes out",fieldPath=".responseTypes"
// +kubebuilder:validation:XValidation:rule=`self.tokenEndpointAuthMethod != 'none' || !('client_credentials' in self.grantTypes)`,message="tokenEndpointAuthMethod none makes a public client, which cannot have the grant type client_credentials: use client_secret_basic, or remove client_credentials",fieldPath=".tokenEndpointAuthMethod"
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
	// +kubebuilder:validation:XValidation:rule=`self == self.trim() && self.matches(r"^[^\p{Cc}\p{Zl}\p{Zp}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}]*$")`,message="clientName must be plain text on one line, without control characters and without space before or after it"
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
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"^[^?#]*\?([^#]*&)?(code|state|iss|error|error_description|error_uri)([=&#]|$)")`,message="redirectURIs must not have a query parameter named as one of the response: remove code, state, iss, error, error_description and error_uri"
	RedirectURIs []string `json:"redirectURIs,omitempty"`

	// grantTypes are the grants that the client may use at the token endpoint:
	// authorization_code, for people who log in with a browser; refresh_token, for
	// new tokens without the browser; client_credentials, for the client's own
	// business. refresh_token needs authorization_code.
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

	// tokenEndpointAuthMethod is how the client authenticates at the token
	// endpoint (RFC 7591 §2): client_secret_basic, with the HTTP Basic scheme;
	// client_secret_post, in the body of the request; or none, which makes it a
	// public client (RFC 6749 §2.1) whose Secret has no client-secret.
	// +optional
	// +kubebuilder:default=client_secret_basic
	TokenEndpointAuthMethod TokenEndpointAuthMethod `json:"tokenEndpointAuthMethod,omitempty"`

	// secret says which Secret the credentials are written to.
	// +optional
	Secret ClientSecretSpec `json:"secret,omitzero"`
}

// GrantType is a value of grant_type (RFC 6749 §§4.1.3, 4.4.2, 6).
// +kubebuilder:validation:Enum=authorization_code;refresh_token;client_credentials
type GrantType string

// The grant types.
const (
	GrantTypeAuthorizationCode GrantType = "authorization_code"
	GrantTypeRefreshToken      GrantType = "refresh_token"
	GrantTypeClientCredentials GrantType = "client_credentials"
)

// ResponseType is a value of response_type (RFC 6749 §3.1.1).
// +kubebuilder:validation:Enum=code
type ResponseType string

// ResponseTypeCode asks for an authorization code.
const ResponseTypeCode ResponseType = "code"

// TokenEndpointAuthMethod is a value of token_endpoint_auth_method (RFC 7591 §2).
// +kubebuilder:validation:Enum=client_secret_basic;client_secret_post;none
type TokenEndpointAuthMethod string

// The client authentication methods.
const (
	AuthMethodClientSecretBasic TokenEndpointAuthMethod = "client_secret_basic"
	AuthMethodClientSecretPost  TokenEndpointAuthMethod = "client_secret_post"
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

// ClientSecretSpec describes the Secret with a client's credentials.
type ClientSecretSpec struct {
	// name of the Secret, in the namespace of the OAuthClient. Without it the
	// name is that of the OAuthClient with "-oauth" appended. A Secret of that
	// name that the controller did not make is left alone, and the condition
	// CredentialsReady says so.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")`,message="name must name a Secret: lower-case letters, digits, - and ., with a letter or digit at both ends"
	Name string `json:"name,omitempty"`
}

// OAuthClientStatus is what became of a registration.
type OAuthClientStatus struct {
	// observedGeneration is the generation of the spec that this status speaks of.
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
	// registration is valid and allowed; and CredentialsReady.
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

	// createdAt is when the secret was made.
	// +optional
	CreatedAt metav1.Time `json:"createdAt,omitzero"`
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
