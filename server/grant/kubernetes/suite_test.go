package kubernetes_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
)

func TestKubernetes(t *testing.T) {
	log.SetLogger(GinkgoLogr)
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "server/grant/kubernetes")
}

var (
	plane  *controlplane.ControlPlane
	config *rest.Config
	api    client.Client // as kubectl would be used, by an administrator
)

var _ = BeforeSuite(func(ctx SpecContext) {
	startPlane(context.WithoutCancel(ctx))
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
})

func startPlane(ctx context.Context) {
	var err error
	plane, err = controlplane.Start(ctx, controlplane.Options{Log: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	config = plane.Config()
	Expect(v1alpha1.AddToScheme(scheme.Scheme)).To(Succeed())
	api, err = client.New(config, client.Options{Scheme: scheme.Scheme})
	Expect(err).NotTo(HaveOccurred())
}
