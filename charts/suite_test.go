package charts_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"

	"oauth-operator.dev/hack/installation"
)

func TestCharts(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second) // of a machine that is busy
	ctrl.SetLogger(GinkgoLogr)
	RunSpecs(t, "charts")
}

const (
	root      = ".."
	chart     = "charts/oauth-operator"
	release   = "oauth-operator"
	namespace = "oauth-operator-system"
)

// everything are values by which the chart has every object that it can have, and
// every file of values that the tools look at.
var (
	everything = []string{"@everything"}
	valueFiles = []string{"@default", "@confined", "@everything"}
)

// foreign are the groups of kinds that others bring.
var foreign = []string{"cert-manager.io", "gateway.networking.k8s.io", "monitoring.coreos.com"}

// What runs: Helm and kustomize of the tools module, and the binary that the chart
// is for.
var helmBinary, kustomizeBinary, binary string

var _ = BeforeSuite(func(ctx SpecContext) {
	// The go command builds the tool and says where it is.
	out, err := run(ctx, "go", "tool", "-modfile=hack/tools/go.mod", "-n", "helm")
	Expect(err).NotTo(HaveOccurred())
	helmBinary = strings.TrimSpace(out)
	out, err = run(ctx, "go", "tool", "-modfile=hack/tools/go.mod", "-n", "kustomize")
	Expect(err).NotTo(HaveOccurred())
	kustomizeBinary = strings.TrimSpace(out)
	binary = filepath.Join(GinkgoT().TempDir(), "oauth-operator")
	_, err = run(ctx, "go", "build", "-o", binary, "./cmd/oauth-operator")
	Expect(err).NotTo(HaveOccurred())
})

// run runs a program at the root of the repository and returns what it prints.
// What it prints as errors is in the error.
func run(ctx context.Context, program string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...) // #nosec G204 -- a program of these tests
	// As the Makefile builds everything but the tests, so that what it has
	// compiled is not compiled again.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(program), strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// render returns what the chart comes to with these values, each as in
// "server.replicas=3" or, for JSON, "server.trustedProxies=[]"; "@name" is a file
// in testdata/values.
func render(ctx context.Context, values ...string) []*unstructured.Unstructured {
	GinkgoHelper()
	out, err := tryRender(ctx, values...)
	Expect(err).NotTo(HaveOccurred())
	return parse(out)
}

// build returns what a kustomization comes to.
func build(ctx context.Context, folder string) []*unstructured.Unstructured {
	GinkgoHelper()
	out, err := run(ctx, kustomizeBinary, "build", folder)
	Expect(err).NotTo(HaveOccurred())
	return parse(out)
}

// parse reads objects.
func parse(text string) []*unstructured.Unstructured {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "objects.yaml")
	Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	return read(file)
}

func tryRender(ctx context.Context, values ...string) (string, error) {
	args := []string{"template", release, chart, "--namespace", namespace}
	for _, value := range values {
		if file, ok := strings.CutPrefix(value, "@"); ok {
			args = append(args, "--values", "charts/testdata/values/"+file+".yaml")
			continue
		}
		args = append(args, "--set-json", value)
	}
	return run(ctx, helmBinary, args...)
}

// read returns the objects of a file, or of the files of a folder.
func read(path string) []*unstructured.Unstructured {
	GinkgoHelper()
	objects, err := installation.Read(path)
	Expect(err).NotTo(HaveOccurred())
	return objects
}

// find returns the only object of that kind and name.
func find(objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	GinkgoHelper()
	var found []*unstructured.Unstructured
	for _, o := range objects {
		if o.GetKind() == kind && o.GetName() == name {
			found = append(found, o)
		}
	}
	Expect(found).To(HaveLen(1), "%s %s", kind, name)
	return found[0]
}

// kinds returns the kinds of the objects.
func kinds(objects []*unstructured.Unstructured) []string {
	all := make([]string, 0, len(objects))
	for _, o := range objects {
		all = append(all, o.GetKind())
	}
	return all
}

// as converts an object into its type.
func as[T any](object *unstructured.Unstructured) *T {
	GinkgoHelper()
	typed := new(T)
	Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed)).To(Succeed())
	return typed
}
