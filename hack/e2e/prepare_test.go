package e2e_test

import (
	"context"
	"fmt"
	"os"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Where everything is. The first is the operator's, as in the chart's README; the
// second is that of the samples.
const (
	operatorNamespace = "oauth-operator-system"
	demoNamespace     = "demo"
	insideNamespace   = "oauth-e2e"
	nodeNamespace     = "oauth-e2e-node"
	consumerPrefix    = "oauth-e2e-"
)

// ours marks every namespace that these tests have made, and may delete.
const ours = "oauth-operator.dev/e2e"

// Pod Security, as the namespaces enforce it.
const (
	podSecurity = "pod-security.kubernetes.io/enforce"
	restricted  = "restricted"
	privileged  = "privileged"
)

var (
	set     settings
	k8s     *cluster
	ca      *authority
	images  = map[string]string{} // name of a program to its image
	outside *forward              // the way in: to the edge
	begun   bool                  // the cluster may be used
)

// prepare makes what the specs find, but for what they are about: the installation.
func prepare(ctx SpecContext) {
	set = readSettings()
	k8s = connect()
	refuseForeign(ctx)
	begun = true
	sweep(ctx)
	Expect(os.RemoveAll(set.artifacts)).To(Succeed())
	Expect(os.MkdirAll(set.artifacts, 0o755)).To(Succeed())
	say("the cluster is %s; what is left of a failure will be in %s", k8s.config.Host, set.artifacts)

	survivor = nodeThatStays(ctx)
	provideImages(ctx)
	for namespace, level := range map[string]string{
		operatorNamespace: restricted, demoNamespace: restricted, insideNamespace: restricted,
	} {
		makeNamespace(ctx, namespace, level)
	}
	ca = newAuthority()
	k8s.create(ctx, ca.secret(operatorNamespace, "server-tls", issuerHost))
	k8s.create(ctx, ca.secret(insideNamespace, "edge-tls", edgeHosts()...))
	for _, namespace := range []string{demoNamespace, insideNamespace} {
		k8s.create(ctx, ca.configMap(namespace))
	}
	startEdge(ctx)
}

// refuseForeign ends the run before it harms somebody's installation.
func refuseForeign(ctx context.Context) {
	GinkgoHelper()
	for _, name := range []string{operatorNamespace, demoNamespace, insideNamespace, nodeNamespace} {
		var namespace corev1.Namespace
		err := k8s.Get(ctx, client.ObjectKey{Name: name}, &namespace)
		if apierrors.IsNotFound(err) {
			continue
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(namespace.Labels).To(HaveKey(ours), "the namespace %s is somebody's, and these tests would delete it", name)
	}
	var marked corev1.NamespaceList
	Expect(k8s.List(ctx, &marked, client.HasLabels{ours})).To(Succeed())
	if len(marked.Items) == 0 {
		Expect(k8s.crds(ctx)).To(BeEmpty(), "somebody's CRDs are installed on this cluster, and these tests would delete them")
	}
}

// sweep takes away what an earlier run has left.
func sweep(ctx context.Context) {
	GinkgoHelper()
	var marked corev1.NamespaceList
	Expect(k8s.List(ctx, &marked, client.HasLabels{ours})).To(Succeed())
	if len(marked.Items) == 0 {
		return
	}
	if out, err := k8s.tryHelm(ctx, "uninstall", release, "--namespace", operatorNamespace, "--ignore-not-found", "--wait"); err != nil {
		GinkgoWriter.Println(out, err)
	}
	for _, namespace := range marked.Items {
		Expect(client.IgnoreNotFound(k8s.Delete(ctx, &namespace))).To(Succeed())
	}
	for _, crd := range k8s.crds(ctx) {
		Expect(client.IgnoreNotFound(k8s.Delete(ctx, &crd))).To(Succeed())
	}
	Eventually(func(g Gomega) {
		g.Expect(k8s.List(ctx, &marked, client.HasLabels{ours})).To(Succeed())
		g.Expect(marked.Items).To(BeEmpty())
		g.Expect(k8s.crds(ctx)).To(BeEmpty())
	}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
}

func cleanUp(ctx SpecContext) {
	if outside != nil {
		outside.stop()
	}
	if !begun {
		return
	}
	if set.keep {
		say("E2E_KEEP is set: everything stays as it is")
		return
	}
	sweep(ctx)
}

func makeNamespace(ctx context.Context, name, level string) {
	GinkgoHelper()
	k8s.create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   name,
		Labels: map[string]string{ours: "true", podSecurity: level, "example.com/audience": "internal"},
	}})
}

// say tells whoever watches how far it is, also while nothing fails.
func say(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, "e2e: "+format+"\n", args...)
}

// architectures are those of the nodes.
func architectures(ctx context.Context) []string {
	GinkgoHelper()
	var nodes corev1.NodeList
	Expect(k8s.List(ctx, &nodes)).To(Succeed())
	var found []string
	for _, node := range nodes.Items {
		found = append(found, node.Status.NodeInfo.Architecture)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
