package accesstoken_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestAccessToken(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "accesstoken")
}
