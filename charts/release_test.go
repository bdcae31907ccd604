package charts_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// Releases on a real API server, with Helm's own program. There is no kubelet: what a
// Pod of the controller would run, the test runs, with what the release gives to it.
var _ = Describe("A release", Ordered, func() {
	const issuer, other = "https://auth.example.com", "https://id.example.com"
	var (
		cluster    *installed
		api        client.Client
		kubeconfig string
	)

	helm := func(ctx context.Context, args ...string) string {
		GinkgoHelper()
		out, err := run(ctx, helmBinary, append(args, "--kubeconfig", kubeconfig, "--namespace", namespace)...)
		Expect(err).NotTo(HaveOccurred())
		return out
	}
	withIssuer := func(issuer string) []string {
		return []string{"--set", "authorizationServer.create=true", "--set", "authorizationServer.spec.issuer=" + issuer}
	}
	get := func(ctx context.Context, o client.Object, name string) error {
		return api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, o)
	}
	mount := func(ctx context.Context) {
		GinkgoHelper()
		cluster.mount(ctx)
	}
	server := func(ctx context.Context) func(Gomega) v1alpha1.AuthorizationServer { return cluster.server(ctx) }
	crds := func(ctx context.Context) map[string]any {
		GinkgoHelper()
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion("apiextensions.k8s.io/v1")
		list.SetKind("CustomResourceDefinitionList")
		Expect(api.List(ctx, list)).To(Succeed())
		specs := map[string]any{}
		for _, crd := range list.Items {
			if crd.GetDeletionTimestamp() == nil {
				specs[crd.GetName()] = crd.Object["spec"]
			}
		}
		return specs
	}

	BeforeAll(func(ctx SpecContext) {
		cluster = startCluster(ctx)
		api, kubeconfig = cluster.api, cluster.kubeconfig
		Expect(api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	})

	// It runs in several specs, so none of them cleans it up.
	AfterAll(func() { cluster.stopController() })

	It("can be tried out before anything is there", func(ctx SpecContext) {
		helm(ctx, append([]string{"install", release, chart, "--dry-run=server"}, withIssuer(issuer)...)...)
		helm(ctx, append([]string{"install", release, chart, "--dry-run=client"}, withIssuer(issuer)...)...)
		Expect(crds(ctx)).To(BeEmpty())
	})

	It("is upgraded from the chart that was released last, and rolled back, with the CRDs", func(ctx SpecContext) {
		older := releasedChart(ctx)
		// What it has of the CRDs may be what they are now. This is not.
		file := filepath.Join(older, "files", "crds", "oauth-operator.dev_oauthclients.yaml")
		text, err := os.ReadFile(file) // #nosec G304 -- a file of the released chart
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(file, []byte(strings.Replace(string(text), "- oac\n", "- older\n", 1)), 0o600)).To(Succeed()) // #nosec G703 -- likewise
		helm(ctx, "install", release, older)
		Expect(crds(ctx)).To(HaveLen(4))
		Expect(shortName(crds(ctx))).To(Equal("older"))

		kept := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "kept"}}
		kept.Spec.RedirectURIs = []string{"https://app.example.com/callback"}
		Expect(api.Create(ctx, kept)).To(Succeed())

		helm(ctx, append([]string{"upgrade", release, chart}, withIssuer(issuer)...)...)
		Expect(shortName(crds(ctx))).To(Equal("oac"))
		helm(ctx, "rollback", release, "1")
		Expect(shortName(crds(ctx))).To(Equal("older"))
		Expect(get(ctx, &corev1.ConfigMap{}, "oauth-operator-default")).To(Satisfy(func(err error) bool { return client.IgnoreNotFound(err) == nil && err != nil }))
		helm(ctx, append([]string{"upgrade", release, chart}, withIssuer(issuer)...)...)
		helm(ctx, append([]string{"upgrade", release, chart, "--dry-run=server"}, withIssuer(issuer)...)...)
		Expect(api.Get(ctx, client.ObjectKeyFromObject(kept), kept)).To(Succeed())
	})

	It("has the controller make the AuthorizationServer of its values", func(ctx SpecContext) {
		cluster.runController(ctx)
		Eventually(server(ctx)).WithContext(ctx).Should(And(
			HaveField("Spec.Issuer", issuer),
			HaveField("Annotations", HaveKeyWithValue("oauth-operator.dev/is-default-authorization-server", "true")),
			HaveField("Status.Conditions", ContainElement(And(HaveField("Type", "Ready"), HaveField("Status", metav1.ConditionTrue)))),
		))
	}, SpecTimeout(time.Minute))

	It("leaves the fields of others alone, and keeps its own", func(ctx SpecContext) {
		as := server(ctx)(Default)
		patch := client.RawPatch("application/merge-patch+json", []byte(
			`{"metadata":{"annotations":{"example.com/note":"mine"}},"spec":{"issuer":"https://changed.example.com","lifetimes":{"accessToken":"3m"}}}`))
		Expect(api.Patch(ctx, &as, patch, client.FieldOwner("somebody"))).To(Succeed())
		Eventually(server(ctx)).WithContext(ctx).Should(And(
			HaveField("Spec.Issuer", issuer),
			HaveField("Spec.Lifetimes.AccessToken.Duration", 3*time.Minute),
			HaveField("Annotations", HaveKeyWithValue("example.com/note", "mine")),
		))
	}, SpecTimeout(time.Minute))

	It("is still while nothing changes", func(ctx SpecContext) {
		Eventually(func(g Gomega) {
			as := server(ctx)(g)
			g.Expect(as.Status.ObservedGeneration).To(Equal(as.Generation), "the last change was seen")
		}).WithContext(ctx).Should(Succeed())
		before := server(ctx)(Default).ResourceVersion
		Consistently(server(ctx)).WithContext(ctx).WithTimeout(7 * time.Second).Should(HaveField("ResourceVersion", before))
	}, SpecTimeout(time.Minute))

	It("follows the values of an upgrade, and of a rollback", func(ctx SpecContext) {
		helm(ctx, append([]string{"upgrade", release, chart}, withIssuer(other)...)...)
		mount(ctx)
		Eventually(server(ctx)).WithContext(ctx).Should(HaveField("Spec.Issuer", other))
		helm(ctx, "rollback", release)
		mount(ctx)
		Eventually(server(ctx)).WithContext(ctx).Should(And(
			HaveField("Spec.Issuer", issuer),
			HaveField("Spec.Lifetimes.AccessToken.Duration", 3*time.Minute),
		))
	}, SpecTimeout(time.Minute))

	// Flux's helm-controller upgrades on the server's side, always by force, and compares
	// when spec.driftDetection is enabled.
	It("has not drifted for Flux, unless somebody changes what it is made of", func(ctx SpecContext) {
		flux, file := foreignProgram(ctx, "flux"), filepath.Join(GinkgoT().TempDir(), "manifest.yaml")
		upgrade := func(values ...string) {
			helm(ctx, slices.Concat([]string{"upgrade", release, chart, "--server-side=true", "--force-conflicts"}, withIssuer(issuer), values)...)
			Expect(os.WriteFile(file, []byte(helm(ctx, "get", "manifest", release)), 0o600)).To(Succeed())
		}
		drift := func() map[string]string {
			return told(ctx, flux, "drift", "-kubeconfig", kubeconfig, "-manifests", file, "-name", release, "-namespace", namespace)
		}
		patch := func(object client.Object, patch string) {
			object.SetNamespace(namespace)
			object.SetName("oauth-operator-server")
			Expect(api.Patch(ctx, object, client.RawPatch("application/merge-patch+json", []byte(patch)), client.FieldOwner("somebody"))).To(Succeed())
		}
		upgrade("--set", "server.autoscaling.enabled=true")
		patch(&appsv1.Deployment{}, `{"spec":{"replicas":4}}`) // as the autoscaler does
		Expect(drift()).To(BeEmpty())
		patch(&corev1.Service{}, `{"spec":{"type":"NodePort"}}`)
		Expect(drift()).To(And(HaveLen(1), HaveKeyWithValue("Service/"+namespace+"/oauth-operator-server", ContainSubstring("/spec/type"))))
		upgrade()
		Expect(drift()).To(BeEmpty())
	}, SpecTimeout(5*time.Minute))

	It("keeps the AuthorizationServer when the values have none any more", func(ctx SpecContext) {
		uid := server(ctx)(Default).UID
		helm(ctx, "upgrade", release, chart, "--reset-values")
		args := deployed(ctx, api, "controller").Spec.Template.Spec.Containers[0].Args
		Expect(args).NotTo(ContainElement(ContainSubstring("default-authorization-server")))
		Expect(server(ctx)(Default).UID).To(Equal(uid))
	})

	It("keeps CRDs, clients and issuers on uninstall, and takes them over again", func(ctx SpecContext) {
		before, uid := crds(ctx), server(ctx)(Default).UID
		helm(ctx, "uninstall", release)
		Expect(meta.IsNoMatchError(get(ctx, &v1alpha1.OAuthClient{}, "kept"))).To(BeFalse())
		Expect(get(ctx, &v1alpha1.OAuthClient{}, "kept")).To(Succeed())
		Expect(get(ctx, &corev1.ServiceAccount{}, "oauth-operator-server")).NotTo(Succeed())
		Expect(crds(ctx)).To(Equal(before))

		helm(ctx, "install", release, chart)
		Expect(server(ctx)(Default).UID).To(Equal(uid))
	})

	It("takes the CRDs along where that is asked for", func(ctx SpecContext) {
		helm(ctx, "upgrade", release, chart, "--set", "crds.keep=false")
		helm(ctx, "uninstall", release)
		Eventually(func() map[string]any { return crds(ctx) }).WithContext(ctx).WithTimeout(30 * time.Second).Should(BeEmpty())
	}, SpecTimeout(time.Minute))
})

