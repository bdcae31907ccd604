package controllers

import (
	"cmp"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// census knows the clients of every namespace, and by what each was judged: by
// which terms of the policy, and which rank where the policy bounds their number.
// So it can tell who has to be judged again when something changes, and nobody
// else is.
//
// It follows the events of the cache. What a judgement is made by is noted before
// the judgement is acted on, so there is none that no later event knows of.
type census struct {
	mu         sync.Mutex
	namespaces map[string]*district
}

// district is one namespace.
type district struct {
	members []*member // the oldest first

	// terms are those by which the members were judged, by AuthorizationServer.
	terms map[string]validation.Terms
}

// member is a client.
type member struct {
	client *v1alpha1.OAuthClient // of the cache: never changed here

	// What it was last told of its rank: nothing where server is empty.
	server     string
	rank, most int
}

// set notes a client, or a new version of one. It reports whether others, who
// have been told their rank, have to be looked at.
func (c *census) set(oac *v1alpha1.OAuthClient) (matters bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.namespaces[oac.Namespace]
	if d == nil {
		d = &district{terms: map[string]validation.Terms{}}
		if c.namespaces == nil {
			c.namespaces = map[string]*district{}
		}
		c.namespaces[oac.Namespace] = d
	}
	i, ok := d.find(oac)
	if !ok {
		d.members = slices.Insert(d.members, i, &member{client: oac})
		return d.toldFrom(i + 1)
	}
	same := validation.SamePlace(d.members[i].client, oac)
	d.members[i].client = oac
	return !same && d.toldFrom(i+1)
}

// remove drops a client. It reports whether others have to be looked at.
func (c *census) remove(oac *v1alpha1.OAuthClient) (matters bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.namespaces[oac.Namespace]
	if d == nil {
		return false
	}
	i, ok := d.find(oac)
	if !ok {
		return false
	}
	d.members = slices.Delete(d.members, i, i+1)
	if len(d.members) == 0 {
		delete(c.namespaces, oac.Namespace)
		return false
	}
	return d.toldFrom(i)
}

// rank returns the rank of the client, and notes that it was told so.
func (c *census) rank(oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, most int, servers []*v1alpha1.AuthorizationServer) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.namespaces[oac.Namespace]
	if d == nil {
		return 0
	}
	clients := make([]*v1alpha1.OAuthClient, len(d.members))
	for i, m := range d.members {
		clients[i] = m.client
	}
	rank := validation.Rank(oac, as, clients, servers)
	if i, ok := d.find(oac); ok {
		m := d.members[i]
		m.server, m.rank, m.most = as.Name, rank, most
	}
	return rank
}

// misplaced returns those of the namespace who have been told that there is room
// for them and there is none, or the other way round.
func (c *census) misplaced(namespace string, servers []*v1alpha1.AuthorizationServer) []reconcile.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.namespaces[namespace]
	if d == nil {
		return nil
	}
	var requests []reconcile.Request
	before := map[string]int{}
	for _, m := range d.members {
		as := m.resolve(servers)
		if as == nil || m.client.DeletionTimestamp != nil {
			continue
		}
		rank := before[as.Name]
		before[as.Name]++
		if m.server == as.Name && (m.rank < m.most) != (rank < m.most) {
			requests = append(requests, requestFor(m.client))
		}
	}
	return requests
}

// find returns where the client is in the order of age, or is to be.
func (d *district) find(oac *v1alpha1.OAuthClient) (int, bool) {
	return slices.BinarySearchFunc(d.members, oac, func(m *member, oac *v1alpha1.OAuthClient) int {
		if byAge := m.client.CreationTimestamp.Compare(oac.CreationTimestamp.Time); byAge != 0 {
			return byAge
		}
		return cmp.Compare(m.client.Name, oac.Name)
	})
}

// toldFrom reports whether one of the members from there on was told its rank.
func (d *district) toldFrom(i int) bool {
	return slices.ContainsFunc(d.members[i:], func(m *member) bool { return m.server != "" })
}

func (m *member) resolve(servers []*v1alpha1.AuthorizationServer) *v1alpha1.AuthorizationServer {
	as, _ := validation.ResolveAuthorizationServer(m.client, servers)
	return as
}

func requestFor(o client.Object) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}}
}
