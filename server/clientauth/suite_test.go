package clientauth_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestClientauth(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "clientauth")
}
