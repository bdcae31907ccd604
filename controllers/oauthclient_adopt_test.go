package controllers

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// strongValue returns a client secret that is good, and not of the form of those
// that the controller makes.
func strongValue() string {
	value := credential.NewSecret() + "-brought"
	issued.add(value)
	return value
}

// acceptedAs returns the states of the credentials of the client, as it is now, by
// which the server accepts the value.
func acceptedAs(c *v1alpha1.OAuthClient, value string) (states []v1alpha1.CredentialState) {
	_ = conditions(c)
	ring := verifierRing()
	for _, p := range c.Status.Credentials {
		keyID, err := credential.KeyID(p.Verifier)
		if err != nil {
			continue
		}
		key, ok := ring.Find(keyring.UseVerifier, keyID, metav1.Now().Time)
		subject := credential.Subject{ClientUID: string(c.UID), CredentialID: p.ID}
		if ok && credential.Matches(p.Verifier, key.Material, subject, value) {
			states = append(states, p.State)
		}
	}
	return states
}

// held returns the client secret that is in the Secret of the client.
func held(c *v1alpha1.OAuthClient) string {
	if s := secretOf(c); s != nil {
		return string(s.Data[v1alpha1.SecretKeyClientSecret])
	}
	return ""
}

// allow has a namespace say which of its Secrets may be taken over.
func allow(ns, names string) {
	GinkgoHelper()
	change(namespace(ns, nil), func(n *corev1.Namespace) {
		n.Annotations = map[string]string{v1alpha1.AnnotationAdoptSecrets: names}
	})
}

// wants has a client want a Secret of that name.
func wants(name string) func(*v1alpha1.OAuthClient) {
	return func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = name }
}

