package registration

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// CacheOptions returns how a cache should hold what NewCluster reads: without
// what the server has no use for, which is most of what the API server sends. So
// the controller, which needs more of these objects, needs a cache of its own. Of
// clients it holds those of the namespaces, or all where none are named.
func CacheOptions(namespaces ...string) map[client.Object]cache.ByObject {
	clients := cache.ByObject{Transform: trim}
	for _, namespace := range namespaces {
		if clients.Namespaces == nil {
			clients.Namespaces = map[string]cache.Config{}
		}
		clients.Namespaces[namespace] = cache.Config{}
	}
	return map[client.Object]cache.ByObject{
		&v1alpha1.OAuthClient{}:         clients,
		&v1alpha1.AuthorizationServer{}: {Transform: trim},
		namespaceMetadata():             {Transform: trim},
	}
}

// namespaceMetadata returns an object that stands for a namespace of which only
// the metadata is read.
func namespaceMetadata() *metav1.PartialObjectMetadata {
	ns := &metav1.PartialObjectMetadata{}
	ns.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
	return ns
}

// trim is a transform of the cache's informers.
func trim(obj any) (any, error) {
	switch o := obj.(type) {
	case *v1alpha1.OAuthClient:
		trimClient(o)
	case *v1alpha1.AuthorizationServer:
		trimServer(o)
	case *metav1.PartialObjectMetadata:
		o.ObjectMeta = metav1.ObjectMeta{Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion, Labels: o.Labels}
	}
	return obj, nil
}

// trimClient leaves of an OAuthClient what the server looks at: the spec, the
// credentials, and whose client it is.
func trimClient(c *v1alpha1.OAuthClient) {
	c.TypeMeta = metav1.TypeMeta{}
	c.ObjectMeta = metav1.ObjectMeta{
		Namespace:         c.Namespace,
		Name:              c.Name,
		UID:               c.UID,
		ResourceVersion:   c.ResourceVersion,
		CreationTimestamp: c.CreationTimestamp, // which the policy may count by
		DeletionTimestamp: c.DeletionTimestamp,
	}
	c.Status = v1alpha1.OAuthClientStatus{
		AuthorizationServer: c.Status.AuthorizationServer,
		RedirectURIs:        c.Status.RedirectURIs,
		Credentials:         c.Status.Credentials,
	}
}

func trimServer(s *v1alpha1.AuthorizationServer) {
	s.ManagedFields = nil
	annotations := s.Annotations
	s.Annotations = nil
	if value, ok := annotations[v1alpha1.AnnotationDefault]; ok {
		s.Annotations = map[string]string{v1alpha1.AnnotationDefault: value}
	}
}
