package controllers

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
)

// An OAuthClient is a Provisioned Service of the Service Binding specification
// 1.0 (https://servicebinding.io/spec/core/1.0.0/). What follows does by the words
// of that specification what its implementations and the libraries of workloads
// do, and knows of an OAuthClient what they know: apiVersion, kind and name.
var _ = Describe("Service Binding", func() {
	It("Provisioned Service: finds the Secret by status.binding.name, with type and provider", func() {
		c := readyClient(newNamespace(nil), newServer())
		s := provisioned(c.Namespace, c.Name)
		Expect(s.Data).To(HaveKeyWithValue("type", []byte("oauth2")), "SHOULD contain a type entry")
		Expect(s.Data).To(HaveKeyWithValue("provider", []byte("oauth-operator")), "RECOMMENDED is a provider entry")
		Expect(s.Type).To(BeEquivalentTo("servicebinding.io/oauth2"), "the type of the Secret SHOULD be servicebinding.io/{type}")
		// Of the entries with well-known names there are none: they would have to be
		// what the specification says.
		for _, known := range []string{"host", "port", "uri", "username", "password", "certificates", "private-key"} {
			Expect(s.Data).NotTo(HaveKey(known))
		}
	})

	It("Provisioned Service: has the label by which its CRD is found", func() {
		text, err := os.ReadFile(filepath.Join("..", "config", "crd", "bases", "oauth-operator.dev_oauthclients.yaml"))
		Expect(err).NotTo(HaveOccurred())
		crd := &unstructured.Unstructured{}
		Expect(yaml.Unmarshal(text, &crd.Object)).To(Succeed())
		Expect(crd.GetLabels()).To(HaveKeyWithValue("servicebinding.io/provisioned-service", "true"))
	})

	It("Workload Projection: a workload finds the binding by its type, and its client is accepted", func() {
		c := readyClient(newNamespace(nil), newServer())
		workload := bind(c.Namespace, "login", provisioned(c.Namespace, c.Name).Name)
		root := launch(workload)

		bindings := bindingsOf(root, "oauth2")
		Expect(bindings).To(HaveLen(1))
		login := bindings["login"]
		Expect(login).To(HaveKeyWithValue("provider", "oauth-operator"))
		Expect(login).To(HaveKeyWithValue("issuer-uri", c.Status.Issuer))
		Expect(login).To(HaveKeyWithValue("client-id", c.Namespace+"."+c.Name))
		Expect(login["client-secret"]).To(MatchRegexp(`^[A-Za-z0-9_-]{43}$`))
		Expect(complete(c)).To(Succeed(), "the server accepts what is in the Secret")
		for name := range login {
			Expect(name).To(MatchRegexp(`^[a-z0-9.-]{1,253}$`), "the name of an entry SHOULD match")
		}
	})

	It("Workload Projection: keeps client-secret from public clients", func() {
		c := readyClient(newNamespace(nil), newServer(), func(c *v1alpha1.OAuthClient) {
			c.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
		})
		login := bindingsOf(launch(bind(c.Namespace, "login", provisioned(c.Namespace, c.Name).Name)), "oauth2")["login"]
		Expect(login).To(HaveKeyWithValue("client-id", c.Namespace+"."+c.Name))
		Expect(login).NotTo(HaveKey("client-secret"))
	})
})

// provisioned finds the Secret of a Provisioned Service as an implementation of
// ServiceBinding does: in the object's own namespace.
func provisioned(namespace, name string) *corev1.Secret {
	GinkgoHelper()
	service := &unstructured.Unstructured{}
	service.SetAPIVersion("oauth-operator.dev/v1alpha1")
	service.SetKind("OAuthClient")
	Expect(admin.Get(suiteCtx, client.ObjectKey{Namespace: namespace, Name: name}, service)).To(Succeed())
	secret, found, err := unstructured.NestedString(service.Object, "status", "binding", "name")
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(BeTrue())
	s := &corev1.Secret{}
	Expect(admin.Get(suiteCtx, client.ObjectKey{Namespace: namespace, Name: secret}, s)).To(Succeed())
	if value := string(s.Data[v1alpha1.SecretKeyClientSecret]); value != "" {
		issued.add(value)
	}
	return s
}

// bind makes a Deployment with the projection of a binding: a volume with the
// Secret, mounted at $SERVICE_BINDING_ROOT/<binding>.
func bind(namespace, binding, secret string) *appsv1.Deployment {
	GinkgoHelper()
	labels := map[string]string{"app": binding}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: unique("workload")}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Volumes = []corev1.Volume{{
		Name: "servicebinding-" + binding,
		VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
			Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: secret}},
		}}}},
	}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: "main", Image: "example.com/workload",
		Env:          []corev1.EnvVar{{Name: "SERVICE_BINDING_ROOT", Value: "/bindings"}},
		VolumeMounts: []corev1.VolumeMount{{Name: "servicebinding-" + binding, MountPath: "/bindings/" + binding, ReadOnly: true}},
	}}
	Expect(admin.Create(suiteCtx, d)).To(Succeed())
	return d
}

// launch writes what the first container of the workload sees of its projected
// Secrets, as the kubelet does: a file for each key. It returns where
// SERVICE_BINDING_ROOT is then.
func launch(d *appsv1.Deployment) (root string) {
	GinkgoHelper()
	machine := GinkgoT().TempDir()
	pod := d.Spec.Template.Spec
	for _, mount := range pod.Containers[0].VolumeMounts {
		dir := filepath.Join(machine, mount.MountPath)
		Expect(os.MkdirAll(dir, 0o700)).To(Succeed())
		for _, volume := range pod.Volumes {
			if volume.Name != mount.Name {
				continue
			}
			for _, source := range volume.Projected.Sources {
				s := &corev1.Secret{}
				Expect(admin.Get(suiteCtx, client.ObjectKey{Namespace: d.Namespace, Name: source.Secret.Name}, s)).To(Succeed())
				for key, value := range s.Data {
					Expect(os.WriteFile(filepath.Join(dir, key), value, 0o600)).To(Succeed())
				}
			}
		}
	}
	for _, env := range pod.Containers[0].Env {
		if env.Name == "SERVICE_BINDING_ROOT" {
			root = filepath.Join(machine, env.Value)
		}
	}
	return root
}

// bindingsOf reads the bindings of a type as the library of a workload does: each
// directory is a binding, each file in it an entry.
func bindingsOf(root, typ string) map[string]map[string]string {
	GinkgoHelper()
	found := map[string]map[string]string{}
	bindings, err := os.ReadDir(root)
	Expect(err).NotTo(HaveOccurred())
	for _, binding := range bindings {
		Expect(binding.Name()).To(MatchRegexp(`^[a-z0-9.-]{1,253}$`))
		entries, err := os.ReadDir(filepath.Join(root, binding.Name()))
		Expect(err).NotTo(HaveOccurred())
		content := map[string]string{}
		for _, entry := range entries {
			value, err := os.ReadFile(filepath.Join(root, binding.Name(), entry.Name()))
			Expect(err).NotTo(HaveOccurred())
			content[entry.Name()] = string(value)
		}
		Expect(content).To(HaveKey("type"), "a binding MUST contain a type entry")
		if content["type"] == typ {
			found[binding.Name()] = content
		}
	}
	return found
}
