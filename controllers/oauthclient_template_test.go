package controllers

import (
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// templates has a client want its Secret in another form.
func templates(t v1alpha1.SecretTemplate) func(*v1alpha1.OAuthClient) {
	return func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Template = &t }
}

// textOf returns the value of a key of the client's Secret.
func textOf(c *v1alpha1.OAuthClient, key string) string {
	if s := secretOf(c); s != nil {
		return string(s.Data[key])
	}
	return ""
}

type texts = map[string]v1alpha1.TemplateText

var _ = Describe("The template of a client's Secret", func() {
	var as *v1alpha1.AuthorizationServer
	var ns string
	BeforeEach(func() { as, ns = newServer(), newNamespace(nil) })

	It("gives the Secret its keys, labels, annotations and type, and every field that there is", func() {
		var all strings.Builder
		fields := []string{
			"Namespace", "Name", "ClientID", "ClientSecret", "Issuer", "Provider", "TokenEndpointAuthMethod",
			"AuthorizationEndpoint", "TokenEndpoint", "UserinfoEndpoint", "JWKSURI",
		}
		for _, field := range fields {
			all.WriteString(field + "={{ ." + field + " }}\n")
		}
		all.WriteString(`Scopes={{ join "," .Scopes }}` + "\n" + `RedirectURIs={{ range .RedirectURIs }}<{{ . }}>{{ end }}`)
		c := readyClient(ns, as, func(c *v1alpha1.OAuthClient) {
			c.Spec.RedirectURIs = append(c.Spec.RedirectURIs, "https://web.example.com/other")
			templates(v1alpha1.SecretTemplate{
				Type: "example.com/credentials", Labels: map[string]string{"team": "web"},
				Annotations: map[string]string{"example.com/note": "two\nlines"},
				Data:        texts{"all.env": v1alpha1.TemplateText(all.String())},
			})(c)
		})
		Expect(complete(c)).To(Succeed())
		s := secretOf(c)
		Expect(s.Type).To(BeEquivalentTo("example.com/credentials"))
		Expect(s.Labels).To(Equal(map[string]string{"team": "web", v1alpha1.LabelManaged: "true", v1alpha1.LabelClient: c.Name}))
		Expect(s.Annotations).To(HaveKeyWithValue("example.com/note", "two\nlines"))
		Expect(s.Data).To(HaveLen(2), "the keys of the template, and client-secret")
		Expect(strings.Split(textOf(c, "all.env"), "\n")).To(Equal([]string{
			"Namespace=" + ns, "Name=" + c.Name, "ClientID=" + ns + "." + c.Name, "ClientSecret=" + held(c),
			"Issuer=" + as.Spec.Issuer, "Provider=oauth-operator", "TokenEndpointAuthMethod=client_secret_basic",
			"AuthorizationEndpoint=" + as.Spec.Issuer + "/authorize", "TokenEndpoint=" + as.Spec.Issuer + "/token",
			"UserinfoEndpoint=" + as.Spec.Issuer + "/userinfo", "JWKSURI=" + as.Spec.Issuer + "/jwks",
			"Scopes=openid,profile", "RedirectURIs=<https://web.example.com/callback><https://web.example.com/other>",
		}))
		before := versions(c)
		Consistently(func() []string { return versions(c) }).Should(Equal(before))
	})

	It("is followed key by key, and what it has no more goes, with what somebody else has added left alone", func() {
		c := readyClient(ns, as, templates(v1alpha1.SecretTemplate{
			Labels: map[string]string{"a": "1", "b": "1"}, Annotations: map[string]string{"a": "1", "b": "1"},
			Data: texts{"a": "{{ .Name }}", "b": "{{ .Issuer }}"},
		}))
		value := held(c)
		change(secretOf(c), func(s *corev1.Secret) {
			s.Labels["theirs"], s.Annotations["theirs"], s.Data["theirs"] = "1", "1", []byte("1")
		})
		change(c, templates(v1alpha1.SecretTemplate{
			Labels: map[string]string{"a": "2"}, Annotations: map[string]string{"a": "2"}, Data: texts{"a": "{{ .ClientID }}", "c": "c"},
		}))
		expectReady(c)
		keys := func() (keys []string) {
			for key := range secretOf(c).Data {
				keys = append(keys, key)
			}
			return keys
		}
		Expect(keys()).To(ConsistOf("a", "c", "theirs", "client-secret"))
		Expect(textOf(c, "a")).To(Equal(ns + "." + c.Name))
		Expect(secretOf(c).Labels).To(Equal(map[string]string{
			"a": "2", "theirs": "1", v1alpha1.LabelManaged: "true", v1alpha1.LabelClient: c.Name,
		}))
		Expect(secretOf(c).Annotations).To(And(HaveKeyWithValue("a", "2"), HaveKeyWithValue("theirs", "1"), Not(HaveKey("b"))))

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Template = nil })
		expectReady(c)
		Expect(keys()).To(ConsistOf("theirs", "client-secret", "type", "provider", "client-id", "issuer-uri", "scopes", "redirect-uris",
			"token-endpoint-auth-method", "authorization-endpoint", "token-endpoint", "userinfo-endpoint", "jwks-uri",
			"revocation-endpoint", "introspection-endpoint"))
		Expect(secretOf(c).Labels).NotTo(HaveKey("a"))
		Expect(secretOf(c).Annotations).To(And(HaveKey("theirs"), Not(HaveKey("a"))))
		Expect(held(c)).To(Equal(value))
		Expect(complete(c)).To(Succeed())
	})

	It("is written as a whole: what goes and what comes, by one write", func() {
		c := readyClient(ns, as)
		path := "/namespaces/" + ns + "/secrets"
		before := len(audit.in(path))
		change(c, templates(v1alpha1.SecretTemplate{Data: texts{"env": "ID={{ .ClientID }}"}}))
		expectReady(c)
		Expect(textOf(c, "env")).To(Equal("ID=" + ns + "." + c.Name))
		Expect(secretOf(c).Data).To(HaveLen(2))
		Expect(audit.in(path)).To(HaveLen(before + 1))
	})

	It("gives a Secret of another type by making it again, with the same client secret", func() {
		c := readyClient(ns, as)
		value, first := held(c), secretOf(c)
		change(first, func(s *corev1.Secret) { s.Data["theirs"] = []byte("precious") })
		change(c, templates(v1alpha1.SecretTemplate{Type: "Opaque"}))
		expectReady(c)
		Expect(complete(c)).To(Succeed())
		Expect(secretOf(c).UID).NotTo(Equal(first.UID))
		Expect(secretOf(c).Type).To(Equal(corev1.SecretTypeOpaque))
		Expect(secretOf(c).Data).To(HaveKeyWithValue("theirs", []byte("precious")))
		Expect(held(c)).To(Equal(value))

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Template = nil })
		expectReady(c)
		Expect(complete(c)).To(Succeed())
		Expect(secretOf(c).Type).To(BeEquivalentTo(v1alpha1.SecretType))
		Expect(held(c)).To(Equal(value))
	})

	DescribeTable("is refused with key, line and column, and the Secret stays as it was, as a whole", func(text, position, says string) {
		c := readyClient(ns, as, templates(v1alpha1.SecretTemplate{Data: texts{"good": "{{ .Name }}"}}))
		before := secretOf(c)
		credentials := c.Status.Credentials
		change(c, templates(v1alpha1.SecretTemplate{
			Labels: map[string]string{"new": "1"},
			Data:   texts{"a-new": "{{ .Issuer }}", "bad": v1alpha1.TemplateText(text), "z-new": "{{ .Name }}"},
		}))
		Expect(expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonTemplateInvalid)).To(And(
			HavePrefix("spec.secret.template.data[bad]: "+position+": "), ContainSubstring(says), Not(ContainSubstring(held(c)))))
		Expect(secretOf(c).ResourceVersion).To(Equal(before.ResourceVersion))
		Expect(c.Status.Credentials).To(Equal(credentials))
		Expect(acceptedAs(c, held(c))).To(HaveExactElements(v1alpha1.CredentialCurrent))
		Expect(c.Status.Binding).NotTo(BeNil())
	},
		Entry("it does not parse", "one\n  {{ .Name", "line 2, column 3", "unclosed action"),
		Entry("it names an unknown field", "one\ntwo {{ .Client }}", "line 2, column 8", ".Client"),
		Entry("it names an unknown field where it is not taken", "{{ if false }}{{ .Password }}{{ end }}", "line 1, column 18", "Password"),
		Entry("it names an unknown function", `{{ env "HOME" }}`, "line 1, column 4", "env"),
	)

	It("that is refused keeps a new client from getting a Secret", func() {
		c := newClient(ns, as, templates(v1alpha1.SecretTemplate{Data: texts{"bad": "{{ .Secret }}"}}))
		expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonTemplateInvalid)
		Consistently(func() *corev1.Secret { return secretOf(c) }).Should(BeNil())
		Expect(c.Status.Credentials).To(BeEmpty())
		change(c, templates(v1alpha1.SecretTemplate{Data: texts{"bad": "{{ .ClientSecret }}"}}))
		expectReady(c)
		Expect(textOf(c, "bad")).To(Equal(held(c)))
	})

	It("is rendered anew for another issuer, and for a new client secret", func() {
		c := readyClient(ns, as, templates(v1alpha1.SecretTemplate{Data: texts{"env": "{{ .TokenEndpoint }} {{ .ClientSecret }}"}}))
		change(as, func(as *v1alpha1.AuthorizationServer) { as.Spec.Issuer = "https://moved." + as.Name + ".example.com" })
		Eventually(func() string { return textOf(c, "env") }).Should(Equal(as.Spec.Issuer + "/token " + held(c)))

		value := held(c)
		change(c, func(c *v1alpha1.OAuthClient) { c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "1"} })
		Eventually(func() string { return held(c) }).ShouldNot(Equal(value))
		Expect(textOf(c, "env")).To(HaveSuffix(" " + held(c)))
	})

	It("writes values as they are, and escaped where it asks for it", func() {
		value := strongValue() + `"\'{{ .Name }}<&>` + "`$(id)"
		issued.add(value)
		Expect(admin.Create(suiteCtx, brought(ns, "vault", v1alpha1.SecretKeyClientSecret, value))).To(Succeed())
		c := readyClient(ns, as, func(c *v1alpha1.OAuthClient) {
			refers("vault", "")(c)
			templates(v1alpha1.SecretTemplate{Data: texts{
				"plain": "{{ .ClientSecret }}", "conf.json": `{"secret": {{ json .ClientSecret }}, "scopes": {{ json .Scopes }}}` + "\n",
			}})(c)
		})
		Expect(textOf(c, "plain")).To(Equal(value), "a value is no template")
		Expect(held(c)).To(Equal(value))
		var read struct {
			Secret string
			Scopes []string
		}
		Expect(json.Unmarshal([]byte(textOf(c, "conf.json")), &read)).To(Succeed())
		Expect(read.Secret).To(Equal(value))
		Expect(read.Scopes).To(Equal([]string{"openid", "profile"}))
		Expect(textOf(c, "conf.json")).To(HaveSuffix("\n"))
	})

	It("of a public client has no client secret to give", func() {
		c := readyClient(ns, as, func(c *v1alpha1.OAuthClient) {
			c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
			templates(v1alpha1.SecretTemplate{Data: texts{"env": "{{ .ClientID }}[{{ .ClientSecret }}]{{ if .ClientSecret }}x{{ end }}"}})(c)
		})
		Expect(textOf(c, "env")).To(Equal(ns + "." + c.Name + "[]"))
		Expect(secretOf(c).Data).To(HaveLen(1))
	})

	DescribeTable("is refused by the API server if it wants what is the operator's, or Kubernetes' own", func(t v1alpha1.SecretTemplate, says string) {
		err := admin.Create(suiteCtx, oauthClient(ns, as, templates(t)))
		Expect(err).To(MatchError(ContainSubstring(says)))
	},
		Entry("a label", v1alpha1.SecretTemplate{Labels: map[string]string{v1alpha1.LabelClient: "other"}}, "labels must not"),
		Entry("an annotation", v1alpha1.SecretTemplate{Annotations: map[string]string{v1alpha1.AnnotationCredential: "x"}}, "annotations must not"),
		Entry("the key client-secret", v1alpha1.SecretTemplate{Data: texts{"client-secret": "x"}}, "must not have the key client-secret"),
		Entry("a type", v1alpha1.SecretTemplate{Type: "kubernetes.io/service-account-token"}, "Kubernetes' own"),
	)
})

