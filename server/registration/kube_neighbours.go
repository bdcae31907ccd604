package registration

import (
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// neighbours is every client of one namespace, for the policies that count them.
// A client that comes, goes or moves to another AuthorizationServer makes a new
// neighbours.
type neighbours struct {
	clients  []*v1alpha1.OAuthClient // of the cache: never changed here
	revision uint64                  // never 0
}

// neighboursIn returns the neighbours in a namespace.
func (c *Cluster) neighboursIn(namespace string) *neighbours {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.neighbours[namespace]; known != nil {
		return known
	}
	c.revision++
	made := &neighbours{
		clients:  make([]*v1alpha1.OAuthClient, 0, len(c.members[namespace])),
		revision: c.revision,
	}
	for _, oac := range c.members[namespace] {
		made.clients = append(made.clients, oac)
	}
	c.neighbours[namespace] = made
	return made
}

// settle notes a client, or a new version of it. The caller holds the lock.
func (c *Cluster) settle(oac *v1alpha1.OAuthClient) {
	members := c.members[oac.Namespace]
	if members == nil {
		members = map[string]*v1alpha1.OAuthClient{}
		c.members[oac.Namespace] = members
	}
	if before := members[oac.Name]; before == nil || !validation.SamePlace(before, oac) {
		delete(c.neighbours, oac.Namespace)
	}
	members[oac.Name] = oac
}

// leave drops a client. The caller holds the lock.
func (c *Cluster) leave(oac *v1alpha1.OAuthClient) {
	members := c.members[oac.Namespace]
	delete(members, oac.Name)
	delete(c.neighbours, oac.Namespace)
	if len(members) == 0 {
		delete(c.members, oac.Namespace)
	}
}
