package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OAuthClient registers a client with an authorization server (RFC 6749 §2)
// and asks for a Secret with its credentials.
//
// The client_id is "<namespace>.<name>".
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
	// +optional
	Spec OAuthClientSpec `json:"spec,omitzero"`

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
	ClientName string `json:"clientName,omitempty"`

	// redirectURIs are the addresses that people may be sent back to
	// (RFC 6749 §3.1.2). They are compared as strings: no wildcards.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	RedirectURIs []string `json:"redirectURIs,omitempty"`

	// grantTypes are the grants that the client may use at the token endpoint.
	// +optional
	// +listType=set
	// +kubebuilder:default={authorization_code}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	GrantTypes []GrantType `json:"grantTypes,omitempty"`

	// responseTypes are the values of response_type that the client may use at
	// the authorization endpoint. It follows from grantTypes where it is left out.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	ResponseTypes []ResponseType `json:"responseTypes,omitempty"`

	// scopes are the scopes that the client may ask for. Each is one of the
	// scopes of the AuthorizationServer. Without it the client may ask for the
	// scopes that the AuthorizationServer marks as default.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Scopes []string `json:"scopes,omitempty"`

	// tokenEndpointAuthMethod is how the client authenticates (RFC 7591 §2).
	// A client with the method "none" is a public client: it gets no secret.
	// +optional
	// +kubebuilder:default=client_secret_basic
	TokenEndpointAuthMethod TokenEndpointAuthMethod `json:"tokenEndpointAuthMethod,omitempty"`

	// secret describes the Secret that the credentials are written to.
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
	// name of the AuthorizationServer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// ClientSecretSpec describes the Secret with a client's credentials.
type ClientSecretSpec struct {
	// name of the Secret, in the namespace of the OAuthClient. Without it the
	// name is that of the OAuthClient with "-oauth" appended. A Secret of that
	// name that the controller did not make is left alone.
	// +optional
	// +kubebuilder:validation:MaxLength=253
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

	// conditions are Ready, Accepted and CredentialsReady.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// SecretBinding names a Secret in the namespace of the object.
type SecretBinding struct {
	// name of the Secret.
	Name string `json:"name"`
}

// ClientCredential is one client secret, as the server knows it.
type ClientCredential struct {
	// id tells credentials of one client apart. It says nothing about the secret.
	// +kubebuilder:validation:MaxLength=32
	ID string `json:"id"`

	// verifier is the keyed verifier of the secret (package api/credential).
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
