package controllers

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// looks waits until the clients have not been looked at for a while, and
// returns how often they have been.
func looks() float64 {
	GinkgoHelper()
	n, since := reconciled("oauthclient"), time.Now()
	Eventually(func() bool {
		if now := reconciled("oauthclient"); now != n {
			n, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	}).Should(BeTrue())
	return n
}

var _ = Describe("A change of what the platform decides", Serial, Ordered, func() {
	const teams, each = 20, 10
	var (
		as         *v1alpha1.AuthorizationServer
		namespaces []string
		clients    []*v1alpha1.OAuthClient
	)
	team := func(i int) map[string]string { return map[string]string{"team": fmt.Sprintf("t%d", i)} }
	rule := func(name string, labels map[string]string, scopes ...string) v1alpha1.PolicyRule {
		return v1alpha1.PolicyRule{Name: name, NamespaceSelector: metav1.LabelSelector{MatchLabels: labels}, Scopes: scopes}
	}
	accepted := func(of []*v1alpha1.OAuthClient) (n int) {
		for _, c := range of {
			if meta.IsStatusConditionTrue(conditions(c), v1alpha1.ConditionAccepted) {
				n++
			}
		}
		return n
	}
	in := func(i int) []*v1alpha1.OAuthClient { return clients[i*each : (i+1)*each] }

	BeforeAll(func() {
		as = newServer(func(as *v1alpha1.AuthorizationServer) {
			as.Spec.Policy = &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{
				rule("everybody", nil, "openid", "profile"), rule("seven", team(7), "email"),
			}}
		})
		for i := range teams {
			namespaces = append(namespaces, newNamespace(team(i)))
			for range each {
				clients = append(clients, newClient(namespaces[i], as))
			}
		}
		for _, c := range clients {
			expectReady(c)
		}
		DeferCleanup(func() {
			for _, ns := range namespaces {
				Expect(admin.DeleteAllOf(suiteCtx, &v1alpha1.OAuthClient{}, client.InNamespace(ns))).To(Succeed())
			}
		})
	})

	It("judges the clients of the one namespace that a rule concerns", func() {
		before := looks()
		change(as, func(as *v1alpha1.AuthorizationServer) { as.Spec.Policy.Rules[1].Scopes = []string{"email", "groups"} })
		Expect(looks() - before).To(BeEquivalentTo(each))

		before = looks()
		change(as, func(as *v1alpha1.AuthorizationServer) {
			as.Spec.Policy.Rules = append(as.Spec.Policy.Rules, rule("three", team(3), "groups"))
		})
		Expect(looks() - before).To(BeEquivalentTo(each))
	})

	It("judges nobody where a rule is for nobody, or nothing was said that a client depends on", func() {
		before := looks()
		change(as, func(as *v1alpha1.AuthorizationServer) {
			as.Spec.Policy.Rules = append(as.Spec.Policy.Rules, rule("nobody", map[string]string{"team": "none"}))
			as.Spec.DisplayName = "Another name"
			as.Spec.Lifetimes.Session = &metav1.Duration{Duration: time.Hour}
		})
		Expect(looks()).To(Equal(before))
	})

	It("judges nobody for a label that matters to no rule", func() {
		before := looks()
		for _, ns := range namespaces {
			change(namespace(ns, nil), func(n *corev1.Namespace) { n.Labels["colour"] = "blue" })
		}
		Expect(looks()).To(Equal(before))
	})

	It("judges the clients of a namespace for a label that matters", func() {
		before := looks()
		change(namespace(namespaces[11], nil), func(n *corev1.Namespace) { n.Labels["team"] = "t7" })
		Expect(looks() - before).To(BeEquivalentTo(each))
	})

	It("judges all for a scope that is not there any more", func() {
		before := looks()
		change(as, func(as *v1alpha1.AuthorizationServer) {
			as.Spec.Scopes = []v1alpha1.Scope{{Name: "openid", Default: true}, {Name: "email"}, {Name: "groups"}}
		})
		Expect(looks() - before).To(BeNumerically(">=", teams*each))
	})

	It("finds the bound of a namespace, and who comes in when one leaves", func() {
		few := int32(4)
		change(as, func(as *v1alpha1.AuthorizationServer) {
			for i := range as.Spec.Policy.Rules {
				as.Spec.Policy.Rules[i].MaxClientsPerNamespace = &few
			}
			as.Spec.Policy.Rules[1].MaxClientsPerNamespace = nil
		})
		Eventually(func() int { return accepted(in(0)) }).Should(BeEquivalentTo(few))
		Eventually(func() int { return accepted(in(7)) }).Should(Equal(each), "a rule without the bound")
		var refused []*v1alpha1.OAuthClient
		var leaver *v1alpha1.OAuthClient
		for _, c := range in(0) {
			if meta.IsStatusConditionTrue(conditions(c), v1alpha1.ConditionAccepted) {
				leaver = c
			} else {
				refused = append(refused, c)
			}
		}
		Expect(expectNot(refused[0], v1alpha1.ConditionAccepted, v1alpha1.ReasonNotAllowed)).To(And(
			HavePrefix("metadata.namespace: "), ContainSubstring("at most 4 clients"), ContainSubstring("everybody")))

		before := looks()
		Expect(admin.Delete(suiteCtx, leaver)).To(Succeed())
		Eventually(func() int { return accepted(refused) }).Should(Equal(1))
		Expect(looks()-before).To(BeNumerically("<=", 3), "the one that comes in, and what its Secret and status bring about")
		Expect(accepted(in(0))).To(BeEquivalentTo(few))
	})
})
