package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of every resource of this project.
const GroupName = "oauth-operator.dev"

var (
	// GroupVersion is the group and version of the types in this package.
	GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeBuilder registers the types of this package.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds the types of this package to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&OAuthClient{}, &OAuthClientList{},
		&AuthorizationServer{}, &AuthorizationServerList{},
		&OAuthUser{}, &OAuthUserList{},
		&OAuthGrant{}, &OAuthGrantList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
