package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OAuthUser is a resource owner (RFC 6749 §1.1) for installations without an
// identity provider: a person who logs in with a password.
//
// It is cluster-scoped: who exists is for those who run the platform to say.
// The subject that clients see is the UID of the object, so somebody who gets
// the username of a person who left inherits nothing.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=oau,categories={oauth}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Username",type=string,JSONPath=`.spec.username`
// +kubebuilder:printcolumn:name="Email",type=string,priority=1,JSONPath=`.spec.email`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type OAuthUser struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says who the person is.
	Spec OAuthUserSpec `json:"spec"`

	// status says whether the person can log in.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status OAuthUserStatus `json:"status,omitzero"`
}

// OAuthUserList is a list of OAuthUser.
//
// +kubebuilder:object:root=true
type OAuthUserList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []OAuthUser `json:"items"`
}

// OAuthUserSpec says who a person is.
type OAuthUserSpec struct {
	// username is what the person types to log in, and the claim
	// preferred_username. It is compared exactly, and belongs to one OAuthUser of
	// the cluster: of several, to the oldest.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`self == self.trim() && self.matches(r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")`,message="username must be plain text on one line, without control characters, invisible characters and space before or after it"
	Username string `json:"username"`

	// name is the person's full name: the claim name.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`self == self.trim() && self.matches(r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")`,message="name must be plain text on one line, without control characters, invisible characters and space before or after it"
	Name string `json:"name,omitempty"`

	// email is the person's address: the claim email. The claim email_verified
	// is true, because whoever writes this resource vouches for it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[^\s\p{Z}\p{Cc}\x{85}@]+@[^\s\p{Z}\p{Cc}\x{85}@]+$") && self.matches(r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")`,message="email must be an address of the form name@domain"
	Email string `json:"email,omitempty"`

	// groups that the person belongs to: the claim groups.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self == self.trim() && self.matches(r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")`,message="groups must be plain text on one line, without control characters, invisible characters and space before or after it"
	Groups []string `json:"groups,omitempty"`

	// passwordSecretRef names the key of a Secret in the operator's namespace
	// that holds a bcrypt or argon2id hash of the password, as
	// `oauth-operator hash-password` prints it.
	PasswordSecretRef SecretKeyReference `json:"passwordSecretRef"`

	// disabled keeps the person out: no login, no session and no refresh, from
	// the moment that the server has seen it.
	// +optional
	Disabled bool `json:"disabled,omitempty"`
}

// SecretKeyReference names one key of a Secret.
type SecretKeyReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")`,message="name must name a Secret: lower-case letters, digits, - and ., with a letter or digit at both ends"
	Name string `json:"name"`

	// key of the Secret's data that holds the value.
	// +optional
	// +kubebuilder:default=password-hash
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[-._A-Za-z0-9]+$") && self != "." && !self.startsWith("..")`,message="key must be a key of a Secret: letters, digits, -, _ and ."
	Key string `json:"key,omitempty"`
}

// OAuthUserStatus says whether a person can log in.
type OAuthUserStatus struct {
	// observedGeneration is the generation of the spec that this status speaks of.
	// It is -1 until the controller has seen the object, so that nobody takes a new
	// object for one that is done.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions is Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
