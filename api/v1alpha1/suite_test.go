package v1alpha1_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
)

func TestV1alpha1(t *testing.T) {
	log.SetLogger(GinkgoLogr)
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second) // of a machine that is busy
	RunSpecs(t, "api/v1alpha1")
}

// operatorNamespace is the operator's namespace, as in config/.
const operatorNamespace = "oauth-operator-system"

var (
	plane *controlplane.ControlPlane
	api   client.Client // as kubectl would be used, by an administrator
)

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	plane, err = controlplane.Start(context.WithoutCancel(ctx), controlplane.Options{Log: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	Expect(errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme))).To(Succeed())
	api, err = client.New(plane.Config(), client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: operatorNamespace}}
	Expect(api.Create(ctx, namespace)).To(Succeed())
})

// object makes an object of that kind as people write it: spec is YAML.
func object(kind, name, spec string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	o.SetName(name)
	if kind == "OAuthClient" || kind == "OAuthGrant" {
		o.SetNamespace(metav1.NamespaceDefault)
	}
	var value map[string]any
	ExpectWithOffset(1, yaml.Unmarshal([]byte(spec), &value)).To(Succeed())
	if value != nil {
		o.Object["spec"] = value
	}
	return o
}

// offer has the API server judge an object, without keeping it.
func offer(ctx context.Context, o client.Object) error {
	return api.Create(ctx, o, client.DryRunAll)
}

// causes are what the API server says against an object, as "field: message".
func causes(err error) []string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var all []string
	for _, c := range status.Status().Details.Causes {
		all = append(all, c.Field+": "+c.Message)
	}
	return all
}

// lines reads a file of the validation package's testdata: one Go string a line.
func lines(name string) []string {
	file, err := os.Open(filepath.Join("..", "validation", "testdata", name))
	ExpectWithOffset(1, err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	var values []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		if line := scanner.Text(); line != "" && !strings.HasPrefix(line, "#") {
			value, err := strconv.Unquote(line)
			ExpectWithOffset(1, err).NotTo(HaveOccurred())
			values = append(values, value)
		}
	}
	ExpectWithOffset(1, scanner.Err()).NotTo(HaveOccurred())
	return values
}
