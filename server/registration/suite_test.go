package registration_test

import (
	"context"
	"net/http"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/server/registration"
)

func TestRegistration(t *testing.T) {
	log.SetLogger(GinkgoLogr)
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "server/registration")
}

var (
	// api is an administrator's client, and reader one whose requests count.
	api    client.Client
	reader client.Reader

	// server is the registrations as a running server has them.
	server *registration.Cluster
	mgr    cluster.Cluster

	plane *controlplane.ControlPlane

	// liveRequests counts what is asked of the API server about single objects.
	liveRequests atomic.Int64

	// writes counts what has changed an object, and attempts what has tried to.
	writes, attempts atomic.Int64
)

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	plane, err = controlplane.Start(context.WithoutCancel(ctx), controlplane.Options{Log: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	Expect(v1alpha1.AddToScheme(scheme.Scheme)).To(Succeed())
	api, err = client.New(plane.Config(), client.Options{Scheme: scheme.Scheme})
	Expect(err).NotTo(HaveOccurred())

	mgr = newReplica(ctx, plane.Config(), func(replica cluster.Cluster) {
		reader = replica.GetAPIReader()
		server, err = registration.NewCluster(replica)
		Expect(err).NotTo(HaveOccurred())
		Expect(server.HasSynced()).To(BeFalse())
	})
	Eventually(server.HasSynced).WithContext(ctx).Should(BeTrue())
})

// newReplica makes a manager with a cache of its own, for the namespaces, and
// starts it.
func newReplica(ctx context.Context, config *rest.Config, setup func(cluster.Cluster), namespaces ...string) cluster.Cluster {
	GinkgoHelper()
	replica, err := cluster.New(counting(config), func(o *cluster.Options) {
		o.Scheme = scheme.Scheme
		o.Cache.ByObject = registration.CacheOptions(namespaces...)
	})
	Expect(err).NotTo(HaveOccurred())
	setup(replica)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan error, 1)
	go func() { stopped <- replica.Start(running) }()
	DeferCleanup(func() {
		stop()
		Eventually(stopped).Should(Receive(BeNil()))
	})
	return replica
}

// single matches the path of one object of a kind that Lookup asks for.
var single = regexp.MustCompile(`/oauthclients/[^/]+$|/namespaces/[^/]+$`)

// counting counts live requests, and writes.
func counting(config *rest.Config) *rest.Config {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet && single.MatchString(r.URL.Path) {
				liveRequests.Add(1)
			}
			response, err := next.RoundTrip(r)
			if r.Method != http.MethodGet {
				attempts.Add(1)
				if err == nil && response.StatusCode < http.StatusMultipleChoices {
					writes.Add(1)
				}
			}
			return response, err
		})
	})
	return config
}

type roundTripper func(*http.Request) (*http.Response, error)

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return rt(r) }
