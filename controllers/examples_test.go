package controllers

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
)

// The examples of config/examples, in namespaces of their own and with an
// AuthorizationServer of their own.
var _ = Describe("The example of a client", func() {
	example := func(name string) *v1alpha1.OAuthClient {
		GinkgoHelper()
		as, ns := newServer(), newNamespace(nil)
		found := &v1alpha1.OAuthClient{}
		for _, o := range manifestsOf(filepath.Join("..", "config", "examples", name+".yaml")) {
			o.SetNamespace(ns)
			if o.GetKind() == "OAuthClient" {
				Expect(unstructured.SetNestedField(o.Object, as.Name, "spec", "authorizationServerRef", "name")).To(Succeed())
				found.Namespace, found.Name = ns, o.GetName()
			}
			Expect(admin.Create(suiteCtx, o, client.FieldValidation(metav1.FieldValidationStrict))).To(Succeed())
		}
		Expect(found.Name).To(Equal(name))
		return found
	}

	It("that rotates says when it will", func() {
		c := example("rotated")
		expectReady(c)
		Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(c), c)).To(Succeed())
		berlin, err := time.LoadLocation("Europe/Berlin")
		Expect(err).NotTo(HaveOccurred())
		next := c.Status.Rotation.NextAt.In(berlin)
		Expect(next).To(BeTemporally(">=", time.Now().Add(719*time.Hour)))
		Expect(next.Weekday()).To(BeElementOf(time.Monday, time.Tuesday, time.Wednesday, time.Thursday))
		Expect(next.Hour()).To(And(BeNumerically(">=", 9), BeNumerically("<", 16)))
	})

	It("that has a template has the Secret that its workload reads", func() {
		c := example("templated")
		expectReady(c)
		Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(c), c)).To(Succeed())
		s := secretOf(c)
		Expect(s.Name).To(Equal("grafana-oauth"))
		Expect(s.Labels).To(HaveKeyWithValue("app.kubernetes.io/part-of", "grafana"))
		Expect(s.Data).To(And(
			HaveKeyWithValue("GF_AUTH_GENERIC_OAUTH_CLIENT_ID", []byte(c.Status.ClientID)),
			HaveKeyWithValue("GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET", s.Data[v1alpha1.SecretKeyClientSecret]),
			HaveKeyWithValue("GF_AUTH_GENERIC_OAUTH_SCOPES", []byte("openid profile email")),
		))
	})

	It("that publishes its keys is ready without a client secret", func() {
		c := example("published")
		expectReady(c)
		Expect(secretOf(c).Data).NotTo(HaveKey(v1alpha1.SecretKeyClientSecret))
	})

	It("that runs on a device is ready without redirect URI and secret, and knows where to ask for codes", func() {
		c := example("device")
		expectReady(c)
		Expect(secretOf(c).Data).To(HaveKey(v1alpha1.SecretKeyDeviceURI))
		Expect(secretOf(c).Data).NotTo(HaveKey(v1alpha1.SecretKeyClientSecret))
	})

	It("that brings its secret waits for it, and has it", func() {
		c := example("brought")
		expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonReferencedSecretNotFound)
		Expect(healthNow(c)(Default)).To(Satisfy(inProgress))
		const value = "5d1c0a7e9b3f48266f0e2d4c8b7a91533c5e7f1a2b4d6c80"
		issued.add(value)
		brought := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: "brought-from-vault"}}
		brought.StringData = map[string]string{"password": value}
		Expect(admin.Create(suiteCtx, brought)).To(Succeed())
		expectReady(c)
		Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(c), c)).To(Succeed())
		Expect(string(secretOf(c).Data[v1alpha1.SecretKeyClientSecret])).To(Equal(value))
	})

	It("that follows an Ingress has its host", func() {
		c := example("followed")
		expectReady(c)
		Eventually(func(g Gomega) []string {
			g.Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(c), c)).To(Succeed())
			return c.Status.RedirectURIs
		}).Should(Equal([]string{"https://followed.example.com/callback"}))
	})

	It("is tested here", func() {
		files, err := filepath.Glob(filepath.Join("..", "config", "examples", "*.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).To(HaveLen(7), "six, and the kustomization")
	})
})

// manifestsOf reads the objects of a file.
func manifestsOf(path string) (objects []*unstructured.Unstructured) {
	GinkgoHelper()
	text, err := os.ReadFile(path) // #nosec G304 -- a file of this repository
	Expect(err).NotTo(HaveOccurred())
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		o := &unstructured.Unstructured{}
		Expect(yaml.Unmarshal([]byte(document), &o.Object)).To(Succeed())
		objects = append(objects, o)
	}
	return objects
}
