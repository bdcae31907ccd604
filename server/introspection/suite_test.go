package introspection_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestIntrospection(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "introspection endpoint")
}
