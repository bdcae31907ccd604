package controllers

import (
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// A policy and the labels of a namespace can change at once, and then either
// change alone may look as if it did not matter. So what an event says of before
// and after is not enough: what counts is what the judgements were made by.

// agree notes the terms by which the client is about to be judged. It reports
// false where others in the namespace were judged by different terms, or the
// client has moved: then the event that says why is still on its way, and the
// judgement has to be made again.
func (c *census) agree(oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, terms validation.Terms, servers []*v1alpha1.AuthorizationServer) bool {
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
	if its := d.members[i].resolve(servers); its == nil || its.Name != as.Name {
		return false
	}
	if known, judged := d.terms[as.Name]; judged {
		return known.Equal(terms)
	}
	d.terms[as.Name] = terms
	return true
}

// serverChanged notes the terms of an AuthorizationServer as they are now, and
// returns the clients that were judged by others.
func (c *census) serverChanged(as *v1alpha1.AuthorizationServer, servers []*v1alpha1.AuthorizationServer, labelsOf func(namespace string) map[string]string) []reconcile.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	var requests []reconcile.Request
	for namespace, d := range c.namespaces {
		requests = append(requests, d.renew(as, servers, labelsOf(namespace))...)
	}
	return requests
}

// namespaceChanged notes the terms for a namespace as they are now, and returns
// the clients that were judged by others.
func (c *census) namespaceChanged(namespace string, labels map[string]string, servers []*v1alpha1.AuthorizationServer) []reconcile.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.namespaces[namespace]
	if d == nil {
		return nil
	}
	var requests []reconcile.Request
	for _, as := range servers {
		requests = append(requests, d.renew(as, servers, labels)...)
	}
	return requests
}

func (d *district) renew(as *v1alpha1.AuthorizationServer, servers []*v1alpha1.AuthorizationServer, labels map[string]string) []reconcile.Request {
	var concerned []reconcile.Request
	for _, m := range d.members {
		if its := m.resolve(servers); its != nil && its.Name == as.Name {
			concerned = append(concerned, requestFor(m.client))
		}
	}
	if len(concerned) == 0 {
		delete(d.terms, as.Name)
		return nil
	}
	terms := validation.TermsOf(as, labels)
	known, judged := d.terms[as.Name]
	d.terms[as.Name] = terms
	if !judged || known.Equal(terms) {
		return nil
	}
	return concerned
}
