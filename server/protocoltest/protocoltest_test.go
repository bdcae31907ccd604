package protocoltest_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
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

	DescribeTable("is not said to be broken because a client of the configuration may do less", func(ctx SpecContext, id string, grantTypes ...string) {
		w := newWorld()
		w.clients[id].GrantTypes = grantTypes
		results := protocoltest.Run(ctx, w.config, protocoltest.Cases())
		var report strings.Builder
		Expect(protocoltest.WriteText(&report, results)).To(Succeed())
		Expect(protocoltest.Failed(results)).To(BeFalse(), report.String())
	},
		Entry("the confidential one, without refresh tokens", "team.web", oauth.GrantAuthorizationCode, oauth.GrantClientCredentials),
		Entry("the confidential one, without client credentials", "team.web", oauth.GrantAuthorizationCode, oauth.GrantRefreshToken),
		Entry("the second one, without refresh tokens", "team.other", oauth.GrantAuthorizationCode),
		Entry("the public one, without refresh tokens", "team.cli", oauth.GrantAuthorizationCode),
		Entry("the device, without refresh tokens", "team.tv", oauth.GrantDeviceCode),
		Entry("the one that signs, without client credentials", "team.signer", oauth.GrantAuthorizationCode),
	)

	It("has a name of its own for every case", func() {
		seen := map[string]bool{}
		for _, c := range protocoltest.Cases() {
			Expect(seen).NotTo(HaveKey(c.ID()))
			Expect(c.Says).To(HaveSuffix("."))
			seen[c.ID()] = true
		}
	})
})
