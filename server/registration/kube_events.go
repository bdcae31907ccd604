package registration

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"oauth-operator.dev/api/v1alpha1"
)

func (c *Cluster) setClient(obj any) {
	oac, ok := obj.(*v1alpha1.OAuthClient)
	if !ok {
		return
	}
	id := v1alpha1.ClientID(oac.Namespace, oac.Name)
	c.mu.Lock()
	if known := c.clients[id]; known == nil || known.object != oac {
		c.clients[id] = &registered{object: oac, recorded: known.recordedIn(oac, c.live.now())}
		c.settle(oac)
	}
	c.mu.Unlock()
	c.live.forget(id)
}

func (c *Cluster) removeClient(obj any) {
	oac, ok := last(obj).(*v1alpha1.OAuthClient)
	if !ok {
		return
	}
	id := v1alpha1.ClientID(oac.Namespace, oac.Name)
	c.mu.Lock()
	delete(c.clients, id)
	c.leave(oac)
	c.mu.Unlock()
	c.live.forget(id)
}

func (c *Cluster) setServer(obj any) {
	as, ok := obj.(*v1alpha1.AuthorizationServer)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.servers.all, func(known *v1alpha1.AuthorizationServer) bool { return known.Name == as.Name })
	if i >= 0 && sameServer(c.servers.all[i], as) {
		return // its status has changed, which decides nothing here
	}
	all := slices.Clone(c.servers.all)
	if i >= 0 {
		all[i] = as
	} else {
		all = append(all, as)
	}
	c.revision++
	c.servers = &servers{all: all, revision: c.revision}
	c.live.forgetAll()
}

// sameServer reports whether two versions of an AuthorizationServer mean the
// same to clients.
func sameServer(a, b *v1alpha1.AuthorizationServer) bool {
	return a.UID == b.UID && a.Generation == b.Generation &&
		a.Annotations[v1alpha1.AnnotationDefault] == b.Annotations[v1alpha1.AnnotationDefault]
}

func (c *Cluster) removeServer(obj any) {
	as, ok := last(obj).(*v1alpha1.AuthorizationServer)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision++
	c.servers = &servers{
		all: slices.DeleteFunc(slices.Clone(c.servers.all),
			func(known *v1alpha1.AuthorizationServer) bool { return known.Name == as.Name }),
		revision: c.revision,
	}
	c.live.forgetAll()
}

func (c *Cluster) setNamespace(obj any) {
	ns, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.namespaces[ns.Name]; known != nil && known.uid == ns.UID && maps.Equal(known.labels, ns.Labels) {
		return
	}
	c.namespaces[ns.Name] = &namespace{uid: ns.UID, labels: ns.Labels}
	c.live.forgetAll()
}

func (c *Cluster) removeNamespace(obj any) {
	ns, ok := last(obj).(*metav1.PartialObjectMetadata)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.namespaces, ns.Name)
	c.live.forgetAll()
}

// last returns the last known state of an object that was deleted, also where
// the deletion itself was missed.
func last(obj any) any {
	if missed, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		return missed.Obj
	}
	return obj
}
