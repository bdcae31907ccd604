package charts_test

import (
	"context"
	"os"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// Argo CD, which applies what helm template prints and compares it with what the cluster
// has, on a real API server: hack/foreign/argocd is made of its engine. To compile that
// takes minutes, so `make argocd` runs it and `make test` does not.
var _ = Describe("Argo CD", func() {
	Context("with no options", Ordered, func() { argoCD() })
	Context("with ServerSideApply", Ordered, func() { argoCD("-server-side") })
	Context("with ServerSideApply and ServerSideDiff", Ordered, func() { argoCD("-server-side", "-server-diff") })
})

// argoCD says what is so with these arguments of the program.
func argoCD(way ...string) {
	var (
		cluster *installed
		program string
	)
	argocd := func(ctx context.Context, verb, file string) map[string]string {
		GinkgoHelper()
		return told(ctx, program, append([]string{verb, "-kubeconfig", cluster.kubeconfig, "-manifests", file}, way...)...)
	}
	synced := func(ctx context.Context, values ...string) {
		GinkgoHelper()
		Expect(changed(argocd(ctx, "diff", manifests(installable(ctx, values...)...)), "Synced")).To(BeEmpty())
	}

	BeforeAll(func(ctx SpecContext) {
		if os.Getenv("ARGOCD") == "" {
			Skip("NOT TESTED here: make argocd does")
		}
		program = foreignProgram(ctx, "argocd")
		cluster = startCluster(ctx)
		DeferCleanup(func() { cluster.stopController() })
	}, NodeTimeout(20*time.Minute))

	It("syncs everything at the first try, to a cluster that knows nothing of it, and is Synced then", func(ctx SpecContext) {
		file := manifests(installable(ctx, everything...)...)
		Expect(argocd(ctx, "diff", file)).To(HaveEach("OutOfSync: missing"))
		Expect(argocd(ctx, "sync", file)).To(HaveEach(HavePrefix("Synced ")))
		cluster.runController(ctx)
		Eventually(cluster.server(ctx)).WithContext(ctx).Should(HaveField("Status.Conditions",
			ContainElement(And(HaveField("Type", "Ready"), HaveField("Status", metav1.ConditionTrue)))))
		synced(ctx, everything...)
	}, SpecTimeout(3*time.Minute))

	It("is Synced whatever an autoscaler and the controller do, and not when somebody changes what it is made of", func(ctx SpecContext) {
		patch := func(object client.Object, patch string) {
			object.SetNamespace(namespace)
			object.SetName("oauth-operator-server")
			Expect(cluster.api.Patch(ctx, object, client.RawPatch("application/merge-patch+json", []byte(patch)), client.FieldOwner("somebody"))).To(Succeed())
		}
		patch(deployed(ctx, cluster.api, "server"), `{"spec":{"replicas":4}}`)
		synced(ctx, everything...)
		patch(&corev1.Service{}, `{"spec":{"type":"NodePort"}}`)
		file := manifests(installable(ctx, everything...)...)
		Expect(changed(argocd(ctx, "diff", file), "Synced")).To(ConsistOf(HavePrefix("Service/" + namespace + "/oauth-operator-server OutOfSync")))
		argocd(ctx, "sync", file)
		synced(ctx, everything...)
	}, SpecTimeout(2*time.Minute))

	It("brings a changed value, prunes what is no more, but no CRD, and with it no client", func(ctx SpecContext) {
		Expect(cluster.api.Create(ctx, oauthClient("kept")[0])).To(Succeed())
		values := slices.Concat(everything, []string{
			`authorizationServer.spec={"issuer":"https://id.example.com"}`, "crds.install=false", "server.autoscaling.enabled=false",
		})
		did := argocd(ctx, "sync", manifests(installable(ctx, values...)...))
		Expect(did).To(HaveKeyWithValue("HorizontalPodAutoscaler/"+namespace+"/oauth-operator-server", HavePrefix("Pruned ")))
		Expect(did).To(HaveKeyWithValue("CustomResourceDefinition//oauthclients.oauth-operator.dev", HavePrefix("PruneSkipped ")))
		Expect(cluster.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "kept"}, &v1alpha1.OAuthClient{})).To(Succeed())
		cluster.mount(ctx)
		Eventually(cluster.server(ctx)).WithContext(ctx).Should(HaveField("Spec.Issuer", "https://id.example.com"))
		Expect(*deployed(ctx, cluster.api, "server").Spec.Replicas).To(BeEquivalentTo(2))
	}, SpecTimeout(2*time.Minute))
}
