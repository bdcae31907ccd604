package protocoltest_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/protocoltest"
)

var _ = Describe("The protocol", func() {
	It("is kept by the server, in every case", func(ctx SpecContext) {
		results := protocoltest.Run(ctx, newWorld().config, protocoltest.Cases())
		var report strings.Builder
		Expect(protocoltest.WriteText(&report, results)).To(Succeed())
		GinkgoWriter.Println(report.String())
		Expect(protocoltest.Failed(results)).To(BeFalse(), report.String())
	})

	It("has a name of its own for every case", func() {
		seen := map[string]bool{}
		for _, c := range protocoltest.Cases() {
			Expect(seen).NotTo(HaveKey(c.ID()))
			Expect(c.Says).To(HaveSuffix("."))
			seen[c.ID()] = true
		}
	})
})
