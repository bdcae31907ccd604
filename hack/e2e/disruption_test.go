package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// The Deployments of the installation.
const (
	serverName     = release + "-server"
	controllerName = release + "-controller"
)

func theDisruptions() {
	BeforeAll(func(ctx SpecContext) {
		startLoad(ctx)
		var server appsv1.Deployment
		Expect(k8s.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: serverName}, &server)).To(Succeed())
		Expect(server.Spec.Replicas).To(HaveValue(BeNumerically("==", 2)), "the chart's default is what is tested")
	})

	// What Kubernetes is asked to do in good order, nobody notices.
	It("by rolling both Deployments is not noticed", func(ctx SpecContext) {
		since := now(ctx)
		before := names(k8s.pods(ctx, "server"))
		for _, name := range []string{serverName, controllerName} {
			roll(ctx, name)
		}
		for _, name := range []string{serverName, controllerName} {
			k8s.available(ctx, operatorNamespace, name)
		}
		Expect(names(k8s.pods(ctx, "server"))).To(HaveEach(Not(BeElementOf(before))))
		undisturbed(ctx, since, 10)
	}, SpecTimeout(6*time.Minute))

	It("by evicting every Pod of the server, as far as its budget allows, is not noticed", func(ctx SpecContext) {
		since := now(ctx)
		pods := k8s.pods(ctx, "server")
		Expect(pods).To(HaveLen(2))
		Expect(evict(ctx, &pods[0])).To(Succeed())
		Expect(evict(ctx, &pods[1])).To(Satisfy(apierrors.IsTooManyRequests), "the budget lets one go at a time")
		Eventually(func() error { return evict(ctx, &pods[1]) }).
			WithContext(ctx).WithTimeout(later).WithPolling(time.Second).Should(Succeed())
		gone(ctx, pods...)
		k8s.available(ctx, operatorNamespace, serverName)
		undisturbed(ctx, since, 10)
	}, SpecTimeout(6*time.Minute))

	It("by killing the controller is not noticed by those who log in, and the next one goes on", func(ctx SpecContext) {
		since := now(ctx)
		for _, pod := range k8s.pods(ctx, "controller") {
			kill(ctx, &pod)
		}
		// Made while nobody is there who would see it.
		late := &v1alpha1.OAuthClient{
			ObjectMeta: metav1.ObjectMeta{Namespace: demoNamespace, Name: "late"},
			Spec:       v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://late.example.com/callback"}, Scopes: []string{"openid"}},
		}
		began := time.Now()
		config := register(ctx, late)
		say("a client that was made without a controller was ready after %s", time.Since(began).Round(100*time.Millisecond))
		Expect(logIn(ctx, &config).AccessToken).NotTo(BeEmpty())
		k8s.available(ctx, operatorNamespace, controllerName)
		undisturbed(ctx, since, 5)
	}, SpecTimeout(6*time.Minute))

	// What happens without warning is survived: somebody may have to try again.
	It("by killing Pods of the server, one after the other, is survived", func(ctx SpecContext) {
		since := now(ctx)
		for _, pod := range k8s.pods(ctx, "server") {
			kill(ctx, &pod)
			gone(ctx, pod)
			k8s.available(ctx, operatorNamespace, serverName)
			everyoneSucceeds(ctx, now(ctx))
		}
		survived(ctx, since)
	}, SpecTimeout(6*time.Minute))

	It("by killing the shim of a server's container is survived", func(ctx SpecContext) {
		since := now(ctx)
		pod := k8s.pods(ctx, "server")[0]
		restarts := pod.Status.ContainerStatuses[0].RestartCount
		onNode(ctx, pod.Spec.NodeName, "kill-shim", pod.Name)
		Eventually(func(g Gomega) {
			g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(&pod), &pod)).To(Succeed())
			g.Expect(pod.Status.ContainerStatuses[0].RestartCount).To(BeNumerically(">", restarts))
		}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
		k8s.available(ctx, operatorNamespace, serverName)
		everyoneSucceeds(ctx, now(ctx))
		survived(ctx, since)
	}, SpecTimeout(6*time.Minute))

	// As when all nodes lose their power, and come back.
	It("by killing everything of the operator at once is survived", func(ctx SpecContext) {
		since := now(ctx)
		pods := append(k8s.pods(ctx, "server"), k8s.pods(ctx, "controller")...)
		moment := time.Now().Add(10 * time.Second).UTC().Format(time.RFC3339Nano)
		var killers []*corev1.Pod
		for _, node := range nodesOf(pods) {
			on := slices.DeleteFunc(slices.Clone(pods), func(p corev1.Pod) bool { return p.Spec.NodeName != node })
			killers = append(killers, startOnNode(ctx, node, append([]string{"kill-shim", "--at=" + moment}, names(on)...)...))
		}
		for _, killer := range killers {
			ended(ctx, killer)
		}
		for _, pod := range pods {
			Eventually(func(g Gomega) {
				restarts := pod.Status.ContainerStatuses[0].RestartCount
				var again corev1.Pod
				g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(&pod), &again)).To(Succeed())
				g.Expect(again.Status.ContainerStatuses[0].RestartCount).To(BeNumerically(">", restarts))
			}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
		}
		for _, name := range []string{serverName, controllerName} {
			k8s.available(ctx, operatorNamespace, name)
		}
		everyoneSucceeds(ctx, now(ctx))
		survived(ctx, since)
		// The controller that was killed has given nothing up; the next one goes on.
		config := register(ctx, &v1alpha1.OAuthClient{
			ObjectMeta: metav1.ObjectMeta{Namespace: demoNamespace, Name: "afterwards"},
			Spec:       v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://afterwards.example.com/callback"}, Scopes: []string{"openid"}},
		})
		Expect(logIn(ctx, &config).AccessToken).NotTo(BeEmpty())
	}, SpecTimeout(6*time.Minute))

	It("by killing the kubelet is survived", func(ctx SpecContext) {
		since := now(ctx)
		onNode(ctx, k8s.pods(ctx, "server")[0].Spec.NodeName, "restart-kubelet")
		k8s.available(ctx, operatorNamespace, serverName)
		everyoneSucceeds(ctx, now(ctx))
		survived(ctx, since)
	}, SpecTimeout(6*time.Minute))
}

