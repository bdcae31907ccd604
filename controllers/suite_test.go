package controllers

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
)

const (
	operatorNS = "oauth-operator-system"
	patience   = 20 * time.Second
	poll       = 20 * time.Millisecond

	// maxVerbosity is as high as the binary lets it be: beyond that, client-go
	// logs the bodies of requests.
	maxVerbosity = 7

	// stillness is for how long things are watched that must not change.
	stillness = 2 * time.Second
)

var (
	suiteCtx, endSuite = context.WithCancel(context.Background())

	admin    client.Client // may do anything, and reads from the API server
	root     *rest.Config  // its credentials
	operator *rest.Config  // the controller's service account, with its own roles alone
	stranger *rest.Config  // a service account that nobody has permitted anything
	audit    = &auditor{}
	logs     = &logBuffer{}
	issued   = &secretValues{}

	stopManager func()
)

func TestControllers(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(patience)
	SetDefaultEventuallyPollingInterval(poll)
	SetDefaultConsistentlyDuration(stillness)
	SetDefaultConsistentlyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "Controllers")
}

var _ = BeforeSuite(func() {
	DeferCleanup(endSuite)
	ctrl.SetLogger(zap.New(zap.WriteTo(io.MultiWriter(logs, GinkgoWriter)), zap.Level(zapcore.Level(-maxVerbosity))))

	plane, err := controlplane.Start(suiteCtx, controlplane.Options{Log: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	root = plane.Config()
	admin, err = client.New(root, client.Options{Scheme: newScheme()})
	Expect(err).NotTo(HaveOccurred())

	Expect(admin.Create(suiteCtx, namespace(operatorNS, nil))).To(Succeed())
	applyFile(filepath.Join("..", "config", "rbac", "controller", "role.yaml"))
	applyFile(filepath.Join("..", "config", "rbac", "role_bindings.yaml"))
	operator, err = plane.User(controlplane.ServiceAccount(operatorNS, "oauth-operator-controller"))
	Expect(err).NotTo(HaveOccurred())
	operator.Wrap(audit.wrap)
	stranger, err = plane.User(controlplane.ServiceAccount(operatorNS, "stranger"))
	Expect(err).NotTo(HaveOccurred())

	// The first controllers make the keys for verifiers, and those of the specs find
	// them made: a client that comes before is told to wait, by a write more.
	stopManager = startManager()
	DeferCleanup(func() { stopManager() })
	Eventually(verifierRing).ShouldNot(Equal(keyring.Ring{}))
	restartManager()
})

// What is in the log of the whole suite stands for the harness: a panic or an
// error that nobody expected fails it, and so does a secret in any of the forms
// in which it travels.
var _ = AfterSuite(func() {
	text := logs.String()
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "Reconciler error") && strings.Contains(line, context.Canceled.Error()) {
			continue // the controllers were stopped in the middle of it
		}
		for _, bad := range []string{"Reconciler error", "panic", "forbidden"} {
			if strings.Contains(line, bad) {
				Fail("the log has an error that no spec expects: " + line)
			}
		}
	}
	for _, value := range issued.all() {
		for _, form := range []string{value, base64.StdEncoding.EncodeToString([]byte(value))} {
			if at := strings.Index(text, form); at >= 0 {
				Fail("a secret is in the log, after: " + text[max(0, at-500):at])
			}
		}
	}
})

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	return scheme
}

// startManager runs the controllers under their own service account, and returns
// what stops them.
func startManager(change ...func(*Options)) (stop func()) {
	GinkgoHelper()
	options := Options{OperatorNamespace: operatorNS, SkipNameValidation: true, sourcePoll: 100 * time.Millisecond}
	for _, f := range change {
		f(&options)
	}
	mgr, err := ctrl.NewManager(operator, ctrl.Options{
		Scheme:  newScheme(),
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:   CacheOptions(options),
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(SetupWithManager(mgr, options)).To(Succeed())
	ctx, cancel := context.WithCancel(suiteCtx)
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	return func() {
		cancel()
		var err error
		Eventually(done).Should(Receive(&err))
		Expect(err).NotTo(HaveOccurred())
	}
}

// restartManager ends the controllers and starts them anew.
func restartManager() {
	GinkgoHelper()
	stopManager()
	stopManager = startManager()
}

// reconciled returns how often the controller of that name has finished.
func reconciled(controller string) (n float64) {
	families, err := metrics.Registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	for _, f := range families {
		if f.GetName() != "controller_runtime_reconcile_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "controller" && l.GetValue() == controller {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

// applyFile creates the objects of a manifest of this repository.
func applyFile(path string) {
	GinkgoHelper()
	text, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(o)
		if errors.Is(err, io.EOF) {
			return
		}
		Expect(err).NotTo(HaveOccurred())
		if len(o.Object) > 0 {
			Expect(admin.Create(suiteCtx, o)).To(Succeed())
		}
	}
}

func namespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

// logBuffer collects what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// secretValues are the client secrets that were issued in the suite.
type secretValues struct {
	mu     sync.Mutex
	values []string
}

func (s *secretValues) add(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = append(s.values, value)
}

func (s *secretValues) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.values...)
}
