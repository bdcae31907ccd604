package controlplane_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/hack/controlplane"
)

var _ = Describe("a control plane", func() {
	BeforeEach(func() {
		if _, err := os.Stat("/proc/self/stat"); err != nil {
			Skip("the specs count processes in /proc, which is not here")
		}
	})

	start := func(ctx context.Context, options controlplane.Options) *controlplane.ControlPlane {
		GinkgoHelper()
		options.Log = GinkgoWriter
		plane, err := controlplane.Start(ctx, options)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(plane.Stop)
		return plane
	}

	It("serves an administrator and holds everyone else to RBAC", func(ctx SpecContext) {
		plane := start(context.Background(), controlplane.Options{WithoutCRDs: true})
		admin := connect(plane.Config())
		Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}})).To(Succeed())

		config, err := plane.User(controlplane.ServiceAccount("team", "reader"))
		Expect(err).NotTo(HaveOccurred())
		reader := connect(config)
		Expect(apierrors.IsForbidden(reader.List(ctx, &corev1.SecretList{}, client.InNamespace("team")))).To(BeTrue())

		By("granting the service account the right to read, by RBAC alone")
		Expect(admin.Create(ctx, &rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "reader"},
			Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"}}},
		})).To(Succeed())
		Expect(admin.Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "reader"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "team", Name: "reader"}},
		})).To(Succeed())
		Eventually(func() error {
			return reader.List(ctx, &corev1.SecretList{}, client.InNamespace("team"))
		}).WithTimeout(10 * time.Second).Should(Succeed())
		Expect(apierrors.IsForbidden(reader.List(ctx, &corev1.SecretList{}))).To(BeTrue())

		By("using the same identity from a kubeconfig")
		text, err := plane.Kubeconfig(controlplane.ServiceAccount("team", "reader"))
		Expect(err).NotTo(HaveOccurred())
		config, err = clientcmd.RESTConfigFromKubeConfig(text)
		Expect(err).NotTo(HaveOccurred())
		Expect(connect(config).List(ctx, &corev1.SecretList{}, client.InNamespace("team"))).To(Succeed())
	})

	It("leaves no process behind when it is stopped", func(ctx SpecContext) {
		plane := start(context.Background(), controlplane.Options{WithoutCRDs: true, Durable: true})
		Expect(names(children(os.Getpid()))).To(ContainElements("etcd", "kube-apiserver"))
		watch(ctx, plane.Config())
		Expect(plane.Stop()).To(Succeed())
		Expect(names(children(os.Getpid()))).To(BeEmpty())
		Expect(plane.Stop()).To(Succeed(), "a second time")
	})

	It("leaves no process behind when its context is done", func() {
		ctx, cancel := context.WithCancel(context.Background())
		start(ctx, controlplane.Options{WithoutCRDs: true})
		cancel()
		Eventually(func() []string { return names(children(os.Getpid())) }).WithTimeout(30 * time.Second).Should(BeEmpty())
	})

	It("says why it does not start", func() {
		_, err := controlplane.Start(context.Background(), controlplane.Options{
			WithoutCRDs: true, APIServerFlags: map[string]string{"no-such-flag": "1"},
		})
		Expect(err).To(MatchError(ContainSubstring("unknown flag: --no-such-flag")))
		Expect(names(children(os.Getpid()))).To(BeEmpty())
	})

	DescribeTable("does not outlive a process that ends by", func(ctx SpecContext, signal os.Signal) {
		dir := GinkgoT().TempDir()
		host := exec.Command(os.Args[0], "-test.run=^TestHost$")
		host.Env = append(os.Environ(), hostVariable+"=1", "TMPDIR="+dir)
		out, err := host.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(host.Start()).To(Succeed())
		started, err := bufio.NewReader(out).ReadString('\n')
		Expect(err).NotTo(HaveOccurred())
		Expect(started).To(Equal("started\n"))

		left := children(host.Process.Pid)
		Expect(names(left)).To(ConsistOf("etcd", "kube-apiserver", "sh"))
		Expect(host.Process.Signal(signal)).To(Succeed())
		_ = host.Wait()
		Eventually(func() []process { return stillAlive(left) }).WithTimeout(20 * time.Second).Should(BeEmpty())
		Expect(filepath.Glob(filepath.Join(dir, "oauth-operator-*"))).To(BeEmpty(), "files")
	},
		Entry("SIGINT", os.Interrupt),
		Entry("SIGKILL", os.Kill),
	)
})

func connect(config *rest.Config) client.Client {
	GinkgoHelper()
	c, err := client.New(config, client.Options{})
	Expect(err).NotTo(HaveOccurred())
	return c
}

// watch opens a watch and keeps it: stopping must not wait for clients to leave.
func watch(ctx context.Context, config *rest.Config) {
	GinkgoHelper()
	c, err := client.NewWithWatch(config, client.Options{})
	Expect(err).NotTo(HaveOccurred())
	w, err := c.Watch(ctx, &corev1.SecretList{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.Stop)
}
