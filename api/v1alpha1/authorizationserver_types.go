package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AuthorizationServer is one issuer (RFC 8414 §2) and what it allows.
//
// It is cluster-scoped: it belongs to those who run the platform.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=oas,categories={oauth}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Issuer",type=string,JSONPath=`.spec.issuer`
// +kubebuilder:printcolumn:name="Default",type=string,JSONPath=`.metadata.annotations.oauth-operator\.dev/is-default-authorization-server`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name must be at most 63 characters: it becomes a label value"
type AuthorizationServer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the issuer that is asked for.
	Spec AuthorizationServerSpec `json:"spec"`

	// status is what became of it.
	// +optional
	Status AuthorizationServerStatus `json:"status,omitzero"`
}

// AuthorizationServerList is a list of AuthorizationServer.
//
// +kubebuilder:object:root=true
type AuthorizationServerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AuthorizationServer `json:"items"`
}

// AuthorizationServerSpec describes an issuer.
type AuthorizationServerSpec struct {
	// issuer is the issuer identifier (RFC 8414 §2): the https URL, without
	// query, fragment and trailing slash, that people and clients reach the server
	// at. Plain http is accepted for loopback hosts alone.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Issuer string `json:"issuer"`

	// displayName is the name that people read on the pages.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	DisplayName string `json:"displayName,omitempty"`

	// scopes is the catalogue of what clients can ask for, with the words that
	// are shown at consent. Without it the catalogue is openid, profile, email
	// and groups, with openid and profile as the default.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=128
	Scopes []Scope `json:"scopes,omitempty"`

	// lifetimes of what the server issues.
	// +optional
	Lifetimes Lifetimes `json:"lifetimes,omitzero"`

	// idTokenSigningAlg is the algorithm that ID tokens are signed with.
	// Access tokens are always signed with ES256.
	// +optional
	// +kubebuilder:default=RS256
	IDTokenSigningAlg SigningAlg `json:"idTokenSigningAlg,omitempty"`

	// policy says what clients may ask for. Without it every namespace may
	// register clients for everything in the catalogue.
	// +optional
	Policy *Policy `json:"policy,omitempty"`
}

// SigningAlg is a JWS algorithm (RFC 7518 §3.1).
// +kubebuilder:validation:Enum=RS256;ES256
type SigningAlg string

// The signing algorithms.
const (
	SigningAlgRS256 SigningAlg = "RS256"
	SigningAlgES256 SigningAlg = "ES256"
)

// Scope is one entry of the catalogue (RFC 6749 §3.3).
type Scope struct {
	// name is the scope-token that clients send. Printable ASCII without space,
	// quotation mark and backslash (RFC 6749 Appendix A.4).
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[\x21\x23-\x5B\x5D-\x7E]+$`
	Name string `json:"name"`

	// description is the sentence that people read at consent: what the client
	// will be able to do.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Description string `json:"description,omitempty"`

	// default makes the scope part of what a client gets that sends no scope
	// (RFC 6749 §3.3), and of what a client may ask for whose registration lists
	// no scopes.
	// +optional
	Default bool `json:"default,omitempty"`
}

// Lifetimes of what the server issues. Each is a Go duration such as "10m".
type Lifetimes struct {
	// authorizationCode is how long a code can be redeemed: 60s unless said
	// otherwise, at most 10m (RFC 6749 §4.1.2).
	// +optional
	AuthorizationCode *metav1.Duration `json:"authorizationCode,omitempty"`

	// accessToken is how long an access token is good: 10m unless said
	// otherwise, at most 24h.
	// +optional
	AccessToken *metav1.Duration `json:"accessToken,omitempty"`

	// idToken is how long an ID token is good: 10m unless said otherwise, at
	// most 24h.
	// +optional
	IDToken *metav1.Duration `json:"idToken,omitempty"`

	// refreshToken is how long a grant can be refreshed in all: 720h unless said
	// otherwise, at most 8760h.
	// +optional
	RefreshToken *metav1.Duration `json:"refreshToken,omitempty"`

	// refreshTokenIdle is how long a grant can be refreshed after it last was:
	// 168h unless said otherwise, at most 8760h.
	// +optional
	RefreshTokenIdle *metav1.Duration `json:"refreshTokenIdle,omitempty"`

	// refreshTokenGrace is for how long after a refresh the same refresh token
	// gets the same answer again, so that a lost response loses no session: 30s
	// unless said otherwise, at most 5m. Later use is reuse, and ends the grant.
	// +optional
	RefreshTokenGrace *metav1.Duration `json:"refreshTokenGrace,omitempty"`

	// session is how long a person stays logged in with a browser: 12h unless
	// said otherwise, at most 720h.
	// +optional
	Session *metav1.Duration `json:"session,omitempty"`
}

// Policy decides what clients may ask for. Its rules add up: what any rule
// allows that selects the client's namespace is allowed.
type Policy struct {
	// rules. An empty list allows nothing to anyone.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Rules []PolicyRule `json:"rules"`
}

// PolicyRule allows clients of some namespaces to ask for some things. A list
// that is left out does not restrict.
type PolicyRule struct {
	// name of the rule, for messages.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// namespaceSelector selects namespaces by their labels. An empty selector
	// selects every namespace.
	NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`

	// scopes that clients may be registered for.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	Scopes []string `json:"scopes,omitempty"`

	// grantTypes that clients may be registered for.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	GrantTypes []GrantType `json:"grantTypes,omitempty"`

	// tokenEndpointAuthMethods that clients may be registered with.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	TokenEndpointAuthMethods []TokenEndpointAuthMethod `json:"tokenEndpointAuthMethods,omitempty"`

	// redirectHosts that redirect URIs may have: a host name, or "*." and a
	// domain for any host one label below it. For a redirect URI with a
	// private-use scheme it is the scheme and a colon, as in "com.example.app:".
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	RedirectHosts []string `json:"redirectHosts,omitempty"`
}

// AuthorizationServerStatus is what became of an issuer.
type AuthorizationServerStatus struct {
	// observedGeneration is the generation of the spec that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, Accepted and KeysReady.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
