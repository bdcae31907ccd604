package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

const (
	// unnoticed is for how long connections may still be led to a node that is dead.
	// The controller manager says that it is after --node-monitor-grace-period without
	// a sign of life, 50 seconds by default, and looks every five; then the endpoints
	// have to reach every kube-proxy.
	unnoticed = 65 * time.Second

	// longestLoss is how long somebody may have to try: until then, and once more with
	// an attempt that began just before.
	longestLoss = unnoticed + 25*time.Second

	// settled is when no attempt fails any more that begins: a connection to the dead
	// server that nobody has used since is closed after 90 seconds by the sample
	// application, whose HTTP client is Go's default one.
	settled = 100 * time.Second

	// withoutLeader is for how long no controller may lead. The lease of the dead one is
	// good for 15 seconds.
	withoutLeader = 30 * time.Second
)

// severalNodes are the values that docs/how-to/survive-the-loss-of-a-node.md recommends.
var severalNodes = []string{"--set", "controller.replicas=2"}

func theLossOfANode() {
	var (
		lost     string
		upgraded bool
	)

	AfterAll(func(ctx SpecContext) {
		if lost != "" {
			Expect(command(ctx, set.regain, lost)).To(Succeed())
			becomes(ctx, lost, true)
		}
		if upgraded {
			helmDo(ctx, "upgrade", chart, present())
		}
	}, NodeTimeout(5*time.Minute))

	It("is survived by those who log in, another controller goes on, and when it is back all is as it was", func(ctx SpecContext) {
		if set.loseNode == "" || set.regain == "" {
			Skip("NOT TESTED: E2E_LOSE_NODE and E2E_RETURN_NODE do not say how a node is lost and comes back")
		}
		candidates := nodesToLose(ctx)
		if len(candidates) == 0 {
			Skip("NOT TESTED: there is no node without which the cluster goes on")
		}
		startLoad(ctx)
		upgraded = true
		helmDo(ctx, "upgrade", chart, append(present(), severalNodes...))
		for _, name := range []string{serverName, controllerName} {
			k8s.available(ctx, operatorNamespace, name)
		}
		Expect(nodesOf(k8s.pods(ctx, "server"))).To(HaveLen(2), "the chart spreads the server's Pods")
		Expect(nodesOf(k8s.pods(ctx, "controller"))).To(HaveLen(2), "and the controller's")
		lost = leaderAmong(ctx, candidates)
		Expect(nodesOf(k8s.pods(ctx, "server"))).To(ContainElement(lost), "a server is lost too")
		everyConnectionTo(ctx, lost)

		say("the node %s dies, with the controller that leads and one of two servers", lost)
		since, began := now(ctx), time.Now()
		Expect(command(ctx, set.loseNode, lost)).To(Succeed())

		// Made while nobody has noticed yet.
		config := register(ctx, &v1alpha1.OAuthClient{
			ObjectMeta: metav1.ObjectMeta{Namespace: demoNamespace, Name: "bereft"},
			Spec:       v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://bereft.example.com/callback"}, Scopes: []string{"openid"}},
		})
		led := time.Since(began)
		Expect(nodeOfLeader(ctx)).NotTo(Equal(lost))

		becomes(ctx, lost, false)
		dead := time.Since(began)
		Eventually(func(g Gomega) { g.Expect(nodesServing(ctx, g)).NotTo(ContainElement(lost)) }).
			WithContext(ctx).WithTimeout(soon).WithPolling(poll).Should(Succeed())
		say("a new client was ready after %s; the node was not after %s, and its server got nothing any more after %s",
			led.Round(100*time.Millisecond), dead.Round(100*time.Millisecond), time.Since(began).Round(100*time.Millisecond))
		Expect(led).To(BeNumerically("<", withoutLeader))

		// From then on it is as with one replica.
		undisturbedAt(ctx, 1, since.Add(settled), 5)
		Expect(logIn(ctx, &config).AccessToken).NotTo(BeEmpty())
		survivedWithin(ctx, longestLoss, since)
		say("the last attempt that failed had begun %s after the loss", lastFailure(ctx, since).Round(100*time.Millisecond))

		back := now(ctx)
		Expect(command(ctx, set.regain, lost)).To(Succeed())
		becomes(ctx, lost, true)
		for _, name := range []string{serverName, controllerName} {
			k8s.available(ctx, operatorNamespace, name)
		}
		Eventually(func(g Gomega) { g.Expect(nodesServing(ctx, g)).To(ContainElement(lost)) }).
			WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed(), "and its server serves")
		undisturbed(ctx, now(ctx), 5)
		survived(ctx, back)
	}, SpecTimeout(12*time.Minute))
}

