package controlplane_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/hack/controlplane"
)

func TestControlPlane(t *testing.T) {
	log.SetLogger(GinkgoLogr)
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second) // of a machine that is busy
	RunSpecs(t, "control plane")
}

// hostVariable turns this test binary into a process that hosts a control plane
// and does nothing to take it down.
const hostVariable = "CONTROLPLANE_TEST_HOST"

func TestHost(t *testing.T) {
	if os.Getenv(hostVariable) == "" {
		t.Skip("runs in a process that a spec starts")
	}
	if _, err := controlplane.Start(context.Background(), controlplane.Options{WithoutCRDs: true}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("started")
	select {}
}