var _ = Describe("A Secret that its namespace allows to take over", func() {
	var as *v1alpha1.AuthorizationServer
	var ns string
	BeforeEach(func() { as, ns = newServer(), newNamespace(nil) })

	// legacy makes a Secret that somebody else has written.
	legacy := func(value string, change ...func(*corev1.Secret)) *corev1.Secret {
		GinkgoHelper()
		s := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: ns, Name: unique("legacy"),
				Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"note": "by hand"},
			},
			StringData: map[string]string{v1alpha1.SecretKeyClientSecret: value, "password": "precious"},
		}
		for _, f := range change {
			f(s)
		}
		Expect(admin.Create(suiteCtx, s)).To(Succeed())
		return s
	}
	// untouched expects that the client does not get the Secret.
	untouched := func(c *v1alpha1.OAuthClient, s *corev1.Secret) {
		GinkgoHelper()
		message := expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretConflict)
		Expect(message).To(ContainSubstring(s.Name))
		Consistently(func() string { return secretOf(c).ResourceVersion }).Should(Equal(s.ResourceVersion))
		Expect(c.Status.Credentials).To(BeEmpty())
		Expect(c.Status.Binding).To(BeNil())
	}

	DescribeTable("is left alone while it does not, and is the client's from then on, with its value and all else that is in it",
		func(annotation func(name string) string) {
			value := strongValue()
			s := legacy(value)
			c := newClient(ns, as, wants(s.Name))
			untouched(c, s)
			Expect(conditions(c)).To(ContainElement(HaveField("Message", ContainSubstring(v1alpha1.AnnotationAdoptSecrets))))

			allow(ns, annotation(s.Name))
			expectReady(c)
			Expect(complete(c)).To(Succeed())
			Expect(acceptedAs(c, value)).To(HaveExactElements(v1alpha1.CredentialCurrent))
			after := secretOf(c)
			Expect(after.UID).To(Equal(s.UID), "it is the same object")
			Expect(held(c)).To(Equal(value))
			Expect(after.Data).To(HaveKeyWithValue("password", []byte("precious")))
			Expect(after.Data).To(HaveKeyWithValue(v1alpha1.SecretKeyIssuerURI, []byte(as.Spec.Issuer)))
			Expect(after.Labels).To(HaveKeyWithValue("app", "web"))
			Expect(after.Annotations).To(HaveKeyWithValue("note", "by hand"))

			allow(ns, "")
			change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"email"} })
			expectReady(c)
			Eventually(func() string { return string(secretOf(c).Data[v1alpha1.SecretKeyScopes]) }).Should(Equal("email"))
			Expect(held(c)).To(Equal(value))
			Expect(secretOf(c).UID).To(Equal(s.UID))
		},
		Entry("by name", func(name string) string { return "other, " + name }),
		Entry("by a star", func(string) string { return "*" }),
	)

	It("keeps its value through the loss of the status and of the verifier key", Serial, func() {
		value := strongValue()
		s := legacy(value)
		allow(ns, s.Name)
		c := readyClient(ns, as, wants(s.Name))
		allow(ns, "")
		stopManager()
		c.Status = v1alpha1.OAuthClientStatus{}
		Expect(admin.Status().Update(suiteCtx, c)).To(Succeed())
		stopManager = startManager()
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(held(c)).To(Equal(value))

		ring := verifierRing()
		Expect(admin.Delete(suiteCtx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNS, Name: keyring.VerifierSecret}})).To(Succeed())
		Eventually(verifierRing).ShouldNot(Or(Equal(keyring.Ring{}), Equal(ring)))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(held(c)).To(Equal(value))
		Expect(acceptedAs(c, value)).To(HaveExactElements(v1alpha1.CredentialCurrent))
	})

	It("gets a client secret that is good in the place of one that is not", func() {
		s := legacy("hunter2")
		allow(ns, s.Name)
		c := readyClient(ns, as, wants(s.Name))
		Expect(complete(c)).To(Succeed())
		Expect(held(c)).To(HaveLen(43))
		Expect(acceptedAs(c, "hunter2")).To(BeEmpty())
		Expect(secretOf(c).Data).To(HaveKeyWithValue("password", []byte("precious")))
	})

	It("gives a client that has credentials its value, and the former one has its overlap", func() {
		c := readyClient(ns, as)
		old := held(c)
		value := strongValue()
		s := legacy(value)
		allow(ns, s.Name)
		change(c, wants(s.Name))
		Eventually(func() string { return held(c) }).Should(Equal(value))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(acceptedAs(c, value)).To(HaveExactElements(v1alpha1.CredentialCurrent))
		Expect(acceptedAs(c, old)).To(HaveExactElements(v1alpha1.CredentialRetiring))
	})

	It("is not touched for what another namespace allows, or for another name", func() {
		allow(newNamespace(nil), "*")
		s := legacy(strongValue())
		allow(ns, "not-"+s.Name+","+s.Name+"-not")
		untouched(newClient(ns, as, wants(s.Name)), s)
	})

	DescribeTable("is not touched all the same where it is somebody else's for good", func(owned func(*corev1.Secret)) {
		s := legacy(strongValue(), owned)
		allow(ns, "*")
		untouched(newClient(ns, as, wants(s.Name)), s)
	},
		Entry("something else controls it", func(s *corev1.Secret) {
			s.OwnerReferences = []metav1.OwnerReference{{
				APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret", Name: "web", UID: types.UID("0b4b"), Controller: new(true),
			}}
		}),
		Entry("it is of a type that means something to others", func(s *corev1.Secret) {
			s.Type = corev1.SecretTypeBasicAuth
		}),
		Entry("it has keys of the operator", func(s *corev1.Secret) {
			s.Labels = map[string]string{v1alpha1.LabelManaged: "true", v1alpha1.LabelKeys: v1alpha1.KeysVerifier}
		}),
	)

	It("is not the client's for one of the operator's labels alone", func() {
		c := oauthClient(ns, as)
		s := legacy(strongValue(), func(s *corev1.Secret) { s.Labels = map[string]string{v1alpha1.LabelClient: c.Name} })
		wants(s.Name)(c)
		Expect(admin.Create(suiteCtx, c)).To(Succeed())
		untouched(c, s)
	})

	It("is not taken from another client that has it", func() {
		first := readyClient(ns, as, func(c *v1alpha1.OAuthClient) {
			c.Spec.Secret.Name, c.Spec.Secret.DeletionPolicy = "shared", v1alpha1.DeletionPolicyRetain
		})
		allow(ns, "*")
		s := secretOf(first)
		untouched(newClient(ns, as, wants("shared")), s)
		Expect(complete(first)).To(Succeed())
	})

	It("is never read before that: of what is somebody else's the metadata is enough", Serial, func() {
		s := legacy(strongValue())
		seen := recordReads()
		c := newClient(ns, as, wants(s.Name))
		untouched(c, s)
		Expect(seen.in("/namespaces/" + ns + "/secrets/" + s.Name)).To(And(Not(BeEmpty()), HaveEach(HavePrefix("metadata "))))
		allow(ns, s.Name)
		expectReady(c)
		Expect(seen.in("/namespaces/" + ns + "/secrets/" + s.Name)).To(ContainElement(HavePrefix("object ")))
	})

	It("is deleted and made again for another type only if the template asks for it, and loses nothing", func() {
		value := strongValue()
		s := legacy(value)
		Expect(s.Type).To(Equal(corev1.SecretTypeOpaque))
		allow(ns, s.Name)
		typed := func(typ string) func(*v1alpha1.OAuthClient) {
			return func(c *v1alpha1.OAuthClient) {
				c.Spec.Secret.Name, c.Spec.Secret.Template = s.Name, &v1alpha1.SecretTemplate{Type: typ}
			}
		}
		c := newClient(ns, as, typed("example.com/oauth"))
		Expect(expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretConflict)).To(ContainSubstring("Opaque"))
		Expect(secretOf(c).ResourceVersion).To(Equal(s.ResourceVersion), "what somebody else has made is not deleted")

		change(c, typed(""))
		expectReady(c)
		Expect(secretOf(c).UID).To(Equal(s.UID))
		change(c, typed("example.com/oauth"))
		Eventually(func() corev1.SecretType {
			if s := secretOf(c); s != nil {
				return s.Type
			}
			return ""
		}).Should(BeEquivalentTo("example.com/oauth"))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(held(c)).To(Equal(value))
		Expect(secretOf(c).Data).To(HaveKeyWithValue("password", []byte("precious")))
		Expect(secretOf(c).Labels).To(HaveKeyWithValue("app", "web"))
		Expect(secretOf(c).Annotations).To(HaveKeyWithValue("note", "by hand"))
	})
})
