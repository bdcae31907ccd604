package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OAuthGrant is what a resource owner has allowed a client. The authorization
// server writes it; `kubectl delete` revokes it.
//
// It lives in the namespace of the client, is owned by it, and holds nothing
// that a thief could use: tokens carry a MAC that nobody can make from it, and
// the MAC covers the spec, so an edited grant is worth nothing. Its name is the
// claim gid of the access tokens that come from it.
//
// There is no status subresource, because a grant has to come into being with
// its first generation in one write.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=oag,categories={oauth}
// +kubebuilder:printcolumn:name="Client",type=string,JSONPath=`.spec.clientID`
// +kubebuilder:printcolumn:name="User",type=string,JSONPath=`.spec.username`
// +kubebuilder:printcolumn:name="Scopes",type=string,JSONPath=`.spec.scopes`
// +kubebuilder:printcolumn:name="Active",type=string,JSONPath=`.status.conditions[?(@.type=="Active")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Active")].reason`
// +kubebuilder:printcolumn:name="Generation",type=integer,priority=1,JSONPath=`.status.generation`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.status.expiresAt`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type OAuthGrant struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what was allowed, by whom, to whom. It never changes.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a grant cannot be edited; delete it to revoke it"
	Spec OAuthGrantSpec `json:"spec"`

	// status is how far the grant has been used.
	// +optional
	Status OAuthGrantStatus `json:"status,omitzero"`
}

// OAuthGrantList is a list of OAuthGrant.
//
// +kubebuilder:object:root=true
type OAuthGrantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []OAuthGrant `json:"items"`
}

// OAuthGrantSpec is what was allowed, by whom, to whom.
type OAuthGrantSpec struct {
	// authorizationServer is the name of the AuthorizationServer that issued it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	AuthorizationServer string `json:"authorizationServer"`

	// clientID is the client_id of the client.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=127
	ClientID string `json:"clientID"`

	// clientUID is the UID of the OAuthClient, so that a client made anew under
	// the same name inherits nothing.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ClientUID string `json:"clientUID"`

	// subject is the resource owner, as clients see it: the claim sub.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Subject string `json:"subject"`

	// username is the resource owner as people knew them at the time.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Username string `json:"username,omitempty"`

	// scopes that were allowed. A refresh can ask for fewer, never for more.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=128
	Scopes []string `json:"scopes,omitempty"`

	// claims that were allowed beside those of the scopes, because the client asked
	// for them by name (OpenID Connect Core §5.5): each as id_token:email or
	// userinfo:email.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=64
	Claims []string `json:"claims,omitempty"`

	// resources that were allowed (RFC 8707). A token request can ask for fewer,
	// never for more. Without any it is the issuer itself.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=512
	Resources []string `json:"resources,omitempty"`

	// sessionID is the browser session in which it was allowed: the claim sid.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	SessionID string `json:"sessionID,omitempty"`

	// authTime is when the resource owner had last logged in: the claim auth_time.
	AuthTime metav1.Time `json:"authTime"`

	// createdAt is when the authorization code was redeemed.
	CreatedAt metav1.Time `json:"createdAt"`

	// endsAt is when the grant ends, however often it is refreshed.
	EndsAt metav1.Time `json:"endsAt"`
}

// OAuthGrantStatus is how far a grant has been used.
//
// +kubebuilder:validation:XValidation:rule=`self.generation >= oldSelf.generation`,message="generation must not go back: it would make refresh tokens good again that were replaced",fieldPath=".generation"
// +kubebuilder:validation:XValidation:rule=`!has(oldSelf.conditions) || !oldSelf.conditions.exists(c, c.type == 'Active' && c.status == 'False' && c.reason != 'Moved') || (has(self.conditions) && self.conditions.exists(c, c.type == 'Active' && c.status == 'False'))`,message="conditions must keep Active=False: a grant that was revoked stays revoked, unless it had moved to another store",fieldPath=".conditions"
type OAuthGrantStatus struct {
	// observedGeneration is the generation of the object that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// generation counts the refreshes. The refresh token of this generation is
	// the good one, and for a short while the one before gets the same answer.
	// +kubebuilder:validation:Minimum=0
	Generation int64 `json:"generation"`

	// refreshedAt is when the generation last moved.
	// +optional
	RefreshedAt *metav1.MicroTime `json:"refreshedAt,omitempty"`

	// expiresAt is when the grant ends unless it is refreshed before.
	ExpiresAt metav1.Time `json:"expiresAt"`

	// conditions is Active, which is True while the grant stands and False for
	// good once it was revoked.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
