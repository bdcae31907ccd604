package throttle_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestThrottle(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "throttle")
}
