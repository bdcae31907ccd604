package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TokenExchange decides which clients may exchange an access token of this issuer
// for one that is for another resource (RFC 8693). Its rules add up: what any
// rule allows is allowed, and nothing else.
type TokenExchange struct {
	// rules that add up. An empty list allows nothing to anyone.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Rules []TokenExchangeRule `json:"rules"`
}

// TokenExchangeRule allows some clients to exchange access tokens that are for
// some resources for access tokens that are for others.
type TokenExchangeRule struct {
	// name of the rule, which messages mention.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")`,message="name must be of lower-case letters, digits and -, with a letter or digit at both ends"
	Name string `json:"name"`

	// clients that may exchange tokens by this rule. They have the grant type
	// urn:ietf:params:oauth:grant-type:token-exchange beside, and the token is their
	// own or for a resource that they serve.
	Clients TokenExchangeClients `json:"clients"`

	// from are the resources that the token is for that is exchanged, by their
	// identifiers, or the issuer.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	From []string `json:"from"`

	// to are the resources that the new token can be for, by their identifiers. The
	// issuer is none of them: what people tell a client about themselves is not
	// passed on.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	To []string `json:"to"`

	// scopes that the new token may have if the old one has them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Scopes []string `json:"scopes,omitempty"`

	// additionalScopes are scopes that the new token may have although the old one
	// does not. The person was not asked for them: it is the platform that says that
	// whoever may use the one resource makes it use the other. openid, profile,
	// email, groups and offline_access cannot be among them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`!self.exists(s, s in ['openid', 'profile', 'email', 'groups', 'offline_access'])`,message="additionalScopes must not have openid, profile, email, groups and offline_access: those are for the person to give"
	AdditionalScopes []string `json:"additionalScopes,omitempty"`
}

// TokenExchangeClients are the clients of a rule: those that are listed, and those
// of the namespaces that are selected.
//
// +kubebuilder:validation:XValidation:rule=`has(self.namespaceSelector) || has(self.refs)`,message="clients needs namespaceSelector or refs: without them the rule is for nobody"
type TokenExchangeClients struct {
	// namespaceSelector selects the namespaces whose clients the rule is for by
	// their labels. An empty selector, {}, selects every namespace.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// refs are the OAuthClients that the rule is for, wherever they are.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Refs []OAuthClientReference `json:"refs,omitempty"`
}
