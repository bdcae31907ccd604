package charts_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/hack/controlplane"
)

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
		rendered := render(ctx,
			`server.tls.secretName="tls"`,
			"server.ingress.enabled=true", `server.ingress.hosts=["auth.example.com"]`,
			`imagePullSecrets=[{"name":"registry"}]`,
			`server.podDisruptionBudget.maxUnavailable="25%"`,
		)
		for _, object := range rendered {
			Expect(api.Create(ctx, object, client.FieldValidation(metav1.FieldValidationStrict))).
				To(Succeed(), "%s %s", object.GetKind(), object.GetName())
		}
	})

	It("has Pods that Pod Security lets into a restricted namespace", func(ctx SpecContext) {
		for _, component := range []string{"controller", "server"} {
			var owner appsv1.Deployment
			key := client.ObjectKey{Namespace: namespace, Name: "oauth-operator-" + component}
			Expect(api.Get(ctx, key, &owner)).To(Succeed())
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
