package controllers

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// refers has a client take its client secret from a Secret.
func refers(name, key string) func(*v1alpha1.OAuthClient) {
	return func(c *v1alpha1.OAuthClient) {
		c.Spec.Secret.Ref = &v1alpha1.ClientSecretReference{Name: name, Key: key}
	}
}

// brought returns a Secret that people bring.
func brought(ns, name, key, value string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Data:       map[string][]byte{key: []byte(value), "other": []byte("none of ours")},
	}
}

var _ = Describe("A client secret that is brought", func() {
	var as *v1alpha1.AuthorizationServer
	var ns string
	BeforeEach(func() { as, ns = newServer(), newNamespace(nil) })

	bring := func(value string) *corev1.Secret {
		GinkgoHelper()
		s := brought(ns, unique("brought"), v1alpha1.SecretKeyClientSecret, value)
		Expect(admin.Create(suiteCtx, s)).To(Succeed())
		return s
	}
	replace := func(s *corev1.Secret, value string) {
		GinkgoHelper()
		change(s, func(s *corev1.Secret) { s.Data[v1alpha1.SecretKeyClientSecret] = []byte(value) })
	}

	It("is waited for, and used once it is there, with nothing made in its place", func() {
		c := newClient(ns, as, refers("vault", "password"))
		Expect(expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonReferencedSecretNotFound)).To(And(
			ContainSubstring(`"vault"`), ContainSubstring("does not exist")))
		Consistently(func() *corev1.Secret { return secretOf(c) }).Should(BeNil())
		Expect(c.Status.Credentials).To(BeEmpty())
		Expect(c.Status.Binding).To(BeNil())

		value := strongValue()
		s := brought(ns, "vault", "another-key", value)
		Expect(admin.Create(suiteCtx, s)).To(Succeed())
		Eventually(func() string {
			return meta.FindStatusCondition(conditions(c), v1alpha1.ConditionCredentialsReady).Message
		}).Should(ContainSubstring(`no key "password"`), "sooner than it would be polled")
		Expect(secretOf(c)).To(BeNil())

		change(s, func(s *corev1.Secret) { s.Data["password"] = []byte(value) })
		expectReady(c)
		Expect(complete(c)).To(Succeed())
		Expect(held(c)).To(Equal(value))
		Expect(acceptedAs(c, value)).To(HaveExactElements(v1alpha1.CredentialCurrent))

		had := s.ResourceVersion
		Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(s), s)).To(Succeed())
		Expect(s.ResourceVersion).To(Equal(had), "what is brought is never written to")
		Expect(s.OwnerReferences).To(BeEmpty())
	})

	It("is accepted when it changes, and the former one for the overlap", func() {
		first, second := strongValue(), strongValue()
		s := bring(first)
		c := readyClient(ns, as, refers(s.Name, ""))
		replace(s, second)
		Eventually(func() string { return held(c) }).Should(Equal(second))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(acceptedAs(c, second)).To(HaveExactElements(v1alpha1.CredentialCurrent))
		Expect(acceptedAs(c, first)).To(HaveExactElements(v1alpha1.CredentialRetiring))
		Expect(c.Status.Credentials[1].ExpiresAt.Sub(c.Status.Rotation.LastAt.Time)).To(Equal(c.RotationOverlap()))

		replace(s, first)
		Eventually(func() string { return held(c) }).Should(Equal(first))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(acceptedAs(c, first)).To(ContainElement(v1alpha1.CredentialCurrent), "it may come back")
		Expect(acceptedAs(c, second)).To(HaveExactElements(v1alpha1.CredentialRetiring))
	})

	It("takes the place of one that the controller has made, and stays when it is not brought any more", func() {
		c := readyClient(ns, as)
		made, value := held(c), strongValue()
		s := bring(value)
		change(c, refers(s.Name, ""))
		Eventually(func() string { return held(c) }).Should(Equal(value))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(acceptedAs(c, made)).To(HaveExactElements(v1alpha1.CredentialRetiring))

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Ref = nil })
		expectReady(c)
		Expect(admin.Delete(suiteCtx, s)).To(Succeed())
		Consistently(func() string { return held(c) }).Should(Equal(value))
		Expect(complete(c)).To(Succeed())
	})

	DescribeTable("is refused if it is not good, and the words say what is asked", func(value, asked string) {
		s := bring(value)
		c := newClient(ns, as, refers(s.Name, ""))
		message := expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonClientSecretTooWeak)
		Expect(message).To(And(ContainSubstring(asked), ContainSubstring(s.Name)))
		if value != "" {
			Expect(message).NotTo(ContainSubstring(value))
		}
		Expect(meta.IsStatusConditionTrue(conditions(c), v1alpha1.ConditionStalled)).To(BeTrue())
		Expect(secretOf(c)).To(BeNil())
		Expect(c.Status.Credentials).To(BeEmpty())

		good := strongValue()
		replace(s, good)
		expectReady(c)
		Expect(held(c)).To(Equal(good))
	},
		Entry("empty", "", "openssl rand"),
		Entry("short", "hunter2hunter2", "needs 128"),
		Entry("long, and of little entropy", strings.Repeat("correct horse battery staple ", 1), "needs 128"),
		Entry("with a line break at its end", strings.Repeat("0123456789abcdef7x", 3)+"\n", "line break"),
		Entry("with other characters", "pässwörter-"+strings.Repeat("zufällig", 8), "printable"),
		Entry("too long", strings.Repeat("aB3x-9_k", 200), "may have 1024"),
	)

	It("does not take away what is published when it turns bad or goes, and is used again once it is back", func() {
		value := strongValue()
		s := bring(value)
		c := readyClient(ns, as, refers(s.Name, ""))
		status, before := *c.Status.DeepCopy(), secretOf(c)

		replace(s, "hunter2")
		expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonClientSecretTooWeak)
		Expect(admin.Delete(suiteCtx, s)).To(Succeed())
		expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonReferencedSecretNotFound)
		Expect(c.Status.Credentials).To(Equal(status.Credentials))
		Expect(c.Status.Binding).To(Equal(status.Binding))
		Expect(secretOf(c).ResourceVersion).To(Equal(before.ResourceVersion))
		Expect(acceptedAs(c, value)).To(HaveExactElements(v1alpha1.CredentialCurrent))

		s = brought(ns, s.Name, v1alpha1.SecretKeyClientSecret, value)
		Expect(admin.Create(suiteCtx, s)).To(Succeed())
		expectReady(c)
		Expect(c.Status.Credentials).To(Equal(status.Credentials))
		Expect(secretOf(c).ResourceVersion).To(Equal(before.ResourceVersion))
	})

	DescribeTable("is the same credential after a repair of the Secret that it is copied to", func(damage func(*corev1.Secret)) {
		value := strongValue()
		c := readyClient(ns, as, refers(bring(value).Name, ""))
		id := c.Status.Credentials[0].ID
		damage(secretOf(c))
		Eventually(func() string { return held(c) }).Should(Equal(value))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Consistently(func() []v1alpha1.CredentialState { return acceptedAs(c, value) }).Should(HaveExactElements(v1alpha1.CredentialCurrent))
		Expect(c.Status.Credentials).To(HaveExactElements(HaveField("ID", id)))
	},
		Entry("it was deleted", func(s *corev1.Secret) { Expect(admin.Delete(suiteCtx, s)).To(Succeed()) }),
		Entry("it was damaged", func(s *corev1.Secret) {
			change(s, func(s *corev1.Secret) { s.Data[v1alpha1.SecretKeyClientSecret] = []byte(strongValue()) })
		}),
	)

	It("may come from another client, and follows it", func() {
		first := readyClient(ns, as)
		second := readyClient(ns, as, refers(first.SecretName(), ""))
		Expect(held(second)).To(Equal(held(first)))
		change(first, func(c *v1alpha1.OAuthClient) { c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "1"} })
		old := held(second)
		Eventually(func() string { return held(first) }).ShouldNot(Equal(old))
		Eventually(func() string { return held(second) }).Should(Equal(held(first)))
		Eventually(func() error { return complete(second) }).Should(Succeed())
	})

	It("may be in the Secret that was the client's own before, which is not deleted then", func() {
		c := readyClient(ns, as)
		own := secretOf(c)
		value := held(c)
		change(c, func(c *v1alpha1.OAuthClient) {
			refers(own.Name, "")(c)
			c.Spec.Secret.Name = "renamed"
		})
		expectReady(c)
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(held(c)).To(Equal(value))
		Consistently(func() error { return admin.Get(suiteCtx, client.ObjectKeyFromObject(own), own) }).Should(Succeed())
		Expect(acceptedAs(c, value)).To(HaveExactElements(v1alpha1.CredentialCurrent))
	})
})

