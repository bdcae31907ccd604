package secrettemplate_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestSecrettemplate(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "api/secrettemplate")
}
