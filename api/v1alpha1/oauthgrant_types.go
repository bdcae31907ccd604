package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OAuthGrant is what a resource owner has allowed a client. The authorization
// server writes it; `kubectl delete` revokes it.
//
// It lives in the namespace of the client, is owned by it, and holds nothing
// that a thief could use: tokens carry a MAC that nobody can make from it, and
// the MAC covers the spec, so an edited grant is worth nothing.
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

	// spec is what was allowed. It never changes.
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
	// authorizationServer is the name of the AuthorizationServer.
	AuthorizationServer string `json:"authorizationServer"`

	// clientID is the client_id.
	ClientID string `json:"clientID"`

	// clientUID is the UID of the OAuthClient, so that a client made anew under
	// the same name inherits nothing.
	ClientUID string `json:"clientUID"`

	// subject is the resource owner, as clients see it: the claim sub.
	Subject string `json:"subject"`

	// username is the resource owner as people know them.
	// +optional
	Username string `json:"username,omitempty"`

	// scopes that were allowed.
	// +optional
	// +listType=set
	Scopes []string `json:"scopes,omitempty"`

	// sessionID is the browser session in which it was allowed: the claim sid.
	// +optional
	SessionID string `json:"sessionID,omitempty"`

	// authTime is when the resource owner had last logged in: the claim auth_time.
	AuthTime metav1.Time `json:"authTime"`

	// createdAt is when the authorization code was redeemed.
	CreatedAt metav1.Time `json:"createdAt"`

	// endsAt is when the grant ends, however often it is refreshed.
	EndsAt metav1.Time `json:"endsAt"`
}

// OAuthGrantStatus is how far a grant has been used.
type OAuthGrantStatus struct {
	// observedGeneration is the generation of the object that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// generation counts the refreshes. Only the refresh token of this
	// generation is good.
	// +optional
	Generation int64 `json:"generation"`

	// refreshedAt is when the generation last moved.
	// +optional
	RefreshedAt *metav1.MicroTime `json:"refreshedAt,omitempty"`

	// expiresAt is when the grant ends unless it is refreshed before. From then
	// on the object can be cleared away.
	ExpiresAt metav1.Time `json:"expiresAt"`

	// conditions is Active.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
