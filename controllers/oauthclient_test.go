package controllers

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("A new OAuthClient", func() {
	It("becomes Ready with a Secret that a workload can use, by two writes, and then stands still", func() {
		as, ns := newServer(), newNamespace(nil)
		c := readyClient(ns, as)
		Expect(complete(c)).To(Succeed())

		s := secretOf(c)
		Expect(s.Name).To(Equal(c.Name + "-oauth"))
		Expect(s.Type).To(BeEquivalentTo(v1alpha1.SecretType))
		Expect(s.Labels).To(Equal(map[string]string{v1alpha1.LabelManaged: "true", v1alpha1.LabelClient: c.Name}))
		text := map[string]string{}
		for key, value := range s.Data {
			text[key] = string(value)
		}
		Expect(text[v1alpha1.SecretKeyClientSecret]).To(HaveLen(43))
		delete(text, v1alpha1.SecretKeyClientSecret)
		Expect(text).To(Equal(map[string]string{
			"type":                       "oauth2",
			"provider":                   "oauth-operator",
			"client-id":                  ns + "." + c.Name,
			"issuer-uri":                 as.Spec.Issuer,
			"scopes":                     "openid profile",
			"token-endpoint-auth-method": "client_secret_basic",
			"redirect-uris":              "https://web.example.com/callback",
			"authorization-endpoint":     as.Spec.Issuer + "/authorize",
			"token-endpoint":             as.Spec.Issuer + "/token",
			"userinfo-endpoint":          as.Spec.Issuer + "/userinfo",
			"jwks-uri":                   as.Spec.Issuer + "/jwks",
			"revocation-endpoint":        as.Spec.Issuer + "/revoke",
			"introspection-endpoint":     as.Spec.Issuer + "/introspect",
		}))
		Expect(c.Status.AuthorizationServer).To(Equal(as.Name))
		Expect(c.Status.Issuer).To(Equal(as.Spec.Issuer))
		Expect(c.Status.ObservedGeneration).To(Equal(c.Generation))
		Expect(c.Status.Credentials[0].CreatedAt.IsZero()).To(BeFalse())

		before := versions(c)
		Consistently(func() []string { return versions(c) }).Should(Equal(before))
		path := "/namespaces/" + ns + "/"
		Expect(audit.in(path)).To(Equal([]string{
			"POST /api/v1" + path + "secrets",
			"PUT /apis/oauth-operator.dev/v1alpha1" + path + "oauthclients/" + c.Name + "/status",
		}))
	})

	It("gets the device authorization endpoint with the device code grant, and not without it any more", func() {
		as, ns := newServer(), newNamespace(nil)
		c := readyClient(ns, as, func(c *v1alpha1.OAuthClient) {
			c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
			c.Spec.GrantTypes, c.Spec.RedirectURIs = []v1alpha1.GrantType{v1alpha1.GrantTypeDeviceCode}, nil
		})
		Expect(secretOf(c).Data).To(HaveKeyWithValue("device-authorization-endpoint", []byte(as.Spec.Issuer+"/device_authorization")))
		Expect(secretOf(c).Data).NotTo(Or(HaveKey("redirect-uris"), HaveKey("client-secret")))
		change(c, func(c *v1alpha1.OAuthClient) {
			c.Spec.GrantTypes, c.Spec.RedirectURIs = []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode}, []string{"https://tv.example.com/callback"}
		})
		expectReady(c)
		Expect(secretOf(c).Data).NotTo(HaveKey("device-authorization-endpoint"))
	})

	It("gets no client-secret if it is a public client, and one once it is none any more", func() {
		as, ns := newServer(), newNamespace(nil)
		c := readyClient(ns, as, func(c *v1alpha1.OAuthClient) { c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone })
		Expect(secretOf(c).Data).NotTo(HaveKey(v1alpha1.SecretKeyClientSecret))
		Expect(secretOf(c).Data).To(HaveKeyWithValue(v1alpha1.SecretKeyAuthMethod, []byte("none")))
		Expect(c.Status.Credentials).To(BeEmpty())

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodClientSecretPost })
		Eventually(func() error { return complete(c) }).Should(Succeed())

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone })
		expectReady(c)
		Expect(secretOf(c).Data).NotTo(HaveKey(v1alpha1.SecretKeyClientSecret))
		Expect(secretOf(c).Annotations).NotTo(HaveKey(v1alpha1.AnnotationCredential))
		Expect(c.Status.Credentials).To(BeEmpty())
	})

	It("keeps its secret when the name of the Secret is changed, and leaves none behind", func() {
		as, ns := newServer(), newNamespace(nil)
		c := readyClient(ns, as)
		old, id := secretOf(c), c.Status.Credentials[0].ID

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = "credentials" })
		expectReady(c)
		Expect(complete(c)).To(Succeed())
		Expect(c.Status.Credentials[0].ID).To(Equal(id))
		Expect(secretOf(c).Data).To(Equal(old.Data))
		Eventually(func() []corev1.Secret {
			var list corev1.SecretList
			Expect(admin.List(suiteCtx, &list, inNamespace(ns))).To(Succeed())
			return list.Items
		}).Should(HaveLen(1))
		Expect(complete(c)).To(Succeed())
	})

	It("keeps its secret when the name of the Secret is changed back at once", func() {
		as, ns := newServer(), newNamespace(nil)
		const rounds = 150
		c := readyClient(ns, as)
		first, id := c.SecretName(), c.Status.Credentials[0].ID
		for round := range rounds {
			name := first
			if round%2 == 0 {
				name = "other"
			}
			change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = name })
			expectReady(c)
			Expect(c.Status.Credentials[0].ID).To(Equal(id))
		}
		Expect(complete(c)).To(Succeed())
	})

	It("has only those keys of its Secret rewritten that a new issuer changes", func() {
		as, ns := newServer(), newNamespace(nil)
		c := readyClient(ns, as)
		before := secretOf(c)
		change(before, func(s *corev1.Secret) { s.Data["added-by-somebody"] = []byte("stays") })

		change(as, func(as *v1alpha1.AuthorizationServer) { as.Spec.Issuer = "https://moved." + as.Name + ".example.com" })
		Eventually(func() string { return string(secretOf(c).Data[v1alpha1.SecretKeyIssuerURI]) }).Should(Equal(as.Spec.Issuer))
		Eventually(func() string { _ = conditions(c); return c.Status.Issuer }).Should(Equal(as.Spec.Issuer))
		Expect(complete(c)).To(Succeed())
		after := secretOf(c)
		Expect(after.UID).To(Equal(before.UID))
		Expect(after.Data[v1alpha1.SecretKeyClientSecret]).To(Equal(before.Data[v1alpha1.SecretKeyClientSecret]))
		Expect(after.Data).To(HaveKeyWithValue("added-by-somebody", []byte("stays")))
	})

	It("says so when the API server refuses its Secret", func() {
		as, ns := newServer(), newNamespace(nil)
		c := readyClient(ns, as)
		s := secretOf(c)
		change(s, func(s *corev1.Secret) { s.Immutable = new(bool); *s.Immutable = true })
		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []string{"email"} })
		message := expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretRejected)
		Expect(message).To(ContainSubstring("immutable"))
		Expect(message).NotTo(ContainSubstring(string(s.Data[v1alpha1.SecretKeyClientSecret])))
	})
})

