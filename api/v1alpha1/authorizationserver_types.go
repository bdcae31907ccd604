package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AuthorizationServer is one issuer (RFC 8414 §2): its URL, the scopes that
// exist, how long what it issues is good, and what clients may ask for.
//
// It is cluster-scoped: it belongs to those who run the platform. The one with
// the annotation oauth-operator.dev/is-default-authorization-server: "true" is
// for the clients that name none; of several, the newest.
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
	// +kubebuilder:default={"observedGeneration":-1}
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
	// issuer is the issuer identifier (RFC 8414 §2): the https URL, in lower case
	// and without query, fragment and trailing slash, that people and clients reach
	// the server at. Plain http is accepted on localhost, 127.0.0.1 and [::1] alone.
	//
	// It can be changed, at a price: tokens that were issued under the old issuer
	// are not accepted any more by those who check the claim iss, every client's
	// Secret is written anew, and clients that have read their Secret at start need
	// a restart.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^(https://(([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|\[[0-9a-f:]+\])|http://(localhost|127\.0\.0\.1|\[::1\]))(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/|$)")`,message="issuer must be https://host, with a port and a path if need be (RFC 8414 §2), or http:// with the host localhost, 127.0.0.1 or [::1]; in lower case, without user, query, fragment and trailing slash"
	// +kubebuilder:validation:XValidation:rule=`self.find(r"^https://\[[0-9a-f:]+\]") == "" || isIP(self.find(r"\[[0-9a-f:]+\]").replace("[", "").replace("]", ""))`,message="issuer must have a complete IPv6 address between the brackets"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r"^https?://[^/]*:(443|80)(/|$)")`,message="issuer must not name a port that a scheme has anyway: remove :443 or :80"
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[^/]*//[^/]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$") || !self.matches(r"^https?://[^/?#]*/")`,message="issuer must have a path of letters, digits, -, ., _ and ~ in which no segment is empty or begins with a dot, and no trailing slash, query and fragment"
	Issuer string `json:"issuer"`

	// displayName is the name that people read on the pages where they log in
	// and consent.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`self == self.trim() && self.matches(r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")`,message="displayName must be plain text on one line, without control characters, invisible characters and space before or after it"
	DisplayName string `json:"displayName,omitempty"`

	// scopes is the catalogue of what clients can ask for, with the words that
	// are shown at consent. Where it is left out the catalogue is openid, profile,
	// email and groups, with openid and profile as the default.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=128
	Scopes []Scope `json:"scopes,omitempty"`

	// resources are the protected resources that access tokens can be for (RFC
	// 8707), beside the issuer itself. A client that is registered for one asks for
	// it with the parameter resource, and the access token has it as aud. An entry
	// with the issuer as its identifier is for the access tokens of clients that
	// ask for none.
	// +optional
	// +listType=map
	// +listMapKey=identifier
	// +kubebuilder:validation:MaxItems=64
	Resources []Resource `json:"resources,omitempty"`

	// lifetimes says how long what the server issues is good.
	// +optional
	Lifetimes Lifetimes `json:"lifetimes,omitzero"`

	// idTokenSigningAlg is the algorithm that ID tokens are signed with: RS256,
	// which every OpenID client and kube-apiserver know, or ES256, which is shorter
	// and faster. Access tokens are always signed with ES256.
	// +optional
	// +kubebuilder:default=RS256
	IDTokenSigningAlg SigningAlg `json:"idTokenSigningAlg,omitempty"`

	// policy says what clients may ask for. Where it is left out, every namespace
	// may register clients for everything in the catalogue.
	// +optional
	Policy *Policy `json:"policy,omitempty"`

	// tokenExchange says which clients may exchange access tokens for access tokens
	// that are for other resources (RFC 8693). Where it is left out, none may.
	// +optional
	TokenExchange *TokenExchange `json:"tokenExchange,omitempty"`
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
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[\x21\x23-\x5B\x5D-\x7E]+$")`,message="name must be of printable ASCII characters other than space, quotation mark and backslash (RFC 6749 §3.3)"
	Name string `json:"name"`

	// description is what people read at consent: what the client will be able
	// to do, as in "Read your calendar". For openid, profile, email and groups there
	// are words already.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`self == self.trim() && self.matches(r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")`,message="description must be plain text on one line, without control characters, invisible characters and space before or after it"
	Description string `json:"description,omitempty"`

	// default makes the scope part of what a client gets that sends no scope
	// (RFC 6749 §3.3), and of what a client may ask for whose registration lists
	// no scopes.
	// +optional
	Default bool `json:"default,omitempty"`
}

