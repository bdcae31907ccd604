package e2e_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

// mountedWithin is how long it takes until a changed Secret is in the files of a Pod:
// the kubelet's period of a minute, and some.
const mountedWithin = 3 * time.Minute

func theRotation() {
	BeforeAll(startLoad)

	It("replaces client secrets under load, in the mounted files too, and no login fails", func(ctx SpecContext) {
		since := now(ctx)
		began := time.Now()
		rotated := []client.ObjectKey{
			{Namespace: demoNamespace, Name: "webapp"}, {Namespace: demoNamespace, Name: "api"},
			{Namespace: insideNamespace, Name: "worker"}, {Namespace: insideNamespace, Name: "racer"},
		}
		before := map[client.ObjectKey]string{}
		for _, key := range rotated {
			before[key] = currentCredential(ctx, key).ID
			rotate(ctx, key)
		}
		for _, key := range rotated {
			Eventually(func(g Gomega) {
				if key.Name == "api" { // which uses its own only when it has to ask
					_, err := get(ctx, byIntrospection, "anything")
					g.Expect(err).NotTo(HaveOccurred())
				}
				credential := currentCredential(ctx, key)
				g.Expect(credential.ID).NotTo(Equal(before[key]))
				// The server says so when the workload has authenticated with the new one.
				g.Expect(credential.LastUsedAt).NotTo(BeNil())
			}).WithContext(ctx).WithTimeout(mountedWithin).WithPolling(time.Second).Should(Succeed(), key.String())
		}
		say("the new client secrets were in use after %s", time.Since(began).Round(time.Second))
		undisturbed(ctx, since, 20)
	}, SpecTimeout(6*time.Minute))
}

func rotate(ctx context.Context, key client.ObjectKey) {
	GinkgoHelper()
	var object v1alpha1.OAuthClient
	Expect(k8s.Get(ctx, key, &object)).To(Succeed())
	patch := client.MergeFrom(object.DeepCopy())
	if object.Annotations == nil {
		object.Annotations = map[string]string{}
	}
	object.Annotations[v1alpha1.AnnotationRotate] = fmt.Sprint(time.Now().UnixNano())
	Expect(k8s.Patch(ctx, &object, patch)).To(Succeed())
}

func currentCredential(ctx context.Context, key client.ObjectKey) v1alpha1.ClientCredential {
	GinkgoHelper()
	var object v1alpha1.OAuthClient
	Expect(k8s.Get(ctx, key, &object)).To(Succeed())
	for _, credential := range object.Status.Credentials {
		if credential.State == v1alpha1.CredentialCurrent {
			return credential
		}
	}
	return v1alpha1.ClientCredential{}
}
