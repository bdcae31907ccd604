package controllers

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("Events", func() {
	It("are of changes alone: whoever looks a second time reports nothing", func() {
		as, ns := newServer(), newNamespace(nil)
		readyClient(ns, as)
		refused := newClient(ns, as, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"unheard-of"} })
		conflict := oauthClient(ns, as)
		Expect(admin.Create(suiteCtx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: conflict.SecretName()}})).To(Succeed())
		Expect(admin.Create(suiteCtx, conflict)).To(Succeed())
		person := &v1alpha1.OAuthUser{ObjectMeta: metav1.ObjectMeta{Name: unique("person")}}
		person.Spec.Username, person.Spec.PasswordSecretRef.Name = person.Name, person.Name
		Expect(admin.Create(suiteCtx, person)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(suiteCtx, person)).To(Succeed()) })

		// Each is told of once. Ready is no news of a new client.
		once := func() map[string]int {
			count := map[string]int{}
			for _, o := range []struct{ namespace, name string }{{ns, refused.Name}, {ns, conflict.Name}, {"default", person.Name}} {
				for _, e := range eventsOf(o.namespace, o.name) {
					count[strings.Fields(e)[1]]++
				}
			}
			return count
		}
		all := map[string]int{v1alpha1.ReasonInvalid: 1, v1alpha1.ReasonSecretConflict: 1, v1alpha1.ReasonPasswordSecretNotFound: 1}
		Eventually(once).Should(Equal(all))
		before := len(audit.in("/namespaces/" + ns + "/events"))
		Expect(before).To(Equal(2), "and nothing of the client that is ready")

		// Another message for the same reason is for the condition to tell.
		change(refused, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"another"} })
		Eventually(func() string { return expectNot(refused, v1alpha1.ConditionAccepted, v1alpha1.ReasonInvalid) }).
			Should(ContainSubstring("another"))

		// A controller that starts looks at every object.
		looked := reconciled("oauthclient")
		restartManager()
		Eventually(func() float64 { return reconciled("oauthclient") }).Should(BeNumerically(">=", looked+3))
		expectReady(newClient(ns, as))
		Consistently(func() int { return len(audit.in("/namespaces/" + ns + "/events")) }).Should(Equal(before))
		Expect(once()).To(Equal(all))
	})
})
