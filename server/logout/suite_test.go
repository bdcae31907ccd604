package logout_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestLogout(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Logout endpoint")
}
