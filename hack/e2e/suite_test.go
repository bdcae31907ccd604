// Package e2e tests the operator from the outside, on a real cluster: installed
// from the chart, with nodes that run it, workloads that mount what it writes, and
// a browser. README.md says how to run it.
package e2e_test

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// root of the repository, from here.
const root = "../.."

func TestEndToEnd(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("this needs a cluster: see make e2e")
	}
	RegisterFailHandler(Fail)
	log.SetLogger(GinkgoLogr)
	RunSpecs(t, "end to end")
}

// One installation for all, which each of them disturbs in its own way: so they
// are in order. What comes after a failure is tried all the same.
var _ = Describe("On a real cluster", Ordered, ContinueOnFailure, func() {
	BeforeAll(prepare, NodeTimeout(20*time.Minute)) // it builds the images
	AfterEach(collectAfterFailure)
	AfterAll(cleanUp)

	Describe("a way to install it", theWays)
	Describe("the installation", theInstallation)
	Describe("an API", theAPI)
	Describe("a popular consumer", theConsumers)
	Describe("a rotation", theRotation)
	Describe("a disruption", theDisruptions)
	Describe("the loss of a node", theLossOfANode)
	Describe("the release", theRelease)
})
