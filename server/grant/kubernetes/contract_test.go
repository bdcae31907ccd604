package kubernetes_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant/kubernetes"
	"oauth-operator.dev/server/grant/storetest"
)

var _ = storetest.Behaves("the cluster", func() storetest.Backend {
	GinkgoHelper()
	namespace := newNamespace(context.Background())
	store, err := kubernetes.New(config, nil, newNamespace(context.Background()))
	Expect(err).NotTo(HaveOccurred())
	return storetest.Backend{
		Store:         store,
		ClientID:      v1alpha1.ClientID(namespace, "app"),
		OtherClientID: v1alpha1.ClientID(namespace, "other.app"),
		Parallel:      64, // an API server takes its time where many compete for two processors
	}
})

// newNamespace makes a namespace for one spec.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "team-"}}
	Expect(api.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}
