package charts_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/hack/controlplane"
)

// deployed returns the Deployment of a component.
func deployed(ctx context.Context, api client.Client, component string) *appsv1.Deployment {
	GinkgoHelper()
	var d appsv1.Deployment
	Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "oauth-operator-" + component}, &d)).To(Succeed())
	return &d
}

var _ = Describe("On a cluster, the chart", Ordered, func() {
	var api client.Client

	BeforeAll(func(ctx SpecContext) {
		plane, err := controlplane.Start(context.WithoutCancel(ctx), controlplane.Options{Log: GinkgoWriter, WithoutCRDs: true})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(plane.Stop)
		api, err = client.New(plane.Config(), client.Options{})
		Expect(err).NotTo(HaveOccurred())
		Expect(api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name:   namespace,
			Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
		}})).To(Succeed())
	})

	It("is accepted by the API server, field by field", func(ctx SpecContext) {
		rendered := render(ctx, everything...)
		for _, object := range rendered {
			if slices.Contains(foreign, object.GroupVersionKind().Group) {
				continue // kinds that this cluster does not have: kubeconform knows them
			}
			Expect(api.Create(ctx, object, client.FieldValidation(metav1.FieldValidationStrict))).
				To(Succeed(), "%s %s", object.GetKind(), object.GetName())
		}
	})

	It("has Pods that Pod Security lets into a restricted namespace", func(ctx SpecContext) {
		for _, component := range []string{"controller", "server"} {
			owner := deployed(ctx, api, component)
			pod := func() *corev1.Pod {
				return &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: component + "-"},
					Spec:       *owner.Spec.Template.Spec.DeepCopy(),
				}
			}
			Expect(api.Create(ctx, pod(), client.DryRunAll)).To(Succeed())

			// The namespace is restricted indeed: it lets a lesser Pod not in.
			lesser := pod()
			lesser.Spec.Containers[0].SecurityContext.Capabilities = nil
			Expect(api.Create(ctx, lesser, client.DryRunAll)).To(MatchError(ContainSubstring("violates PodSecurity")))
		}
	})
})