var _ = Describe("What the controller reads of Secrets", Serial, func() {
	It("is what it has made, the metadata of others once a client refers to one, and the one value", func() {
		as, ns := newServer(), newNamespace(nil)
		stranger := brought(ns, "stranger", v1alpha1.SecretKeyClientSecret, strongValue())
		Expect(admin.Create(suiteCtx, stranger)).To(Succeed())
		confined := func(o *Options) { o.Namespaces = []string{ns} }
		seen := recordReads(confined)
		lists := func() []string { return seen.in("/secrets?") }
		managed := ContainSubstring("labelSelector=oauth-operator.dev%2Fmanaged%3Dtrue")
		theirs := ContainSubstring("labelSelector=oauth-operator.dev%2Fmanaged%21%3Dtrue")

		readyClient(ns, as)
		for _, list := range lists() {
			if strings.Contains(list, "/namespaces/"+ns+"/") {
				Expect(list).To(managed, "nobody refers to a Secret")
			} else {
				Expect(list).To(And(ContainSubstring("/namespaces/"+operatorNS+"/"), Or(managed, theirs)))
			}
		}

		value := strongValue()
		Expect(admin.Create(suiteCtx, brought(ns, "vault", v1alpha1.SecretKeyClientSecret, value))).To(Succeed())
		c := readyClient(ns, as, refers("vault", ""))
		Expect(held(c)).To(Equal(value))
		var metadata int
		for _, list := range lists() {
			if strings.Contains(list, "/namespaces/"+ns+"/") && !strings.Contains(list, "managed%3Dtrue") {
				Expect(list).To(And(HavePrefix("metadata "), theirs))
				metadata++
			}
		}
		Expect(metadata).To(BeNumerically(">", 0))
		one := "/namespaces/" + ns + "/secrets/"
		Expect(seen.in(one)).To(HaveEach(HaveSuffix("/vault")), "the value of no other")
		Expect(seen.in(one)).To(HaveLen(1), "and that once")

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"email"} })
		expectReady(c)
		Expect(seen.in(one)).To(HaveLen(1), "what has not changed is not read again")
	})
})