func names(pods []corev1.Pod) []string {
	var found []string
	for _, pod := range pods {
		found = append(found, pod.Name)
	}
	return found
}

// roll has a Deployment replace its Pods, as kubectl rollout restart does.
func roll(ctx context.Context, name string) {
	GinkgoHelper()
	var deployment appsv1.Deployment
	Expect(k8s.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: name}, &deployment)).To(Succeed())
	patch := client.MergeFrom(deployment.DeepCopy())
	annotations := deployment.Spec.Template.Annotations
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations["kubectl.kubernetes.io/restartedAt"] = time.Now().Format(time.RFC3339Nano)
	deployment.Spec.Template.Annotations = annotations
	Expect(k8s.Patch(ctx, &deployment, patch)).To(Succeed())
}

// evict asks for what a drain of the node asks for.
func evict(ctx context.Context, pod *corev1.Pod) error {
	return client.IgnoreNotFound(k8s.core.PolicyV1().Evictions(pod.Namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
	}))
}

// kill ends a Pod without giving it time.
func kill(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	Expect(k8s.Delete(ctx, pod, client.GracePeriodSeconds(0))).To(Succeed())
}

func gone(ctx context.Context, pods ...corev1.Pod) {
	GinkgoHelper()
	for _, pod := range pods {
		Eventually(func() bool {
			return apierrors.IsNotFound(k8s.Get(ctx, client.ObjectKeyFromObject(&pod), &corev1.Pod{}))
		}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(BeTrue(), pod.Name)
	}
}

// impossible is how hack/e2e/inside says that a node does not let one do that.
const impossible = 3

// onNode has a privileged Pod do something to the node that it is on, and skips the
// spec where the cluster has no such Pod, or the node no such thing.
func onNode(ctx context.Context, node string, args ...string) {
	GinkgoHelper()
	ended(ctx, startOnNode(ctx, node, args...))
}

// startOnNode does not wait until it is done.
func startOnNode(ctx context.Context, node string, args ...string) *corev1.Pod {
	GinkgoHelper()
	err := k8s.Get(ctx, client.ObjectKey{Name: nodeNamespace}, &corev1.Namespace{})
	if apierrors.IsNotFound(err) {
		makeNamespace(ctx, nodeNamespace, privileged)
	}
	yes, none := true, int64(0)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: nodeNamespace, GenerateName: args[0] + "-"},
		Spec: corev1.PodSpec{
			NodeName: node, HostPID: true, RestartPolicy: corev1.RestartPolicyNever,
			Tolerations:     []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			SecurityContext: &corev1.PodSecurityContext{RunAsUser: &none},
			Containers: []corev1.Container{{
				Name: "node", Image: images["inside"], Args: append([]string{"node"}, args...),
				SecurityContext:          &corev1.SecurityContext{Privileged: &yes},
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
		},
	}
	if err := k8s.Create(ctx, pod); apierrors.IsForbidden(err) {
		Skip(fmt.Sprintf("NOT TESTED: this cluster lets no privileged Pod in: %v", err))
	} else {
		Expect(err).NotTo(HaveOccurred())
	}
	return pod
}

// ended waits until a Pod of startOnNode has done it.
func ended(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	var ended *corev1.ContainerStateTerminated
	Eventually(func(g Gomega) {
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(pod), pod)).To(Succeed())
		g.Expect(pod.Status.ContainerStatuses).NotTo(BeEmpty())
		ended = pod.Status.ContainerStatuses[0].State.Terminated
		g.Expect(ended).NotTo(BeNil())
	}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
	if ended.ExitCode == impossible {
		Skip("NOT TESTED: " + ended.Message)
	}
	Expect(ended.ExitCode).To(BeZero(), ended.Message)
}