var _ = Describe("The deletion policy of a client's Secret", func() {
	var as *v1alpha1.AuthorizationServer
	var ns string
	BeforeEach(func() { as, ns = newServer(), newNamespace(nil) })
	policy := func(p v1alpha1.DeletionPolicy) func(*v1alpha1.OAuthClient) {
		return func(c *v1alpha1.OAuthClient) { c.Spec.Secret.DeletionPolicy = p }
	}

	It("says whether the client owns it, and can be changed", func() {
		c := readyClient(ns, as)
		s := secretOf(c)
		Expect(metav1.IsControlledBy(s, c)).To(BeTrue())
		Expect(s.OwnerReferences).To(HaveLen(1))
		Expect(s.OwnerReferences[0].BlockOwnerDeletion).To(BeNil())
		Expect(append(s.Finalizers, c.Finalizers...)).To(BeEmpty(), "nothing can hold a deletion up")

		change(c, policy(v1alpha1.DeletionPolicyRetain))
		Eventually(func() []metav1.OwnerReference { return secretOf(c).OwnerReferences }).Should(BeEmpty())
		Eventually(func() error { return complete(c) }).Should(Succeed())
		change(c, policy(v1alpha1.DeletionPolicyDelete))
		Eventually(func() bool { return metav1.IsControlledBy(secretOf(c), c) }).Should(BeTrue())
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(secretOf(c).Data).To(Equal(s.Data))
		Expect(secretOf(c).UID).To(Equal(s.UID))
	})

	DescribeTable("has a Secret that stayed serve the next client of that name", func(next v1alpha1.DeletionPolicy) {
		c := readyClient(ns, as, policy(v1alpha1.DeletionPolicyRetain))
		Expect(secretOf(c).OwnerReferences).To(BeEmpty())
		value, uid := held(c), secretOf(c).UID
		Expect(admin.Delete(suiteCtx, c)).To(Succeed())

		again := oauthClient(ns, as, policy(next))
		again.Name = c.Name
		Expect(admin.Create(suiteCtx, again)).To(Succeed())
		expectReady(again)
		Expect(again.UID).NotTo(Equal(c.UID))
		Expect(complete(again)).To(Succeed())
		Expect(held(again)).To(Equal(value))
		Expect(secretOf(again).UID).To(Equal(uid))
		Expect(acceptedAs(again, value)).To(HaveExactElements(v1alpha1.CredentialCurrent))
	},
		Entry("which retains it too", v1alpha1.DeletionPolicyRetain),
		Entry("which does not", v1alpha1.DeletionPolicyDelete),
	)

	It("gives nobody of another name a Secret that stayed", func() {
		c := readyClient(ns, as, policy(v1alpha1.DeletionPolicyRetain))
		before := secretOf(c)
		Expect(admin.Delete(suiteCtx, c)).To(Succeed())
		other := newClient(ns, as, wants(before.Name))
		expectNot(other, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretConflict)
		Expect(secretOf(other).ResourceVersion).To(Equal(before.ResourceVersion))
	})

	It("is repaired and put right where nothing owns the Secret", func() {
		c := readyClient(ns, as, policy(v1alpha1.DeletionPolicyRetain))
		s := secretOf(c)
		change(s, func(s *corev1.Secret) { delete(s.Data, v1alpha1.SecretKeyTokenURI) })
		Eventually(func() string { return textOf(c, v1alpha1.SecretKeyTokenURI) }).Should(Equal(as.Spec.Issuer + "/token"))
		value := held(c)
		Expect(admin.Delete(suiteCtx, secretOf(c))).To(Succeed())
		Eventually(func() string { return held(c) }).ShouldNot(Or(BeEmpty(), Equal(value)))
		Eventually(func() error { return complete(c) }).Should(Succeed())
	})

	It("has a Secret of another name leave nothing behind, though nothing owns it", func() {
		c := readyClient(ns, as, policy(v1alpha1.DeletionPolicyRetain))
		value := held(c)
		change(c, wants("renamed"))
		expectReady(c)
		Expect(held(c)).To(Equal(value))
		Eventually(func() []corev1.Secret {
			var list corev1.SecretList
			Expect(admin.List(suiteCtx, &list, inNamespace(ns))).To(Succeed())
			return list.Items
		}).Should(HaveLen(1))
		Expect(complete(c)).To(Succeed())
		Expect(acceptedAs(c, value)).To(HaveExactElements(v1alpha1.CredentialCurrent))
	})
})