// everyConnectionTo has the connections that clients keep lead to the server on that
// node, which is the worst: the other one is evicted, and has no successor until they
// have found theirs.
func everyConnectionTo(ctx context.Context, node string) {
	GinkgoHelper()
	nodes := schedulable(ctx)
	DeferCleanup(func(ctx SpecContext) { cordon(ctx, nodes, false) }, NodeTimeout(soon))
	cordon(ctx, nodes, true)
	for _, pod := range k8s.pods(ctx, "server") {
		if pod.Spec.NodeName != node {
			Expect(evict(ctx, &pod)).To(Succeed())
			gone(ctx, pod)
		}
	}
	everyoneSucceedsAt(ctx, 1, now(ctx))
	cordon(ctx, nodes, false)
	k8s.available(ctx, operatorNamespace, serverName)
	Expect(nodesOf(k8s.pods(ctx, "server"))).To(HaveLen(2))
	everyoneSucceeds(ctx, now(ctx))
}

// leaderAmong has one of these nodes have the controller that leads, and says which.
func leaderAmong(ctx context.Context, nodes []string) string {
	GinkgoHelper()
	var node string
	Eventually(func() string {
		k8s.available(ctx, operatorNamespace, controllerName)
		node = nodeOfLeader(ctx)
		if !slices.Contains(nodes, node) {
			for _, pod := range k8s.pods(ctx, "controller") {
				if pod.Spec.NodeName == node {
					Expect(k8s.Delete(ctx, &pod)).To(Succeed()) // the other one leads then
				}
			}
		}
		return node
	}).WithContext(ctx).WithTimeout(later).WithPolling(5 * time.Second).Should(BeElementOf(nodes))
	return node
}

// nodeOfLeader is empty while nobody leads.
func nodeOfLeader(ctx context.Context) string {
	GinkgoHelper()
	var lease coordinationv1.Lease
	Expect(k8s.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: controllerName}, &lease)).To(Succeed())
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	for _, pod := range k8s.pods(ctx, "controller") {
		if strings.HasPrefix(*lease.Spec.HolderIdentity, pod.Name+"_") {
			return pod.Spec.NodeName
		}
	}
	return ""
}

// cordon says whether the scheduler may put nothing on these nodes.
func cordon(ctx context.Context, nodes []corev1.Node, yes bool) {
	GinkgoHelper()
	for _, node := range nodes {
		patch := fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, yes)
		Expect(k8s.Patch(ctx, &node, client.RawPatch(types.MergePatchType, patch))).To(Succeed())
	}
}

// becomes waits until a node is ready, or is not.
func becomes(ctx context.Context, name string, ready bool) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		var node corev1.Node
		g.Expect(k8s.Get(ctx, client.ObjectKey{Name: name}, &node)).To(Succeed())
		g.Expect(isReady(&node)).To(Equal(ready), fmt.Sprint(node.Status.Conditions))
	}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
}

// nodesServing are those to which the Service of the server leads.
func nodesServing(ctx context.Context, g Gomega) []string {
	var list discoveryv1.EndpointSliceList
	g.Expect(k8s.List(ctx, &list, client.InNamespace(operatorNamespace),
		client.MatchingLabels{discoveryv1.LabelServiceName: serverName})).To(Succeed())
	var names []string
	for _, slice := range list.Items {
		for _, endpoint := range slice.Endpoints {
			if endpoint.NodeName != nil && endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready {
				names = append(names, *endpoint.NodeName)
			}
		}
	}
	g.Expect(names).NotTo(BeEmpty(), "nobody serves")
	return names
}

// lastFailure is how long after that moment the last event began that did not go well
// at the first try.
func lastFailure(ctx context.Context, since time.Time) time.Duration {
	GinkgoHelper()
	var last time.Duration
	for _, event := range eventsSince(ctx, Default, since) {
		if len(event.Failures) > 0 {
			last = max(last, event.Began.Sub(since))
		}
	}
	return last
}
