package charts_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
)

// foreignProgram builds a program of hack/foreign, and returns it.
func foreignProgram(ctx context.Context, name string) string {
	GinkgoHelper()
	program := filepath.Join(GinkgoT().TempDir(), name)
	_, err := run(ctx, "go", "-C", filepath.Join("hack", "foreign", name), "build", "-o", program, ".")
	Expect(err).NotTo(HaveOccurred())
	return program
}

// told runs a program that tells of each object what became of it, or how it stands.
func told(ctx context.Context, program string, args ...string) map[string]string {
	GinkgoHelper()
	out, err := run(ctx, program, args...)
	Expect(err).NotTo(HaveOccurred())
	var did map[string]string
	Expect(json.Unmarshal([]byte(out), &did)).To(Succeed())
	return did
}

// manifests writes objects to a file, and returns that.
func manifests(objects ...*unstructured.Unstructured) string {
	GinkgoHelper()
	var text strings.Builder
	for _, object := range objects {
		document, err := yaml.Marshal(object.Object)
		Expect(err).NotTo(HaveOccurred())
		text.WriteString("---\n" + string(document))
	}
	file := filepath.Join(GinkgoT().TempDir(), "manifests.yaml")
	Expect(os.WriteFile(file, []byte(text.String()), 0o600)).To(Succeed())
	return file
}

// installable returns the namespace and what the chart comes to, without kinds that
// these clusters do not have.
func installable(ctx context.Context, values ...string) []*unstructured.Unstructured {
	GinkgoHelper()
	objects := parse("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n")
	for _, object := range render(ctx, values...) {
		if !slices.Contains(foreign, object.GroupVersionKind().Group) {
			objects = append(objects, object)
		}
	}
	return objects
}

// changed returns the objects of which something else is told.
func changed(did map[string]string, than string) []string {
	var subjects []string
	for subject, became := range did {
		if became != than {
			subjects = append(subjects, subject+" "+became)
		}
	}
	slices.Sort(subjects)
	return subjects
}

