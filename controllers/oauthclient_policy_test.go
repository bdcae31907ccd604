package controllers

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("What the platform decides about a client", func() {
	policy := func(as *v1alpha1.AuthorizationServer) {
		as.Spec.Policy = &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{
			{Name: "everybody", Scopes: []string{"openid", "profile"}},
			{
				Name:              "trusted",
				NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"tier": "trusted"}},
			},
		}}
	}

	It("refuses by a condition with field and rule, and allows once the namespace's labels do", func() {
		as, ns := newServer(policy), newNamespace(nil)
		c := newClient(ns, as, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"openid", "groups"} })
		message := expectNot(c, v1alpha1.ConditionAccepted, v1alpha1.ReasonNotAllowed)
		Expect(message).To(And(ContainSubstring("spec.scopes[1]"), ContainSubstring("groups"), ContainSubstring("everybody")))
		expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonNotAttempted)
		Expect(secretOf(c)).To(BeNil())
		Expect(c.Status.AuthorizationServer).To(Equal(as.Name))
		version := c.ResourceVersion
		Consistently(func() string { _ = conditions(c); return c.ResourceVersion }).Should(Equal(version))

		change(namespace(ns, nil), func(n *corev1.Namespace) { n.Labels["tier"] = "trusted" })
		expectReady(c)
		Expect(complete(c)).To(Succeed())
	})

	It("leaves the Secret as it is when a client is not allowed any more", func() {
		as, ns := newServer(), newNamespace(nil)
		c := readyClient(ns, as, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"groups"} })
		s, credentials := secretOf(c), c.Status.Credentials
		change(as, policy)
		expectNot(c, v1alpha1.ConditionAccepted, v1alpha1.ReasonNotAllowed)
		Expect(c.Status.Credentials).To(Equal(credentials))
		Expect(c.Status.Binding.Name).To(Equal(s.Name))
		Expect(secretOf(c).ResourceVersion).To(Equal(s.ResourceVersion))

		change(as, func(as *v1alpha1.AuthorizationServer) { as.Spec.Policy = nil })
		expectReady(c)
		Expect(secretOf(c).ResourceVersion).To(Equal(s.ResourceVersion))
		Expect(complete(c)).To(Succeed())
	})

	It("tells a refusal by an event that names it", func() {
		as, ns := newServer(policy), newNamespace(nil)
		c := newClient(ns, as, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"groups"} })
		Eventually(func() []string { return eventsOf(ns, c.Name) }).Should(ContainElement(And(
			HavePrefix("Warning NotAllowed"), ContainSubstring("spec.scopes[0]"))))
	})

	It("waits for an AuthorizationServer that does not exist yet", func() {
		as := server()
		c := newClient(newNamespace(nil), as)
		Expect(expectNot(c, v1alpha1.ConditionAccepted, v1alpha1.ReasonAuthorizationServerNotFound)).
			To(ContainSubstring("spec.authorizationServerRef.name"))
		Expect(admin.Create(suiteCtx, as)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(suiteCtx, as)).To(Succeed()) })
		expectReady(c)
	})

	It("does not accept clients of an AuthorizationServer that cannot be served", func() {
		first := newServer()
		second := server(func(as *v1alpha1.AuthorizationServer) { as.Spec.Issuer = first.Spec.Issuer })
		Expect(admin.Create(suiteCtx, second)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(suiteCtx, second)).To(Succeed()) })
		c := newClient(newNamespace(nil), second)
		expectNot(c, v1alpha1.ConditionAccepted, v1alpha1.ReasonAuthorizationServerNotReady)
		Expect(admin.Delete(suiteCtx, first)).To(Succeed())
		expectReady(second)
		expectReady(c)
	})
})

var _ = Describe("The default AuthorizationServer", Serial, func() {
	byDefault := func(as *v1alpha1.AuthorizationServer) {
		as.Annotations = map[string]string{v1alpha1.AnnotationDefault: "true"}
	}

	It("takes the clients that name none, and keeps them when a newer default comes", func() {
		ns := newNamespace(nil)
		old := newClient(ns, nil)
		expectNot(old, v1alpha1.ConditionAccepted, v1alpha1.ReasonAuthorizationServerNotFound)

		first := newServer(byDefault)
		expectReady(old)
		Expect(old.Status.AuthorizationServer).To(Equal(first.Name))

		// Times of creation are whole seconds.
		Eventually(func() bool { return metav1.Now().Unix() > first.CreationTimestamp.Unix() }).Should(BeTrue())
		second := newServer(byDefault)
		young := readyClient(ns, nil)
		Expect(young.Status.AuthorizationServer).To(Equal(second.Name))
		Expect(complete(old)).To(Succeed())
		Expect(old.Status.AuthorizationServer).To(Equal(first.Name))

		Expect(admin.Delete(suiteCtx, first)).To(Succeed())
		Eventually(func() string { expectReady(old); return old.Status.AuthorizationServer }).Should(Equal(second.Name))
		Eventually(func() string { return string(secretOf(old).Data[v1alpha1.SecretKeyIssuerURI]) }).Should(Equal(second.Spec.Issuer))
	})

	It("is found when the annotation is added to an AuthorizationServer that exists", func() {
		as := newServer()
		c := newClient(newNamespace(nil), nil)
		expectNot(c, v1alpha1.ConditionAccepted, v1alpha1.ReasonAuthorizationServerNotFound)
		change(as, byDefault)
		expectReady(c)
		Expect(meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionAccepted)).To(BeTrue())
		Expect(client.ObjectKeyFromObject(as).Name).To(Equal(c.Status.AuthorizationServer))
	})
})
