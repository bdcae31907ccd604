package devicecode

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestDeviceCode(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Device codes")
}
