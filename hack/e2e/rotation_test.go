package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// overlap is for how long the old client secrets are accepted: for longer than the
// kubelet takes, whose period is a minute, and for no longer than these tests last. Who
// still has the old one then cannot log anybody in.
const overlap = 2 * time.Minute

func theRotation() {
	BeforeAll(startLoad)

	It("replaces client secrets under load, in the mounted files too, and no login fails, not even when the old ones have ended", func(ctx SpecContext) {
		since := now(ctx)
		began := time.Now()
		before := map[client.ObjectKey]string{}
		for _, key := range []client.ObjectKey{
			{Namespace: demoNamespace, Name: "webapp"},
			{Namespace: demoNamespace, Name: "api"},
			{Namespace: insideNamespace, Name: "worker"},
			{Namespace: insideNamespace, Name: "racer"},
		} {
			before[key] = credentials(ctx, key)[0].ID
			rotate(ctx, key)
		}
		for key, old := range before {
			Eventually(func(g Gomega) {
				left := credentials(ctx, key)
				g.Expect(left).To(HaveLen(1), "the old one has ended")
				g.Expect(left[0].ID).NotTo(Equal(old))
			}).WithContext(ctx).WithTimeout(overlap+later).WithPolling(time.Second).Should(Succeed(), key.String())
		}
		say("the old client secrets had ended after %s", time.Since(began).Round(time.Second))
		undisturbed(ctx, now(ctx), 10)
		undisturbed(ctx, since, 20)
		// The API asks with its own client secret, and would not get an answer.
		Expect(statusOf(ctx, byIntrospection, "no-token")).To(Equal(http.StatusUnauthorized))
	}, SpecTimeout(8*time.Minute))
}

// rotate asks for another client secret, and sets how long the old one is accepted.
func rotate(ctx context.Context, key client.ObjectKey) {
	GinkgoHelper()
	var object v1alpha1.OAuthClient
	Expect(k8s.Get(ctx, key, &object)).To(Succeed())
	patch := client.MergeFrom(object.DeepCopy())
	object.Spec.Rotation = &v1alpha1.Rotation{Overlap: &metav1.Duration{Duration: overlap}}
	if object.Annotations == nil {
		object.Annotations = map[string]string{}
	}
	object.Annotations[v1alpha1.AnnotationRotate] = fmt.Sprint(time.Now().UnixNano())
	Expect(k8s.Patch(ctx, &object, patch)).To(Succeed())
}

func credentials(ctx context.Context, key client.ObjectKey) []v1alpha1.ClientCredential {
	GinkgoHelper()
	var object v1alpha1.OAuthClient
	Expect(k8s.Get(ctx, key, &object)).To(Succeed())
	return object.Status.Credentials
}
