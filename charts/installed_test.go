package charts_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
)

// installed is a cluster that the chart comes to, by a tool that is given kubeconfig.
// There is no kubelet: what a Pod of the controller would run, the test runs, with what
// the release gives to it.
type installed struct {
	plane      *controlplane.ControlPlane
	api        client.Client
	kubeconfig string
	mounted    string // the folder that the kubelet would fill

	stopController func()
}

// startCluster starts one that knows nothing of the operator yet.
func startCluster(ctx context.Context) *installed {
	GinkgoHelper()
	plane, err := controlplane.Start(context.WithoutCancel(ctx), controlplane.Options{Log: GinkgoWriter, WithoutCRDs: true})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(plane.Stop)
	c := &installed{plane: plane, stopController: func() {}, mounted: GinkgoT().TempDir()}
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	c.api, err = client.New(plane.Config(), client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	content, err := plane.Kubeconfig("installer", []string{"system:masters"})
	Expect(err).NotTo(HaveOccurred())
	c.kubeconfig = filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(c.kubeconfig, content, 0o600)).To(Succeed())
	return c
}

// mount does what the kubelet does with the ConfigMap of the release.
func (c *installed) mount(ctx context.Context) {
	GinkgoHelper()
	var configMap corev1.ConfigMap
	Expect(c.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "oauth-operator-default"}, &configMap)).To(Succeed())
	for name, text := range configMap.Data {
		Expect(os.WriteFile(filepath.Join(c.mounted, name), []byte(text), 0o600)).To(Succeed())
	}
}

// server reads the AuthorizationServer of the values.
func (c *installed) server(ctx context.Context) func(Gomega) v1alpha1.AuthorizationServer {
	return func(g Gomega) v1alpha1.AuthorizationServer {
		var as v1alpha1.AuthorizationServer
		g.Expect(c.api.Get(ctx, client.ObjectKey{Name: "main"}, &as)).To(Succeed())
		return as
	}
}

// runController runs what the Pod of the release's controller runs, under its service
// account, until stopController.
func (c *installed) runController(ctx context.Context) {
	GinkgoHelper()
	c.mount(ctx)
	content, err := c.plane.Kubeconfig(controlplane.ServiceAccount(namespace, "oauth-operator-controller"))
	Expect(err).NotTo(HaveOccurred())
	own := c.kubeconfig + ".controller"
	Expect(os.WriteFile(own, content, 0o600)).To(Succeed())
	args := deployed(ctx, c.api, "controller").Spec.Template.Spec.Containers[0].Args
	for i, arg := range args {
		args[i] = strings.Replace(arg, "/etc/oauth-operator/default", c.mounted, 1)
	}
	// There is one, and it must not end where a busy machine keeps it from renewing its lease.
	args = append(args, "--leader-elect=false", "--kubeconfig", own, "--namespace", namespace, "--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	controller := exec.Command(binary, args...) // #nosec G204 -- the binary of this repository
	controller.Stdout, controller.Stderr = GinkgoWriter, GinkgoWriter
	Expect(controller.Start()).To(Succeed())
	c.stopController = func() {
		Expect(controller.Process.Signal(syscall.SIGTERM)).To(Succeed())
		Expect(controller.Wait()).To(Succeed())
	}
}
