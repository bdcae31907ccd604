package main

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/protocoltest"
)

func TestConformance(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "conformance")
}

var _ = Describe("make conformance", func() {
	It("lists every case", func() {
		list := table()
		for _, c := range protocoltest.Cases() {
			Expect(list).To(ContainSubstring("| %s | %s | %s |\n", c.ID(), c.Level, c.Says))
		}
	})

	It("takes the example for a whole configuration", func() {
		config, err := read("example.yaml")
		Expect(err).NotTo(HaveOccurred())
		Expect(config.Validate()).To(Succeed())
		Expect(config.Other.AuthMethod).To(Equal("client_secret_post"))
		Expect(config.Public.AuthMethod).To(Equal("none"))
	})

	It("says what it does not know in a configuration, and what is missing", func() {
		file := filepath.Join(GinkgoT().TempDir(), "config.yaml")
		Expect(os.WriteFile(file, []byte("isuer: https://id.example.com"), 0o600)).To(Succeed())
		_, err := read(file)
		Expect(err).To(MatchError(ContainSubstring("isuer")))
		Expect(os.WriteFile(file, []byte("issuer: https://id.example.com"), 0o600)).To(Succeed())
		Expect(run("", file, "")).To(MatchError(ContainSubstring("confidential")))
	})

	It("says where a configuration comes from, if there is none", func() {
		Expect(run("https://id.example.com", "", "")).To(MatchError(ContainSubstring("hack/conformance/example.yaml")))
	})

	It("fails, and writes the report, where nobody answers", func() {
		file := filepath.Join(GinkgoT().TempDir(), "report.xml")
		Expect(run("http://127.0.0.1:1", "example.yaml", file)).To(MatchError(errFailed))
		Expect(os.ReadFile(file)).To(ContainSubstring("<failure "))
	})
})
