package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/hack/installation"
)

// theWays are those in which a release gets to a cluster where nothing of it is known
// yet, not even its CRDs. Each leaves the cluster as it was.
func theWays() {
	It("is helm install --dry-run, which the cluster takes, and nothing of it stays", func(ctx SpecContext) {
		for _, way := range []string{"--dry-run=client", "--dry-run=server"} {
			out := k8s.helm(ctx, append([]string{"install", release, chart, "--namespace", operatorNamespace, way}, present()...)...)
			Expect(out).To(ContainSubstring("kind: Deployment"), way)
		}
		Expect(k8s.crds(ctx)).To(BeEmpty())
	}, NodeTimeout(2*time.Minute))

	// Argo CD applies what helm template prints, by one of these two.
	for _, way := range [][]string{nil, {"--server-side"}} {
		It(strings.Join(append([]string{"is helm template | kubectl apply"}, way...), " ")+", at the first try, and the second changes nothing", func(ctx SpecContext) {
			manifests := filepath.Join(GinkgoT().TempDir(), "manifests.yaml")
			rendered := k8s.helm(ctx, append([]string{"template", release, chart, "--namespace", operatorNamespace}, present()...)...)
			Expect(os.WriteFile(manifests, []byte(rendered), 0o600)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) {
				kubectl(ctx, "delete", "--filename", manifests, "--ignore-not-found")
				// A controller whose permissions have gone cannot give it up.
				Expect(k8s.DeleteAllOf(ctx, &coordinationv1.Lease{}, client.InNamespace(operatorNamespace))).To(Succeed())
				Eventually(func(g Gomega) { g.Expect(k8s.crds(ctx)).To(BeEmpty()) }).
					WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
			}, NodeTimeout(later))

			apply := append([]string{"apply", "--filename", manifests}, way...)
			kubectl(ctx, apply...)
			for _, name := range []string{serverName, controllerName} {
				k8s.available(ctx, operatorNamespace, name)
			}
			discovered(ctx)

			before := states(ctx, manifests)
			kubectl(ctx, apply...)
			Expect(states(ctx, manifests)).To(Equal(before))
		}, SpecTimeout(5*time.Minute))
	}
}

// states say of each object of the manifests in which state it is: the generation of
// its spec where it has one, because others write its status. What kubectl prints
// does not: it says that a PodDisruptionBudget was configured whenever it was applied.
func states(ctx context.Context, manifests string) map[string]string {
	GinkgoHelper()
	objects, err := installation.Read(manifests)
	Expect(err).NotTo(HaveOccurred())
	Expect(len(objects)).To(BeNumerically(">", 20))
	found := map[string]string{}
	for _, object := range objects {
		Expect(k8s.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
		state := "resource version " + object.GetResourceVersion()
		if generation := object.GetGeneration(); generation > 0 {
			state = "generation " + strconv.FormatInt(generation, 10)
		}
		found[object.GetKind()+" "+object.GetNamespace()+"/"+object.GetName()] = string(object.GetUID()) + ": " + state
	}
	return found
}

// kubectl runs the one of this machine, and returns what it prints.
func kubectl(ctx context.Context, args ...string) string {
	GinkgoHelper()
	program, err := exec.LookPath("kubectl")
	if err != nil && os.Getenv("CI") == "" {
		Skip("NOT TESTED: there is no kubectl on this machine")
	}
	Expect(err).NotTo(HaveOccurred())
	out, err := run(ctx, program, args...)
	Expect(err).NotTo(HaveOccurred(), out)
	return out
}
