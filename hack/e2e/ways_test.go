package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
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
				Eventually(func(g Gomega) { g.Expect(k8s.crds(ctx)).To(BeEmpty()) }).
					WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
			}, NodeTimeout(later))

			apply := append([]string{"apply", "--filename", manifests}, way...)
			kubectl(ctx, apply...)
			for _, name := range []string{serverName, controllerName} {
				k8s.available(ctx, operatorNamespace, name)
			}
			discovered(ctx)

			before := generations(ctx)
			for line := range strings.Lines(kubectl(ctx, apply...)) {
				// Applied on the server, an object is said to be that in either case.
				Expect(line).To(HaveSuffix(map[bool]string{true: " unchanged\n", false: " serverside-applied\n"}[way == nil]))
			}
			Expect(generations(ctx)).To(Equal(before))
		}, SpecTimeout(5*time.Minute))
	}
}

// generations are those of the installation's Deployments: a change in the object,
// and with it new Pods, makes another.
func generations(ctx context.Context) map[string]int64 {
	GinkgoHelper()
	found := map[string]int64{}
	for _, name := range []string{serverName, controllerName} {
		var deployment appsv1.Deployment
		Expect(k8s.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: name}, &deployment)).To(Succeed())
		found[name] = deployment.Generation
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
