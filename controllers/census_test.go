package controllers

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

var _ = Describe("The census", func() {
	const ns = "team"
	var (
		known   *census
		as      *v1alpha1.AuthorizationServer
		servers []*v1alpha1.AuthorizationServer
	)
	made := func(name string, second int64) *v1alpha1.OAuthClient {
		c := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, CreationTimestamp: metav1.Unix(1_900_000_000+second, 0)}}
		c.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: "main"}
		return c
	}
	names := func(requests []reconcile.Request) []string {
		all := []string{}
		for _, r := range requests {
			all = append(all, r.Name)
		}
		return all
	}
	BeforeEach(func() {
		known = &census{}
		as = &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Name: "main"}}
		servers = []*v1alpha1.AuthorizationServer{as}
	})

	Describe("of ranks", func() {
		const most = 3
		var clients []*v1alpha1.OAuthClient
		BeforeEach(func() {
			clients = nil
			for i := range 6 {
				c := made(fmt.Sprintf("c%d", i), int64(i))
				clients = append(clients, c)
				Expect(known.set(c)).To(BeFalse(), "nobody behind it was told anything")
			}
			for i, c := range clients {
				Expect(known.rank(c, as, most, servers)).To(Equal(i))
			}
			Expect(known.misplaced(ns, servers)).To(BeEmpty())
		})

		It("names the one that comes in when an older one goes", func() {
			Expect(known.remove(clients[1])).To(BeTrue())
			Expect(names(known.misplaced(ns, servers))).To(Equal([]string{"c3"}))
			Expect(known.rank(clients[3], as, most, servers)).To(Equal(2))
			Expect(known.misplaced(ns, servers)).To(BeEmpty())
		})

		It("names all that come in when several go before anyone has looked", func() {
			for _, i := range []int{0, 2, 4} {
				known.remove(clients[i])
			}
			Expect(names(known.misplaced(ns, servers))).To(Equal([]string{"c3", "c5"}))
		})

		It("names nobody when one goes that was beyond the bound", func() {
			Expect(known.remove(clients[4])).To(BeTrue())
			Expect(known.misplaced(ns, servers)).To(BeEmpty())
			Expect(known.remove(clients[5])).To(BeFalse())
		})

		It("names the one that has to go when one of its age comes before it", func() {
			Expect(known.set(made("b", 2))).To(BeTrue())
			Expect(names(known.misplaced(ns, servers))).To(Equal([]string{"c2"}))
		})

		It("names the one that comes in when an older one moves or is being deleted", func() {
			moved := clients[0].DeepCopy()
			moved.Spec.AuthorizationServerRef.Name = "other"
			Expect(known.set(moved)).To(BeTrue())
			Expect(names(known.misplaced(ns, servers))).To(Equal([]string{"c3"}))
			leaving := clients[1].DeepCopy()
			leaving.DeletionTimestamp = new(metav1.Unix(1_900_000_100, 0))
			Expect(known.set(leaving)).To(BeTrue())
			Expect(names(known.misplaced(ns, servers))).To(Equal([]string{"c3", "c4"}))
		})

		It("does not mind what does not count", func() {
			changed := clients[0].DeepCopy()
			changed.Status.ClientID, changed.Spec.Scopes = "x", []string{"y"}
			Expect(known.set(changed)).To(BeFalse())
		})

		It("keeps nothing of a namespace that is empty", func() {
			for _, c := range clients {
				known.remove(c)
			}
			Expect(known.namespaces).To(BeEmpty())
		})
	})

	Describe("of terms", func() {
		labelled := map[string]string{"tier": "trusted"}
		// opened has a rule for trusted namespaces, closed has none.
		policy := func(rules ...v1alpha1.PolicyRule) *v1alpha1.AuthorizationServer {
			changed := as.DeepCopy()
			changed.Spec.Policy = &v1alpha1.Policy{Rules: rules}
			return changed
		}
		everybody := v1alpha1.PolicyRule{Name: "everybody", Scopes: []string{"openid"}}
		trusted := v1alpha1.PolicyRule{Name: "trusted", NamespaceSelector: metav1.LabelSelector{MatchLabels: labelled}}
		labelsAre := func(labels map[string]string) func(string) map[string]string {
			return func(string) map[string]string { return labels }
		}
		var c *v1alpha1.OAuthClient
		BeforeEach(func() {
			c = made("web", 0)
			known.set(c)
		})

		It("names nobody who is told the same", func() {
			opened := policy(everybody, trusted)
			Expect(known.agree(c, opened, validation.TermsOf(opened, nil), servers)).To(BeTrue())
			Expect(known.serverChanged(policy(everybody), servers, labelsAre(nil))).To(BeEmpty())
			Expect(known.namespaceChanged(ns, map[string]string{"a": "b"}, []*v1alpha1.AuthorizationServer{policy(everybody)})).To(BeEmpty())
		})

		It("names whom a rule or a label concerns", func() {
			opened := policy(everybody, trusted)
			Expect(known.agree(c, opened, validation.TermsOf(opened, nil), servers)).To(BeTrue())
			Expect(names(known.namespaceChanged(ns, labelled, []*v1alpha1.AuthorizationServer{opened}))).To(Equal([]string{"web"}))
			Expect(names(known.serverChanged(policy(everybody), servers, labelsAre(labelled)))).To(Equal([]string{"web"}))
		})

		It("names whom a policy and labels concern that have changed at once, whichever is heard of first", func() {
			opened, closed := policy(everybody, trusted), policy(everybody)
			for _, first := range []string{"server", "namespace"} {
				known = &census{}
				known.set(c)
				Expect(known.agree(c, opened, validation.TermsOf(opened, labelled), servers)).To(BeTrue())
				// Either event finds the other change made already.
				var heard []reconcile.Request
				if first == "server" {
					heard = known.serverChanged(closed, servers, labelsAre(nil))
				} else {
					heard = known.namespaceChanged(ns, nil, []*v1alpha1.AuthorizationServer{closed})
				}
				Expect(names(heard)).To(Equal([]string{"web"}), first)
			}
		})

		It("lets nobody be judged by terms that are old, or of which nobody has heard", func() {
			opened, closed := policy(everybody, trusted), policy(everybody)
			known.serverChanged(closed, servers, labelsAre(labelled))
			Expect(known.agree(c, opened, validation.TermsOf(opened, labelled), servers)).To(BeFalse(), "read before the event")
			Expect(known.agree(c, closed, validation.TermsOf(closed, labelled), servers)).To(BeTrue())
			Expect(known.agree(c, opened, validation.TermsOf(opened, labelled), servers)).To(BeFalse(), "read after the next change")
			known.serverChanged(opened, servers, labelsAre(labelled))
			Expect(known.agree(c, opened, validation.TermsOf(opened, labelled), servers)).To(BeTrue())
		})

		It("lets nobody be judged who is not known, or has moved", func() {
			Expect(known.agree(made("stranger", 1), as, validation.TermsOf(as, nil), servers)).To(BeFalse())
			moved := c.DeepCopy()
			moved.Spec.AuthorizationServerRef.Name = "other"
			known.set(moved)
			Expect(known.agree(c, as, validation.TermsOf(as, nil), servers)).To(BeFalse())
		})

		It("holds nobody to what was said to those who are gone", func() {
			opened, closed := policy(everybody, trusted), policy(everybody)
			Expect(known.agree(c, opened, validation.TermsOf(opened, labelled), servers)).To(BeTrue())
			known.remove(c)
			known.set(c)
			Expect(known.agree(c, closed, validation.TermsOf(closed, labelled), servers)).To(BeTrue())

			known.set(made("other", 1))
			moved := made("other", 1)
			moved.Spec.AuthorizationServerRef.Name = "elsewhere"
			known.remove(c)
			known.set(moved)
			known.serverChanged(opened, servers, labelsAre(labelled))
			known.set(c)
			Expect(known.agree(c, opened, validation.TermsOf(opened, labelled), servers)).To(BeTrue())
		})
	})
})
