package e2e_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// survivor is the node that is never lost, where there are several: the Pods of these
// tests and the sample workloads are on it. It is empty where there is but one.
var survivor string

// nodeThatStays says which node that is: one that the API server is on, if Pods may be
// there.
func nodeThatStays(ctx context.Context) string {
	GinkgoHelper()
	nodes, needed := schedulable(ctx), neededNodes(ctx)
	if len(nodes) < 2 {
		return ""
	}
	for _, node := range nodes {
		if slices.Contains(needed, node.Name) {
			return node.Name
		}
	}
	return nodes[0].Name
}

// nodesToLose are those without which the cluster and these tests go on.
func nodesToLose(ctx context.Context) []string {
	GinkgoHelper()
	needed := append(neededNodes(ctx), survivor)
	var names []string
	for _, node := range schedulable(ctx) {
		if !slices.Contains(needed, node.Name) {
			names = append(names, node.Name)
		}
	}
	return names
}

// schedulable are the nodes that Pods without tolerations may be on.
func schedulable(ctx context.Context) []corev1.Node {
	GinkgoHelper()
	var nodes corev1.NodeList
	Expect(k8s.List(ctx, &nodes)).To(Succeed())
	return slices.DeleteFunc(nodes.Items, func(node corev1.Node) bool {
		return node.Spec.Unschedulable || !isReady(&node) || slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
			return taint.Effect != corev1.TaintEffectPreferNoSchedule
		})
	})
}

// neededNodes are those at whose addresses the API server is.
func neededNodes(ctx context.Context) []string {
	GinkgoHelper()
	var slicesOf discoveryv1.EndpointSliceList
	Expect(k8s.List(ctx, &slicesOf, client.InNamespace("default"),
		client.MatchingLabels{discoveryv1.LabelServiceName: "kubernetes"})).To(Succeed())
	var addresses []string
	for _, slice := range slicesOf.Items {
		for _, endpoint := range slice.Endpoints {
			addresses = append(addresses, endpoint.Addresses...)
		}
	}
	var nodes corev1.NodeList
	Expect(k8s.List(ctx, &nodes)).To(Succeed())
	var names []string
	for _, node := range nodes.Items {
		if slices.ContainsFunc(node.Status.Addresses, func(a corev1.NodeAddress) bool { return slices.Contains(addresses, a.Address) }) {
			names = append(names, node.Name)
		}
	}
	return names
}

func isReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// onSurvivor has the Pods of a manifest run on the node that stays.
func onSurvivor(object *unstructured.Unstructured) {
	GinkgoHelper()
	path := []string{"spec", "template", "spec"}
	if object.GetKind() == "Pod" {
		path = []string{"spec"}
	}
	if _, found, _ := unstructured.NestedSlice(object.Object, append(path, "containers")...); !found || survivor == "" {
		return
	}
	var node corev1.Node
	Expect(k8s.Get(context.Background(), client.ObjectKey{Name: survivor}, &node)).To(Succeed())
	Expect(unstructured.SetNestedField(object.Object, node.Labels[corev1.LabelHostname],
		append(path, "nodeSelector", corev1.LabelHostname)...)).To(Succeed())
}

// nodesOf are the nodes that Pods are on, without repetition.
func nodesOf(pods []corev1.Pod) []string {
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Spec.NodeName)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