// Flux's kustomize-controller, which applies what helm template prints, on a real API
// server: hack/foreign/flux is made of the library that it is made of.
var _ = Describe("Flux", Ordered, func() {
	const other = `authorizationServer.spec={"issuer":"https://id.example.com"}`
	var (
		cluster *installed
		program string
	)
	apply := func(ctx context.Context, args ...string) map[string]string {
		GinkgoHelper()
		return told(ctx, program, append([]string{"apply", "-kubeconfig", cluster.kubeconfig, "-manifests"}, args...)...)
	}

	// folder is what one Kustomization may apply: the chart, and a client whose kind comes with it.
	folder := func(ctx context.Context, values ...string) string {
		GinkgoHelper()
		return manifests(append(installable(ctx, values...), oauthClient("first")...)...)
	}

	BeforeAll(func(ctx SpecContext) {
		program = foreignProgram(ctx, "flux")
		cluster = startCluster(ctx)
	}, NodeTimeout(15*time.Minute)) // it compiles the program

	AfterAll(func() { cluster.stopController() })

	It("applies everything at the first try, to a cluster that knows nothing of it", func(ctx SpecContext) {
		did := apply(ctx, folder(ctx, everything...))
		Expect(did).To(HaveEach("created"))
		Expect(did).To(And(HaveKey("CustomResourceDefinition/oauthclients.oauth-operator.dev"), HaveKey("OAuthClient/"+namespace+"/first"),
			HaveKey("HorizontalPodAutoscaler/"+namespace+"/oauth-operator-server")))
		cluster.runController(ctx)
		Eventually(cluster.server(ctx)).WithContext(ctx).Should(HaveField("Status.Conditions",
			ContainElement(And(HaveField("Type", "Ready"), HaveField("Status", metav1.ConditionTrue)))))
	}, SpecTimeout(2*time.Minute))

	It("changes nothing the second time, whatever an autoscaler and the controller have done", func(ctx SpecContext) {
		server := deployed(ctx, cluster.api, "server")
		Expect(cluster.api.Patch(ctx, server, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":4}}`)),
			client.FieldOwner("kube-controller-manager"))).To(Succeed())
		Expect(changed(apply(ctx, folder(ctx, everything...)), "unchanged")).To(BeEmpty())
		Expect(*deployed(ctx, cluster.api, "server").Spec.Replicas).To(BeEquivalentTo(4))
	}, SpecTimeout(time.Minute))

	It("puts right what somebody has changed, and nothing else", func(ctx SpecContext) {
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "oauth-operator-server"}}
		Expect(cluster.api.Patch(ctx, service, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"type":"NodePort"}}`)),
			client.FieldOwner("kubectl-edit"))).To(Succeed())
		Expect(changed(apply(ctx, folder(ctx, everything...)), "unchanged")).
			To(ConsistOf("Service/" + namespace + "/oauth-operator-server configured"))
		Expect(cluster.api.Get(ctx, client.ObjectKeyFromObject(service), service)).To(Succeed())
		Expect(service.Spec.Type).To(Equal(corev1.ServiceTypeClusterIP))
	}, SpecTimeout(time.Minute))

	It("brings a changed value to the AuthorizationServer", func(ctx SpecContext) {
		Expect(changed(apply(ctx, folder(ctx, append(everything, other)...)), "unchanged")).To(ConsistOf(
			"ConfigMap/"+namespace+"/oauth-operator-default configured", "Deployment/"+namespace+"/oauth-operator-controller configured"))
		cluster.mount(ctx)
		Eventually(cluster.server(ctx)).WithContext(ctx).Should(HaveField("Spec.Issuer", "https://id.example.com"))
	}, SpecTimeout(time.Minute))

	It("waits until an OAuthClient is ready, and says so of one that cannot become it", func(ctx SpecContext) {
		file := manifests(oauthClient("kept")...)
		Expect(apply(ctx, file, "-name", "clients", "-wait", "30s")).To(HaveEach("created"))
		var kept v1alpha1.OAuthClient
		Expect(cluster.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "kept"}, &kept)).To(Succeed())
		Expect(meta.IsStatusConditionTrue(kept.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue())
		Expect(apply(ctx, file, "-name", "clients", "-wait", "30s")).To(HaveEach("unchanged"))

		Expect(cluster.api.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "taken-oauth"}})).To(Succeed())
		_, err := run(ctx, program, "apply", "-kubeconfig", cluster.kubeconfig, "-manifests", manifests(oauthClient("taken")...), "-name", "taken", "-wait", "30s")
		Expect(err).To(MatchError(And(ContainSubstring("OAuthClient/"+namespace+"/taken"), ContainSubstring("status: 'Failed'"))))
	}, SpecTimeout(2*time.Minute))

	It("prunes what is no more, but no CRD, and with it no client", func(ctx SpecContext) {
		before := folder(ctx, everything...)
		did := apply(ctx, folder(ctx, append(everything, "crds.install=false", "server.autoscaling.enabled=false")...), "-before", before)
		Expect(did).To(HaveKeyWithValue("HorizontalPodAutoscaler/"+namespace+"/oauth-operator-server", "deleted"))
		Expect(did).To(HaveKeyWithValue("CustomResourceDefinition/oauthclients.oauth-operator.dev", "skipped"))
		Expect(cluster.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "kept"}, &v1alpha1.OAuthClient{})).To(Succeed())
		Expect(*deployed(ctx, cluster.api, "server").Spec.Replicas).To(BeEquivalentTo(2))
	}, SpecTimeout(time.Minute))
})

// oauthClient returns a client as somebody writes it down.
func oauthClient(name string) []*unstructured.Unstructured {
	GinkgoHelper()
	return parse(`
apiVersion: oauth-operator.dev/v1alpha1
kind: OAuthClient
metadata: {name: ` + name + `, namespace: ` + namespace + `}
spec:
  redirectURIs: ["https://app.example.com/callback"]
`)
}
