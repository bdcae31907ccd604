package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/installation"
)

const fieldOwner = "oauth-operator-e2e"

// cluster is what KUBECONFIG points at.
type cluster struct {
	client.Client
	config *rest.Config
	core   kubernetes.Interface // for what a controller-runtime client has no words for: logs, evictions
}

func connect() *cluster {
	GinkgoHelper()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{}).ClientConfig()
	Expect(err).NotTo(HaveOccurred(), "set KUBECONFIG")
	config.QPS, config.Burst = 50, 100
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	c, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	core, err := kubernetes.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	return &cluster{Client: c, config: config, core: core}
}

func (c *cluster) create(ctx context.Context, object client.Object) {
	GinkgoHelper()
	Expect(c.Create(ctx, object)).To(Succeed())
}

// apply applies manifests as kubectl apply --server-side does.
func (c *cluster) apply(ctx context.Context, path string, edits ...func(*unstructured.Unstructured)) []*unstructured.Unstructured {
	GinkgoHelper()
	objects, err := installation.Read(path)
	Expect(err).NotTo(HaveOccurred())
	for _, object := range objects {
		if object.GetKind() == "Namespace" {
			continue // made already, and marked
		}
		for _, edit := range edits {
			edit(object)
		}
		Expect(c.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()),
			client.FieldOwner(fieldOwner), client.ForceOwnership)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
	}
	return objects
}

// withImages puts the images that were built in the place of those that manifests
// of this repository name.
func withImages(object *unstructured.Unstructured) {
	GinkgoHelper()
	path := []string{"spec", "template", "spec", "containers"}
	if object.GetKind() == "Pod" {
		path = []string{"spec", "containers"}
	}
	containers, found, err := unstructured.NestedSlice(object.Object, path...)
	Expect(err).NotTo(HaveOccurred())
	if !found {
		return
	}
	for _, container := range containers {
		of := container.(map[string]any)
		image := of["image"].(string)
		program, _, _ := strings.Cut(filepath.Base(image), ":")
		Expect(images).To(HaveKey(program), "no image was built for %s", image)
		of["image"] = images[program]
	}
	Expect(unstructured.SetNestedSlice(object.Object, containers, path...)).To(Succeed())
}

// crds are those of this project.
func (c *cluster) crds(ctx context.Context) []unstructured.Unstructured {
	GinkgoHelper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinitionList"})
	Expect(c.List(ctx, list)).To(Succeed())
	return slices.DeleteFunc(list.Items, func(crd unstructured.Unstructured) bool {
		return !strings.HasSuffix(crd.GetName(), "."+v1alpha1.GroupName)
	})
}

// ready waits until the condition Ready of an object is True.
func (c *cluster) ready(ctx context.Context, object *unstructured.Unstructured) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		now := object.DeepCopy()
		g.Expect(c.Get(ctx, client.ObjectKeyFromObject(object), now)).To(Succeed())
		g.Expect(conditions(now)).To(HaveKeyWithValue("Ready", "True"), "%s %s: %v", object.GetKind(), object.GetName(), now.Object["status"])
	}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
}

func conditions(object *unstructured.Unstructured) map[string]string {
	found := map[string]string{}
	list, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, one := range list {
		if condition, ok := one.(map[string]any); ok {
			found[fmt.Sprint(condition["type"])] = fmt.Sprint(condition["status"])
		}
	}
	return found
}

// pods are those of a component of the installation that have not been told to stop.
func (c *cluster) pods(ctx context.Context, component string) []corev1.Pod {
	GinkgoHelper()
	return c.podsWith(ctx, operatorNamespace, client.MatchingLabels{"app.kubernetes.io/component": component})
}

func (c *cluster) podsWith(ctx context.Context, namespace string, labels client.MatchingLabels) []corev1.Pod {
	GinkgoHelper()
	var pods corev1.PodList
	Expect(c.List(ctx, &pods, client.InNamespace(namespace), labels)).To(Succeed())
	return slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// available waits until a Deployment has all its Pods, and no other.
func (c *cluster) available(ctx context.Context, namespace, name string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		var deployment appsv1.Deployment
		g.Expect(c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &deployment)).To(Succeed())
		status := deployment.Status
		g.Expect(status.ObservedGeneration).To(Equal(deployment.Generation))
		g.Expect(status.AvailableReplicas).To(Equal(*deployment.Spec.Replicas), "%s: %+v", name, status)
		g.Expect(status.UpdatedReplicas).To(Equal(*deployment.Spec.Replicas))
		g.Expect(status.Replicas).To(Equal(*deployment.Spec.Replicas))
	}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
}

// helm runs the Helm that hack/tools pins, and returns what it prints.
func (c *cluster) helm(ctx context.Context, args ...string) string {
	GinkgoHelper()
	out, err := c.tryHelm(ctx, args...)
	Expect(err).NotTo(HaveOccurred(), out)
	return out
}

func (c *cluster) tryHelm(ctx context.Context, args ...string) (string, error) {
	program, err := helmProgram()
	if err != nil {
		return "", err
	}
	return run(ctx, program, args...)
}

// helmProgram has the go command build the tool and say where it is.
var helmProgram = sync.OnceValues(func() (string, error) {
	out, err := run(context.Background(), "go", "tool", "-modfile=hack/tools/go.mod", "-n", "helm")
	return strings.TrimSpace(out), err
})

// command runs a command that a setting has, with the argument where it has {}, or
// else at its end.
func command(ctx context.Context, setting, argument string) error {
	if !strings.Contains(setting, "{}") {
		setting += " {}"
	}
	_, err := run(ctx, "sh", "-ec", strings.ReplaceAll(setting, "{}", "'"+argument+"'"))
	return err
}

// run runs a program at the root of the repository and returns what it prints.
func run(ctx context.Context, program string, args ...string) (string, error) {
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, &out, &complaints
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, complaints.String())
	}
	return out.String(), nil
}
