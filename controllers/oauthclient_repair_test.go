package controllers

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

func inNamespace(ns string) client.ListOption { return client.InNamespace(ns) }

var _ = Describe("The repair of a client's credentials", func() {
	var (
		as     *v1alpha1.AuthorizationServer
		c      *v1alpha1.OAuthClient
		before *corev1.Secret
		id     string
	)
	BeforeEach(func() {
		as = newServer()
		c = readyClient(newNamespace(nil), as)
		before, id = secretOf(c), c.Status.Credentials[0].ID
	})

	// value returns the client-secret that is there now.
	value := func() string { return string(secretOf(c).Data[v1alpha1.SecretKeyClientSecret]) }
	had := func() string { return string(before.Data[v1alpha1.SecretKeyClientSecret]) }

	It("makes a new secret for the same client_id when the Secret was deleted", func() {
		clientID := c.Status.ClientID
		Expect(admin.Delete(suiteCtx, before)).To(Succeed())
		Eventually(func() error {
			if err := complete(c); err != nil {
				return err
			}
			Expect(c.Status.Credentials[0].ID).NotTo(Equal(id))
			return nil
		}).Should(Succeed())
		Expect(c.Status.ClientID).To(Equal(clientID))
		Expect(value()).NotTo(Equal(had()))
	})

	DescribeTable("makes a new secret where the old one is lost", func(damage func(*corev1.Secret)) {
		change(secretOf(c), damage)
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Eventually(func() string { _ = conditions(c); return c.Status.Credentials[0].ID }).ShouldNot(Equal(id))
		Expect(value()).NotTo(Equal(had()))
		Eventually(func() error { return complete(c) }).Should(Succeed())
	},
		Entry("the key is removed", func(s *corev1.Secret) { delete(s.Data, v1alpha1.SecretKeyClientSecret) }),
		Entry("the value is emptied", func(s *corev1.Secret) { s.Data[v1alpha1.SecretKeyClientSecret] = nil }),
		Entry("the value is typed in", func(s *corev1.Secret) { s.Data[v1alpha1.SecretKeyClientSecret] = []byte("hunter2") }),
		Entry("the value is that of another client", func(s *corev1.Secret) {
			s.Data[v1alpha1.SecretKeyClientSecret] = []byte(credential.NewSecret())
		}),
		Entry("the value is another one and the annotation is gone", func(s *corev1.Secret) {
			s.Data[v1alpha1.SecretKeyClientSecret] = []byte(credential.NewSecret())
			s.Annotations = nil
		}),
	)

	DescribeTable("keeps the secret where something else is damaged", func(damage func(*corev1.Secret)) {
		damaged := secretOf(c)
		change(damaged, damage)
		Eventually(func() string { return secretOf(c).ResourceVersion }).ShouldNot(Equal(damaged.ResourceVersion))
		after := secretOf(c)
		Expect(after.Data).To(Equal(before.Data))
		Expect(after.Labels).To(Equal(before.Labels))
		Expect(after.Annotations).To(Equal(before.Annotations))
		Expect(after.UID).To(Equal(before.UID))
		Expect(complete(c)).To(Succeed())
		Expect(c.Status.Credentials[0].ID).To(Equal(id))
	},
		Entry("a key is removed", func(s *corev1.Secret) { delete(s.Data, v1alpha1.SecretKeyTokenURI) }),
		Entry("a key is changed", func(s *corev1.Secret) { s.Data[v1alpha1.SecretKeyIssuerURI] = []byte("https://evil.example.com") }),
		Entry("our label is removed, so that the cache loses sight of it", func(s *corev1.Secret) { delete(s.Labels, v1alpha1.LabelManaged) }),
		Entry("the other label is changed", func(s *corev1.Secret) { s.Labels[v1alpha1.LabelClient] = "other" }),
		Entry("the annotation is removed", func(s *corev1.Secret) { delete(s.Annotations, v1alpha1.AnnotationCredential) }),
		Entry("label, annotation and a key are removed", func(s *corev1.Secret) {
			s.Labels, s.Annotations = nil, nil
			delete(s.Data, v1alpha1.SecretKeyType)
		}),
	)

	It("replaces a Secret of the wrong type and keeps its value", func() {
		wrong := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: before.Namespace, Name: before.Name, Labels: before.Labels,
				Annotations: before.Annotations, OwnerReferences: before.OwnerReferences,
			},
			Data: before.Data,
		}
		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"nonsense"} }) // so that nothing repairs in between
		expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonNotAttempted)
		Expect(admin.Delete(suiteCtx, before)).To(Succeed())
		Expect(admin.Create(suiteCtx, wrong)).To(Succeed())
		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = nil })
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(secretOf(c).Type).To(BeEquivalentTo(v1alpha1.SecretType))
		Expect(value()).To(Equal(had()))
	})

	It("finds the verifier again from the Secret when the status was lost", func() {
		verifier := c.Status.Credentials[0].Verifier
		Eventually(func() error {
			_ = conditions(c)
			c.Status = v1alpha1.OAuthClientStatus{}
			return admin.Status().Update(suiteCtx, c)
		}).Should(Succeed())
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(c.Status.Credentials[0].Verifier).To(Equal(verifier))
		Expect(secretOf(c).ResourceVersion).To(Equal(before.ResourceVersion))
	})

	It("puts a status right that somebody has edited", func() {
		want := *c.Status.DeepCopy()
		Eventually(func() error {
			_ = conditions(c)
			c.Status.ClientID = "somebody.else"
			c.Status.Credentials = append(c.Status.Credentials, v1alpha1.ClientCredential{ID: "abcdefghijkl", Verifier: "v1.x.y"})
			return admin.Status().Update(suiteCtx, c)
		}).Should(Succeed())
		Eventually(func() v1alpha1.OAuthClientStatus { _ = conditions(c); return c.Status }).Should(Equal(want))
		Expect(secretOf(c).ResourceVersion).To(Equal(before.ResourceVersion))
	})

	It("makes all verifiers anew with a new key, from the Secrets, when the key is lost", func() {
		ring := verifierRing()
		Expect(admin.Delete(suiteCtx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNS, Name: keyring.VerifierSecret}})).To(Succeed())
		Eventually(verifierRing).ShouldNot(Or(Equal(keyring.Ring{}), Equal(ring)))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(c.Status.Credentials[0].ID).To(Equal(id))
		Expect(secretOf(c).ResourceVersion).To(Equal(before.ResourceVersion))
	})
})

var _ = Describe("A controller that is started anew", Serial, func() {
	It("writes nothing where all is as it should be", func() {
		as, ns := newServer(), newNamespace(nil)
		var clients []*v1alpha1.OAuthClient
		for range 100 {
			clients = append(clients, newClient(ns, as))
		}
		for _, c := range clients {
			expectReady(c)
		}
		var before [][]string
		for _, c := range clients {
			before = append(before, versions(c))
		}
		var all v1alpha1.OAuthClientList
		Expect(admin.List(suiteCtx, &all)).To(Succeed())
		written, looked := len(audit.in("/namespaces/"+ns+"/")), reconciled("oauthclient")
		Expect(written).To(Equal(2*len(clients)), "two writes for each, however many there are at once")
		restartManager()
		Eventually(func() float64 { return reconciled("oauthclient") }).Should(BeNumerically(">=", looked+float64(len(all.Items))))
		Consistently(func() int { return len(audit.in("/namespaces/" + ns + "/")) }).Should(Equal(written))
		for i, c := range clients {
			Expect(versions(c)).To(Equal(before[i]))
		}
	})
})
