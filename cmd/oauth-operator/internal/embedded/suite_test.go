package embedded_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/cmd/oauth-operator/internal/embedded"
	"oauth-operator.dev/hack/controlplane"
)

func TestEmbedded(t *testing.T) {
	log.SetLogger(GinkgoLogr)
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "The API in memory")
}

// The same is asked of the API in memory and of a real API server.
const (
	inMemory = "the API in memory"
	onDisk   = "an API server"
)

var (
	scheme  = runtime.NewScheme()
	configs = map[string]*rest.Config{}
	clients = map[string]client.WithWatch{}
)

var _ = BeforeSuite(func(ctx SpecContext) {
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	DeferCleanup(stop)
	configs[inMemory] = embedded.New().Serve(running)

	plane, err := controlplane.Start(running, controlplane.Options{Log: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	configs[onDisk] = plane.Config()

	for name, config := range configs {
		options := client.Options{Scheme: scheme}
		if name == inMemory {
			options.Mapper, err = embedded.Mapper(nil, nil)
			Expect(err).NotTo(HaveOccurred())
		}
		clients[name], err = client.NewWithWatch(config, options)
		Expect(err).NotTo(HaveOccurred())
	}
})
