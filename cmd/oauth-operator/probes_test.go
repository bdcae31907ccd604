package main_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/hack/installation"
)

var _ = Describe("A replica of the server", func() {
	It("is ready only when it has the keys that the controller says are there", func(ctx SpecContext) {
		spare := object(&v1alpha1.AuthorizationServer{}, "", "spare")
		spare.Spec.Issuer = "https://spare.example.com"
		Expect(k8s.Create(ctx, spare)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(k8s.Delete(ctx, spare))).To(Succeed()) })
		eventuallyReady(ctx, spare)

		By("losing the keys while no controller makes others")
		Expect(in.End("controller")).To(Succeed())
		running := false
		start := func(ctx context.Context) {
			if !running {
				Expect(in.StartController(ctx)).To(Succeed())
				running = true
			}
		}
		DeferCleanup(func(ctx SpecContext) { start(context.WithoutCancel(ctx)) })
		Expect(k8s.Delete(ctx, object(&corev1.Secret{}, installation.Namespace, keyring.SecretName("spare")))).To(Succeed())

		replica := startReplica(nil)
		Eventually(replica.readiness).WithContext(ctx).Should(ContainSubstring(keyring.SecretName("spare")), "it says what it waits for")
		Consistently(replica.status).WithContext(ctx).WithTimeout(time.Second).Should(Equal(http.StatusInternalServerError))

		start(context.WithoutCancel(ctx))
		Eventually(replica.status).WithContext(ctx).Should(Equal(http.StatusOK))
	}, SpecTimeout(2*time.Minute))

	It("stays ready and alive, and answers, while the API server cannot be reached", func(ctx SpecContext) {
		way := newWay()
		replica := startReplica(way)
		Eventually(replica.status).WithContext(ctx).Should(Equal(http.StatusOK))
		metadata := func() (int, error) {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+replica.address+"/.well-known/openid-configuration", nil)
			if err != nil {
				return 0, err
			}
			request.Host = mustHost(issuer)
			return status(request)
		}
		Eventually(metadata).WithContext(ctx).Should(Equal(http.StatusOK))

		way.close()
		Consistently(func(g Gomega) {
			g.Expect(replica.status()).To(Equal(http.StatusOK))
			g.Expect(replica.health()).To(Equal(http.StatusOK))
			g.Expect(metadata()).To(Equal(http.StatusOK))
		}).WithContext(ctx).WithTimeout(10 * time.Second).Should(Succeed())
	}, SpecTimeout(2*time.Minute))
})

// replica is a server of its own, beside those of the installation.
type replica struct{ address, probes string }

// startReplica starts one that reaches the API server on that way, or directly.
func startReplica(way *way) *replica {
	GinkgoHelper()
	kubeconfig, err := in.ControlPlane.Kubeconfig(controlplane.ServiceAccount(installation.Namespace, "oauth-operator-server"))
	Expect(err).NotTo(HaveOccurred())
	if way != nil {
		api, err := url.Parse(in.ControlPlane.Config().Host)
		Expect(err).NotTo(HaveOccurred())
		kubeconfig = bytes.ReplaceAll(kubeconfig, []byte(api.Host), []byte(way.listener.Addr().String()))
		Expect(string(kubeconfig)).To(ContainSubstring(way.listener.Addr().String()))
	}
	file := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(file, kubeconfig, 0o600)).To(Succeed())
	r := &replica{address: freeAddress(), probes: freeAddress()}
	server := exec.Command(binary, "server", "--kubeconfig", file, "--namespace", installation.Namespace, // #nosec G204 -- the binary of this package
		"--listen-address", r.address, "--health-probe-bind-address", r.probes, "--metrics-bind-address", "0", "--drain-timeout", "1s", "--v", "1")
	server.Stdout, server.Stderr = output, output
	Expect(server.Start()).To(Succeed())
	DeferCleanup(func() {
		Expect(server.Process.Kill()).To(Succeed())
		_ = server.Wait() // it was killed
	})
	return r
}

func (r *replica) ask(path string) (int, string, error) {
	request, err := http.NewRequest(http.MethodGet, "http://"+r.probes+path, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func (r *replica) status() (int, error) { code, _, err := r.ask("/readyz"); return code, err }
func (r *replica) health() (int, error) { code, _, err := r.ask("/healthz"); return code, err }

// readiness returns what the probe says at length, with the errors of the log.
func (r *replica) readiness() (string, error) {
	_, text, err := r.ask("/readyz?verbose")
	return text + output.tail(), err
}

func status(request *http.Request) (int, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func mustHost(address string) string {
	GinkgoHelper()
	u, err := url.Parse(address)
	Expect(err).NotTo(HaveOccurred())
	return u.Host
}

func freeAddress() string {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// way is a way to the API server that can be closed.
type way struct {
	listener net.Listener

	mu     sync.Mutex
	closed bool
	open   []net.Conn
}

func newWay() *way {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	w := &way{listener: listener}
	DeferCleanup(w.close)
	api, err := url.Parse(in.ControlPlane.Config().Host)
	Expect(err).NotTo(HaveOccurred())
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", api.Host)
			if err != nil || !w.keep(from, to) {
				_ = from.Close()
				continue
			}
			for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
				go func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				}()
			}
		}
	}()
	return w
}

func (w *way) keep(connections ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, connections...)
	return !w.closed
}

// close breaks every connection, and lets no more of them through.
func (w *way) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	_ = w.listener.Close()
	for _, connection := range w.open {
		_ = connection.Close()
	}
}