// Resource is a protected resource (RFC 6749 §1.1) that access tokens can be for.
type Resource struct {
	// identifier is the resource indicator (RFC 8707 §2): an absolute URI without
	// fragment, as in https://calendar.example.com/api. It is compared character by
	// character, and becomes the aud of access tokens. The metadata tells it to
	// everybody.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z][a-z0-9+.-]*:([A-Za-z0-9._~:/?@!$&'()+,;=-]|%[0-9A-Fa-f]{2})+$")`,message="identifier must be an absolute URI without fragment (RFC 8707 §2), with the scheme in lower case, such as https://calendar.example.com/api"
	Identifier string `json:"identifier"`

	// displayName is what people read at consent. Without it they read the
	// identifier.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`self == self.trim() && self.matches(r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")`,message="displayName must be plain text on one line, without control characters, invisible characters and space before or after it"
	DisplayName string `json:"displayName,omitempty"`

	// scopes of the catalogue that the resource understands. Its access tokens
	// have no others. Where they are left out it is all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Scopes []string `json:"scopes,omitempty"`

	// servedBy are the OAuthClients that serve the resource: they may introspect
	// its access tokens (RFC 7662).
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	ServedBy []OAuthClientReference `json:"servedBy,omitempty"`
}

// OAuthClientReference names an OAuthClient of any namespace.
type OAuthClientReference struct {
	// namespace of the OAuthClient.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`

	// name of the OAuthClient.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// Lifetimes says how long what the server issues is good. Each is a duration in
// hours, minutes and seconds, such as 10m or 1h30m.
type Lifetimes struct {
	// authorizationCode is how long an authorization code can be redeemed: 1m
	// unless said otherwise, at most 10m (RFC 6749 §4.1.2).
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('10m')`,message="authorizationCode must be a duration from 1s to 10m in hours, minutes and seconds, such as 10m or 1h30m"
	AuthorizationCode *metav1.Duration `json:"authorizationCode,omitempty"`

	// deviceCode is how long a person has to enter the code that a device shows, and
	// to decide (RFC 8628 §3.2, expires_in): 10m unless said otherwise, at least 1m
	// and at most 30m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1m') && duration(self) <= duration('30m')`,message="deviceCode must be a duration from 1m to 30m in hours, minutes and seconds, such as 10m or 1m30s"
	DeviceCode *metav1.Duration `json:"deviceCode,omitempty"`

	// accessToken is how long an access token is good: 10m unless said
	// otherwise, at most 24h. Resource servers that check access tokens by
	// themselves accept one for that long after its grant was revoked.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('24h')`,message="accessToken must be a duration from 1s to 24h in hours, minutes and seconds, such as 10m or 1h30m"
	AccessToken *metav1.Duration `json:"accessToken,omitempty"`

	// idToken is how long an ID token is good: 10m unless said otherwise, at
	// most 24h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('24h')`,message="idToken must be a duration from 1s to 24h in hours, minutes and seconds, such as 10m or 1h30m"
	IDToken *metav1.Duration `json:"idToken,omitempty"`

	// refreshToken is how long a grant can be refreshed in all, before the
	// person has to log in again: 720h unless said otherwise, at most 8760h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('8760h')`,message="refreshToken must be a duration from 1s to 8760h in hours, minutes and seconds, such as 10m or 1h30m"
	RefreshToken *metav1.Duration `json:"refreshToken,omitempty"`

	// refreshTokenIdle is how long a grant can be refreshed after it last was:
	// 168h unless said otherwise, at most 8760h, and never longer than
	// refreshToken.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('8760h')`,message="refreshTokenIdle must be a duration from 1s to 8760h in hours, minutes and seconds, such as 10m or 1h30m"
	RefreshTokenIdle *metav1.Duration `json:"refreshTokenIdle,omitempty"`

	// refreshTokenGrace is for how long after a refresh the same refresh token
	// gets the same answer again, so that a lost response loses no session: 30s
	// unless said otherwise, at most 5m. Later use is reuse, and ends the grant
	// (RFC 9700 §4.14.2).
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('0s') && duration(self) <= duration('5m')`,message="refreshTokenGrace must be a duration from 0s to 5m in hours, minutes and seconds, such as 10m or 1h30m"
	RefreshTokenGrace *metav1.Duration `json:"refreshTokenGrace,omitempty"`

	// session is how long a person stays logged in with a browser: 12h unless
	// said otherwise, at most 720h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('1s') && duration(self) <= duration('720h')`,message="session must be a duration from 1s to 720h in hours, minutes and seconds, such as 10m or 1h30m"
	Session *metav1.Duration `json:"session,omitempty"`
}

// Policy decides what clients may ask for. Its rules add up: what any rule
// allows that selects the client's namespace is allowed.
type Policy struct {
	// rules that add up. An empty list allows nothing to anyone.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Rules []PolicyRule `json:"rules"`
}

// PolicyRule allows clients of some namespaces to ask for some things. A list
// that is left out does not restrict.
type PolicyRule struct {
	// name of the rule, which the conditions of clients mention.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")`,message="name must be of lower-case letters, digits and -, with a letter or digit at both ends"
	Name string `json:"name"`

	// namespaceSelector selects the namespaces that the rule is for by their
	// labels. An empty selector, {}, selects every namespace. A single namespace
	// has the label kubernetes.io/metadata.name.
	NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`

	// scopes that clients may be registered for.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r"^[\x21\x23-\x5B\x5D-\x7E]+$")`,message="scopes must be of printable ASCII characters other than space, quotation mark and backslash (RFC 6749 §3.3)"
	Scopes []string `json:"scopes,omitempty"`

	// grantTypes that clients may be registered for.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	GrantTypes []GrantType `json:"grantTypes,omitempty"`

	// tokenEndpointAuthMethods that clients may be registered with.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	TokenEndpointAuthMethods []TokenEndpointAuthMethod `json:"tokenEndpointAuthMethods,omitempty"`

	// redirectHosts that redirect URIs may have: a host name without port, or
	// "*." and a domain for any host exactly one label below it, or an IP address
	// (IPv6 in brackets). For redirect URIs with a private-use scheme it is the
	// scheme and a colon, as in "com.example.app:". Upper and lower case are the same.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r"^((\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:]+\]|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:)$")`,message="redirectHosts must be a host name without port, or \"*.\" and a domain, or an IP address (IPv6 in brackets), or a private-use scheme with its colon, such as com.example.app:"
	RedirectHosts []string `json:"redirectHosts,omitempty"`

	// resources that clients may be registered for, by their identifiers.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Resources []string `json:"resources,omitempty"`

	// maxLifetimes bound the lifetimes that clients may ask for, and those that
	// they get where they ask for none. One that is left out does not restrict.
	// +optional
	MaxLifetimes ClientLifetimes `json:"maxLifetimes,omitzero"`

	// maxClientsPerNamespace is how many clients one namespace may have with this
	// AuthorizationServer. The oldest count first. Where it is left out there is no
	// bound.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	MaxClientsPerNamespace *int32 `json:"maxClientsPerNamespace,omitempty"`
}

// AuthorizationServerStatus is what became of an issuer.
type AuthorizationServerStatus struct {
	// observedGeneration is the generation of the spec that this status speaks of.
	// It is -1 until the controller has seen the object, so that nobody takes a new
	// object for one that is done.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, which is True once the issuer can be served;
	// Accepted, which says whether the specification is valid and the issuer not
	// taken; and KeysReady.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