var _ = Describe("A Secret that belongs to somebody else", func() {
	foreign := func(ns, name string, labels map[string]string) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Labels: labels},
			StringData: map[string]string{"client-secret": "not ours", "password": "precious"},
		}
	}

	DescribeTable("is left alone, and a condition says so", func(labels map[string]string) {
		as, ns := newServer(), newNamespace(nil)
		s := foreign(ns, "taken", labels)
		Expect(admin.Create(suiteCtx, s)).To(Succeed())
		c := newClient(ns, as, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = "taken" })

		Expect(expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretConflict)).To(ContainSubstring(`"taken"`))
		Expect(c.Status.Binding).To(BeNil())
		Expect(c.Status.Credentials).To(BeEmpty())
		Consistently(func() string { return secretOf(c).ResourceVersion }).Should(Equal(s.ResourceVersion))

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = "free" })
		expectReady(c)
		Expect(complete(c)).To(Succeed())
	},
		Entry("where the cache cannot see it", nil),
		Entry("where it carries our label", map[string]string{v1alpha1.LabelManaged: "true"}),
	)

	It("keeps what a client has already, if it is what the client wants next", func() {
		as, ns := newServer(), newNamespace(nil)
		c := readyClient(ns, as)
		had := *c.Status.DeepCopy()
		Expect(admin.Create(suiteCtx, foreign(ns, "taken", nil))).To(Succeed())
		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = "taken" })
		expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretConflict)
		Expect(c.Status.Binding).To(Equal(had.Binding))
		Expect(c.Status.Credentials).To(Equal(had.Credentials))
		c.Spec.Secret.Name = had.Binding.Name
		Expect(secretOf(c)).NotTo(BeNil())
	})

	It("is not touched by two clients that want the same Secret: it is the first one's", func() {
		as, ns := newServer(), newNamespace(nil)
		share := func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = "shared" }
		first := readyClient(ns, as, share)
		before := secretOf(first).ResourceVersion
		second := newClient(ns, as, share)
		expectNot(second, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretConflict)
		Expect(secretOf(first).ResourceVersion).To(Equal(before))
		Expect(complete(first)).To(Succeed())
	})

	It("is either all theirs or all ours, whoever wins a race for the name", func() {
		as, ns := newServer(), newNamespace(nil)
		const rounds = 25
		for range rounds {
			c := oauthClient(ns, as)
			theirs := foreign(ns, c.SecretName(), nil)
			Expect(admin.Create(suiteCtx, c)).To(Succeed())
			lost := admin.Create(suiteCtx, theirs)
			if lost != nil {
				Eventually(func() error { return complete(c) }).Should(Succeed())
				Expect(secretOf(c).Data).NotTo(HaveKey("password"))
				continue
			}
			expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretConflict)
			Expect(secretOf(c).ResourceVersion).To(Equal(theirs.ResourceVersion))
		}
	})
})
