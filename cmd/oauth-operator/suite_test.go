package main_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/hack/installation"
)

func TestJourney(t *testing.T) {
	RegisterFailHandler(Fail)
	ctrl.SetLogger(GinkgoLogr)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "The whole journey, with the binary that users run")
}

const root = "../.."

var (
	in     *installation.Installation
	binary string
	k8s    client.Client
	audit  *auditLog
	output = &buffer{}  // what the controller and the server print
	seen   = &secrets{} // every secret that was issued
	issuer string
)

var _ = BeforeSuite(func(ctx SpecContext) {
	dir := GinkgoT().TempDir()
	binary = filepath.Join(dir, "oauth-operator")
	build := exec.CommandContext(ctx, "go", "build", "-race", "-o", binary, ".")
	build.Stdout, build.Stderr = GinkgoWriter, GinkgoWriter
	Expect(build.Run()).To(Succeed())

	publishOnLoopback(dir)
	audit = newAuditLog(dir)
	// The installation outlives this node, whose context ends with it.
	running, stop := context.WithCancel(context.Background())
	DeferCleanup(stop)
	var err error
	in, err = installation.Start(running, installation.Options{
		Root:          root,
		Binary:        binary,
		ServerAddress: "127.0.0.1:0",
		Args:          []string{"--v", "9"}, // the log may say everything that it can
		ServerArgs:    []string{"--client-networks", "127.0.0.0/8"},
		Progress:      GinkgoWriter,
		Logs:          output,
		ControlPlane:  controlplane.Options{Log: GinkgoWriter, APIServerFlags: audit.flags()},
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(in.Stop()).To(Succeed()) })
	k8s = in.Client
	issuer = "http://" + in.ServerAddress
	applyIssuer(ctx)
})

// This is about all of the suite, so it comes after all of it: what was issued
// in any test is in no line that the controller and the server printed.
var _ = AfterSuite(func() {
	log := output.String()
	Expect(log).To(ContainSubstring("Serving."), "the log of the server is here")
	Expect(log).NotTo(ContainSubstring("Request Body"), "client-go would log Secrets with that")
	issued := seen.all()
	Expect(len(issued)).To(BeNumerically(">", 50), "secrets were issued, and noted")
	for _, secret := range issued {
		// The secret itself does not go into the report either.
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret)} {
			Expect(strings.Contains(log, form)).To(BeFalse(), "a secret of %d characters is in the log", len(secret))
		}
	}
})

// What the controller and the server print is there to be read when a test fails.
var _ = ReportAfterEach(func(report SpecReport) {
	if report.Failed() {
		AddReportEntry("the end of what the controller and the server printed", output.tail())
	}
})

// buffer collects what processes print.
type buffer struct {
	mutex   sync.Mutex
	content bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.content.Write(p)
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.content.String()
}

func (b *buffer) tail() string {
	text := b.String()
	return text[max(0, len(text)-4096):]
}

// auditLog is what the API server notes of every request.
type auditLog struct {
	policy, path string
}

func newAuditLog(dir string) *auditLog {
	a := &auditLog{policy: filepath.Join(dir, "policy.yaml"), path: filepath.Join(dir, "audit.log")}
	Expect(os.WriteFile(a.policy, []byte(auditPolicy), 0o600)).To(Succeed())
	return a
}

func (a *auditLog) flags() map[string]string {
	return map[string]string{
		"audit-policy-file": a.policy,
		"audit-log-path":    a.path,
		"audit-log-mode":    "blocking",
	}
}
