package resourceowner_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/server/resourceowner"
)

func TestResourceOwner(t *testing.T) {
	log.SetLogger(GinkgoLogr)
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(10 * time.Second) // until a cache has caught up
	RunSpecs(t, "Resource owners")
}

// namespace is the operator's.
const namespace = "oauth-operator"

var (
	// api is an administrator's client, and people what a running server has.
	api    client.Client
	people *resourceowner.Cluster
)

var _ = BeforeSuite(func(ctx SpecContext) {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	DeferCleanup(stop)
	plane, err := controlplane.Start(context.WithoutCancel(ctx), controlplane.Options{Log: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })

	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	api, err = client.New(plane.Config(), client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	Expect(api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())

	cached, err := cache.New(plane.Config(), cache.Options{
		Scheme:   scheme,
		ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: {Namespaces: map[string]cache.Config{namespace: {}}}},
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(resourceowner.IndexUsers(ctx, cached)).To(Succeed())
	_, err = cached.GetInformer(ctx, &corev1.Secret{})
	Expect(err).NotTo(HaveOccurred())
	stopped := make(chan error, 1)
	go func() { stopped <- cached.Start(running) }()
	DeferCleanup(func() {
		stop()
		Eventually(stopped).Should(Receive(BeNil()))
	})
	Expect(cached.WaitForCacheSync(ctx)).To(BeTrue())
	people, err = resourceowner.NewCluster(ctx, cached, namespace)
	Expect(err).NotTo(HaveOccurred())
})
