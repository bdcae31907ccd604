package keys_test

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

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/server/keys"
)

func TestKeys(t *testing.T) {
	log.SetLogger(GinkgoLogr)
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "server/keys")
}

var (
	plane  *controlplane.ControlPlane
	config *rest.Config
	api    client.Client // an administrator's
)

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	plane, err = controlplane.Start(context.WithoutCancel(ctx), controlplane.Options{Log: GinkgoWriter, WithoutCRDs: true})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	config = plane.Config()
	api, err = client.New(config, client.Options{Scheme: scheme.Scheme})
	Expect(err).NotTo(HaveOccurred())
})

// start is when the keys of the specs are made.
var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// day is how long a key of the specs makes new things, and how long what it has
// made is good after that. Its successor is published an hour before.
const day = 24 * time.Hour

var uses = []keyring.Use{
	keyring.UseSignES256, keyring.UseSignRS256, keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser, keyring.UseVerifier,
}

// rotate returns the ring as it is at that time.
func rotate(ring keyring.Ring, now time.Time) keyring.Ring {
	GinkgoHelper()
	var schedules []keyring.Schedule
	for _, use := range uses {
		schedules = append(schedules, keyring.Schedule{Use: use, Every: day, Ahead: time.Hour, Keep: day})
	}
	next, _, _, err := keyring.Rotate(ring, schedules, now)
	Expect(err).NotTo(HaveOccurred())
	return next
}

func compile(ring keyring.Ring) *keys.Set {
	GinkgoHelper()
	set, err := keys.Compile(ring)
	Expect(err).NotTo(HaveOccurred())
	return set
}

// active returns the id of the key of that use that makes new things.
func active(ring keyring.Ring, use keyring.Use, now time.Time) string {
	GinkgoHelper()
	k, ok := ring.Active(use, now)
	Expect(ok).To(BeTrue())
	return k.ID
}
