package validation

import (
	"oauth-operator.dev/api/v1alpha1"
)

// ResolveAuthorizationServer returns the AuthorizationServer that the client is
// to be registered with: the one that it names; or else the one that it is
// registered with already, so that a new default moves nobody; or else the
// default. Of several defaults the newest counts, as with a StorageClass.
//
// It returns a problem instead if there is none.
func ResolveAuthorizationServer(
	c *v1alpha1.OAuthClient, servers []*v1alpha1.AuthorizationServer,
) (*v1alpha1.AuthorizationServer, *Problem) {
	if ref := c.Spec.AuthorizationServerRef; ref != nil {
		if as := named(ref.Name, servers); as != nil {
			return as, nil
		}
		p := problem("spec.authorizationServerRef.name", v1alpha1.ReasonAuthorizationServerNotFound,
			"there is no AuthorizationServer %s: create it, or name another", quote(ref.Name))
		return nil, &p
	}
	if as := named(c.Status.AuthorizationServer, servers); as != nil {
		return as, nil
	}
	if as := newestDefault(servers); as != nil {
		return as, nil
	}
	p := problem("spec.authorizationServerRef", v1alpha1.ReasonAuthorizationServerNotFound,
		`it is left out and the cluster has no default: name an AuthorizationServer here, or annotate one with %s: "true"`,
		v1alpha1.AnnotationDefault)
	return nil, &p
}

func named(name string, servers []*v1alpha1.AuthorizationServer) *v1alpha1.AuthorizationServer {
	for _, as := range servers {
		if as.Name == name {
			return as
		}
	}
	return nil
}

func newestDefault(servers []*v1alpha1.AuthorizationServer) *v1alpha1.AuthorizationServer {
	var newest *v1alpha1.AuthorizationServer
	for _, as := range servers {
		if as.Annotations[v1alpha1.AnnotationDefault] == "true" && (newest == nil || newer(as, newest)) {
			newest = as
		}
	}
	return newest
}

// newer orders by creation, the last first, and by name where that does not tell.
func newer(a, b *v1alpha1.AuthorizationServer) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return b.CreationTimestamp.Before(&a.CreationTimestamp)
}
