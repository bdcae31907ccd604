package charts_test

import (
	"encoding/json"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

var _ = Describe("The chart", func() {
	It("lints", func(ctx SpecContext) {
		_, err := run(ctx, helmBinary, "lint", "--strict", chart)
		Expect(err).NotTo(HaveOccurred())
	})

	It("holds the CRDs and the roles as they are generated", func() {
		files := filepath.Join(root, chart, "files")
		config := filepath.Join(root, "config")
		Expect(contents(filepath.Join(files, "crds"))).To(Equal(contents(filepath.Join(config, "crd", "bases"))),
			"run charts/generate.sh")
		for copied, original := range map[string]string{
			"controller.yaml":      "controller/role.yaml",
			"server.yaml":          "server/role.yaml",
			"people.yaml":          "people.yaml",
			"service_binding.yaml": "service_binding.yaml",
		} {
			want, err := os.ReadFile(filepath.Join(config, "rbac", original))
			Expect(err).NotTo(HaveOccurred())
			Expect(contents(filepath.Join(files, "rbac"))).To(HaveKeyWithValue(copied, string(want)), "run charts/generate.sh")
		}
	})

	It("has an account for the controller, one for the server, and roles for people", func(ctx SpecContext) {
		rendered := render(ctx)
		for _, component := range []string{"controller", "server"} {
			name := "oauth-operator-" + component
			Expect(deployment(rendered, component).Spec.Template.Spec.ServiceAccountName).To(Equal(name))
			find(rendered, "ServiceAccount", name)
		}
		for _, want := range read(filepath.Join(root, "config", "rbac", "people.yaml")) {
			role := find(rendered, "ClusterRole", want.GetName())
			Expect(role.Object["rules"]).To(Equal(want.Object["rules"]))
			for label, value := range want.GetLabels() {
				Expect(role.GetLabels()).To(HaveKeyWithValue(label, value))
			}
		}
		Expect(kinds(rendered)).To(HaveEach(Not(Equal("List"))))
	})

	It("leaves the roles of people to be bound where that is wanted", func(ctx SpecContext) {
		role := find(render(ctx, "rbac.aggregate=false"), "ClusterRole", "oauth-operator-view")
		Expect(role.GetLabels()).NotTo(HaveKey(ContainSubstring("aggregate-to-")))
		Expect(kinds(render(ctx, "rbac.create=false"))).NotTo(ContainElement(ContainSubstring("Role")))
	})

	It("has the CRDs in the release and keeps them on uninstall", func(ctx SpecContext) {
		keep := []types.GomegaMatcher{ // by Helm, Argo CD and Flux
			HaveKeyWithValue("helm.sh/resource-policy", "keep"),
			HaveKeyWithValue("argocd.argoproj.io/sync-options", "Prune=false"),
			HaveKeyWithValue("kustomize.toolkit.fluxcd.io/prune", "disabled"),
		}
		rendered := render(ctx)
		for _, want := range read(filepath.Join(root, "config", "crd", "bases")) {
			crd := find(rendered, "CustomResourceDefinition", want.GetName())
			Expect(crd.Object["spec"]).To(Equal(want.Object["spec"]))
			for _, keeps := range keep {
				Expect(crd.GetAnnotations()).To(keeps)
			}
		}
		dropped := find(render(ctx, "crds.keep=false"), "CustomResourceDefinition", "oauthclients.oauth-operator.dev")
		for _, keeps := range keep {
			Expect(dropped.GetAnnotations()).NotTo(keeps)
		}
		Expect(kinds(render(ctx, "crds.install=false"))).NotTo(ContainElement("CustomResourceDefinition"))
	})

	It("passes the binary no flag that it does not have", func(ctx SpecContext) {
		rendered := render(ctx, `server.tls.secretName="tls"`, `server.trustedProxies=["10.0.0.0/8","fd00::/8"]`, `server.clientNetworks=["10.96.0.0/12"]`,
			`namespaces=["team-a","team-b"]`, "controller.rolloutRestart=true", `server.grantStore="postgres"`, `server.postgres.secretName="database"`, withDefault)
		for _, component := range []string{"controller", "server"} {
			args := deployment(rendered, component).Spec.Template.Spec.Containers[0].Args
			Expect(args[0]).To(Equal(component))
			help, err := run(ctx, binary, append(args, "--help")...)
			Expect(err).NotTo(HaveOccurred())
			Expect(help).To(ContainSubstring("oauth-operator " + component))
		}
	})

	It("has the server speak TLS with a Secret, and plain HTTP without", func(ctx SpecContext) {
		plain := render(ctx)
		Expect(as[corev1.Service](find(plain, "Service", "oauth-operator-server")).Spec.Ports[0].Port).To(BeEquivalentTo(80))
		Expect(deployment(plain, "server").Spec.Template.Spec.Volumes).To(BeEmpty())

		secure := render(ctx, `server.tls.secretName="certificate"`)
		Expect(as[corev1.Service](find(secure, "Service", "oauth-operator-server")).Spec.Ports[0].Port).To(BeEquivalentTo(443))
		pod := deployment(secure, "server").Spec.Template.Spec
		Expect(pod.Volumes[0].Secret.SecretName).To(Equal("certificate"))
		Expect(pod.Containers[0].Args).To(ContainElement(HavePrefix("--tls-cert-file=" + pod.Containers[0].VolumeMounts[0].MountPath)))
	})

	It("sends the hosts of an Ingress to the server", func(ctx SpecContext) {
		rendered := render(ctx, "server.ingress.enabled=true", `server.ingress.hosts=["auth.example.com"]`)
		ingress := as[networkingv1.Ingress](find(rendered, "Ingress", "oauth-operator-server"))
		Expect(ingress.Spec.Rules[0].Host).To(Equal("auth.example.com"))
		backend := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
		service := as[corev1.Service](find(rendered, "Service", backend.Name))
		Expect(service.Spec.Ports[0].Name).To(Equal(backend.Port.Name))
	})

	It("guards several replicas of the server with a PodDisruptionBudget, and one not at all", func(ctx SpecContext) {
		find(render(ctx), "PodDisruptionBudget", "oauth-operator-server")
		Expect(kinds(render(ctx, "server.replicas=1"))).NotTo(ContainElement("PodDisruptionBudget"))
	})

	DescribeTable("refuses values that cannot work, and says why",
		func(ctx SpecContext, value, why string) {
			_, err := tryRender(ctx, value)
			Expect(err).To(MatchError(ContainSubstring(why)))
		},
		Entry("a name that it does not know", "server.replica=3", "replica"),
		Entry("a value of another type", `server.replicas="three"`, "want integer"),
		Entry("a store that replicas cannot share", `server.grantStore="memory"`, "server.replicas to 1"),
		Entry("a database without a connection string", `server.grantStore="postgres"`, "server.postgres.secretName is needed"),
		Entry("an AuthorizationServer without an issuer", "authorizationServer.create=true", "authorizationServer.spec.issuer is needed"),
		Entry("a field that an AuthorizationServer has not", `authorizationServer.spec={"isuer":"https://auth.example.com"}`, "isuer"),
		Entry("an HTTPRoute of no Gateway", "server.httpRoute.enabled=true", "server.httpRoute.parentRefs is empty"),
		Entry("a certificate that nobody signs", "server.tls.certManager.enabled=true", "issuerRef.name is needed"),
		Entry("a Pod that is killed while it answers", "server.terminationGracePeriodSeconds=20", "has to be more than"),
		Entry("an autoscaler without room", `server.autoscaling={"enabled":true,"minReplicas":5,"maxReplicas":3}`, "minReplicas is more than"),
		Entry("an Ingress for no host", "server.ingress.enabled=true", "server.ingress.hosts is empty"),
		Entry("a namespace that cannot be", `namespaces=["Team A"]`, "namespaces"),
		Entry("one account for both, which could read what it must not", `server.serviceAccount.name="oauth-operator-controller"`, "have to be two"),
		Entry("an account that is neither made nor named", "server.serviceAccount.create=false", "server.serviceAccount.name is needed"),
	)

	It("has a place in values.yaml for every value of its schema", func() {
		var values, schema map[string]any
		load(filepath.Join(root, chart, "values.yaml"), &values)
		load(filepath.Join(root, chart, "values.schema.json"), &schema)
		properties := schema["properties"].(map[string]any)
		delete(properties, "global") // Helm's own
		expectPlaces(properties, values, "")
	})
})

func deployment(objects []*unstructured.Unstructured, component string) *appsv1.Deployment {
	GinkgoHelper()
	return as[appsv1.Deployment](find(objects, "Deployment", "oauth-operator-"+component))
}

// contents returns the files of a folder by their name.
func contents(folder string) map[string]string {
	GinkgoHelper()
	entries, err := os.ReadDir(folder)
	Expect(err).NotTo(HaveOccurred())
	files := map[string]string{}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name())) // #nosec G304 -- files of this repository
		Expect(err).NotTo(HaveOccurred())
		files[entry.Name()] = string(content)
	}
	return files
}

func load(path string, into any) {
	GinkgoHelper()
	content, err := os.ReadFile(path) // #nosec G304 -- files of this repository
	Expect(err).NotTo(HaveOccurred())
	asJSON, err := yaml.YAMLToJSON(content)
	Expect(err).NotTo(HaveOccurred())
	Expect(json.Unmarshal(asJSON, into)).To(Succeed())
}

// expectPlaces expects a value for each property of a schema.
func expectPlaces(properties, values map[string]any, at string) {
	GinkgoHelper()
	for name, property := range properties {
		Expect(values).To(HaveKey(name), "in values.yaml, below %q", at)
		if inner, ok := property.(map[string]any)["properties"].(map[string]any); ok {
			expectPlaces(inner, values[name].(map[string]any), at+name+".")
		}
	}
}
