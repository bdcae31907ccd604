package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
)

// collectedWithin bounds what a failure costs beside itself.
const collectedWithin = time.Minute

// collected are the kinds whose objects are left behind. Secrets are not among them.
var collected = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Pod"},
	{Version: "v1", Kind: "Service"},
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "Event"},
	{Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1", Kind: "ReplicaSet"},
	{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
	v1alpha1.GroupVersion.WithKind("OAuthClient"),
	v1alpha1.GroupVersion.WithKind("OAuthGrant"),
}

// collectAfterFailure leaves behind what explains a failure, in a folder of its own.
func collectAfterFailure(ctx SpecContext) {
	report := CurrentSpecReport()
	if !report.Failed() || k8s == nil {
		return
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), collectedWithin)
	defer cancel()
	folder := filepath.Join(set.artifacts, fileName(report.FullText()))
	c := &collection{folder: folder}
	c.write("failure.txt", []byte(report.FullText()+"\n\n"+report.FailureMessage()+"\n"+report.FailureLocation().String()+"\n\n"+report.CapturedGinkgoWriterOutput))
	c.clusterScoped(bounded)
	var namespaces corev1.NamespaceList
	c.note(k8s.List(bounded, &namespaces, client.HasLabels{ours}))
	for _, namespace := range namespaces.Items {
		c.namespace(bounded, namespace.Name)
	}
	out, err := k8s.tryHelm(bounded, "history", release, "--namespace", operatorNamespace)
	c.write("helm.txt", fmt.Appendln([]byte(out), err))
	c.write("not-collected.txt", c.missing.Bytes())
	say("FAILED: %s\n     what is left of it: %s", report.FullText(), folder)
}

// collection writes files, and remembers what it could not get.
type collection struct {
	folder  string
	missing bytes.Buffer
}

func (c *collection) note(err error) {
	if err != nil {
		c.missing.WriteString(err.Error() + "\n")
	}
}

func (c *collection) write(name string, content []byte) {
	path := filepath.Join(c.folder, name)
	c.note(os.MkdirAll(filepath.Dir(path), 0o755))
	c.note(os.WriteFile(path, content, 0o644))
}

func (c *collection) list(ctx context.Context, folder string, kind schema.GroupVersionKind, options ...client.ListOption) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := k8s.List(ctx, list, options...); err != nil {
		c.note(err)
		return
	}
	for i := range list.Items {
		list.Items[i].SetManagedFields(nil)
	}
	content, err := yaml.Marshal(list.Items)
	c.note(err)
	c.write(filepath.Join(folder, strings.ToLower(kind.Kind)+"s.yaml"), content)
}

func (c *collection) clusterScoped(ctx context.Context) {
	for _, kind := range []schema.GroupVersionKind{
		{Version: "v1", Kind: "Node"},
		v1alpha1.GroupVersion.WithKind("AuthorizationServer"), v1alpha1.GroupVersion.WithKind("OAuthUser"),
	} {
		c.list(ctx, "cluster", kind)
	}
	var nodes corev1.NodeList
	c.note(k8s.List(ctx, &nodes))
	for _, node := range nodes.Items {
		// The kubelet's log, where the kubelet shows it: in a file of /var/log, or by a
		// query (feature NodeLogQuery).
		for name, request := range map[string][2]string{"kubelet.log": {"logs/kubelet.log", ""}, "kubelet-journal.log": {"logs/", "kubelet"}} {
			get := k8s.core.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes/" + node.Name + "/proxy/" + request[0])
			if request[1] != "" {
				get = get.Param("query", request[1])
			}
			if content, err := get.DoRaw(ctx); err == nil {
				c.write(filepath.Join("cluster", node.Name+"-"+name), content)
			} else {
				c.note(fmt.Errorf("%s of the node %s: %w", name, node.Name, err))
			}
		}
	}
}

func (c *collection) namespace(ctx context.Context, namespace string) {
	for _, kind := range collected {
		c.list(ctx, namespace, kind, client.InNamespace(namespace))
	}
	var pods corev1.PodList
	c.note(k8s.List(ctx, &pods, client.InNamespace(namespace)))
	for _, pod := range pods.Items {
		for _, previous := range []bool{false, true} {
			log, err := k8s.core.CoreV1().Pods(namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Previous: previous}).DoRaw(ctx)
			name := pod.Name + ".log"
			if previous {
				name = pod.Name + "-previous.log"
				if err != nil {
					continue // there was none before
				}
			}
			c.note(err)
			c.write(filepath.Join(namespace, name), log)
		}
	}
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

func fileName(text string) string {
	name := strings.Trim(notInNames.ReplaceAllString(text, "-"), "-")
	return name[:min(len(name), 100)]
}

func TestEveryFileSystemTakesTheNameOfACollection(t *testing.T) {
	g := NewWithT(t)
	g.Expect(fileName(`On a real cluster an API: refuses "x"/../y`)).To(Equal("On-a-real-cluster-an-API-refuses-x-y"))
	g.Expect(len(fileName(strings.Repeat("long ", 100)))).To(BeNumerically("<=", 100))
}