// Not every tool applies an object whose kind comes with the same rendering: not
// `helm install`, and with it Flux's helm-controller, nor `helm template | kubectl apply`.
var _ = It("A rendering holds no object of our own kinds, and no hook", func(ctx SpecContext) {
	for _, object := range render(ctx, everything...) {
		Expect(object.GroupVersionKind().Group).NotTo(Equal(v1alpha1.GroupName), object.GetName())
		Expect(object.GetAnnotations()).NotTo(HaveKey("helm.sh/hook"), object.GetName())
	}
})

// releasedChart unpacks the chart that was released last, and returns its folder.
func releasedChart(ctx context.Context) string {
	GinkgoHelper()
	released, err := filepath.Glob(filepath.Join("testdata", "oauth-operator-*.tgz"))
	Expect(err).NotTo(HaveOccurred())
	Expect(released).To(HaveLen(1))
	folder := GinkgoT().TempDir()
	_, err = run(ctx, "tar", "-xzf", filepath.Join("charts", released[0]), "-C", folder)
	Expect(err).NotTo(HaveOccurred())
	return filepath.Join(folder, "oauth-operator")
}

// shortName returns the short name of OAuthClients.
func shortName(crds map[string]any) any {
	names := crds["oauthclients.oauth-operator.dev"].(map[string]any)["names"].(map[string]any)
	return names["shortNames"].([]any)[0]
}
