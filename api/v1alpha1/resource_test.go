package v1alpha1_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Resources (RFC 8707)", func() {
	DescribeTable("of an AuthorizationServer are accepted", func(ctx SpecContext, fields string) {
		Expect(offer(ctx, object("AuthorizationServer", "some", `{issuer: "https://id.example.com", `+fields+`}`))).To(Succeed())
	},
		Entry("alone", `resources: [{identifier: "https://a.example.com/api?b=c%20d"}, {identifier: "urn:example:files"}]`),
		Entry("with everything", `resources: [{identifier: "https://a.example.com", displayName: Calendar, scopes: [openid], servedBy: [{namespace: apis, name: calendar}]}]`),
		Entry("in a rule", `policy: {rules: [{name: a, namespaceSelector: {}, resources: ["urn:example:files"]}]}`),
	)

	DescribeTable("of an AuthorizationServer are refused, with the field and the fix", func(ctx SpecContext, fields, field, fix string) {
		err := offer(ctx, object("AuthorizationServer", "some", `{issuer: "https://id.example.com", `+fields+`}`))
		Expect(causes(err)).To(ContainElement(And(HavePrefix(field+": "), ContainSubstring(fix))), "%v", err)
	},
		Entry("with a fragment", `resources: [{identifier: "https://a.example.com#b"}]`, "spec.resources[0].identifier", "without fragment"),
		Entry("with no scheme", `resources: [{identifier: "a.example.com"}]`, "spec.resources[0].identifier", "absolute URI"),
		Entry("with a scheme in capitals", `resources: [{identifier: "HTTPS://a.example.com"}]`, "spec.resources[0].identifier", "lower case"),
		Entry("with a space", `resources: [{identifier: "https://a.example.com/ b"}]`, "spec.resources[0].identifier", "absolute URI"),
		Entry("twice", `resources: [{identifier: "urn:a"}, {identifier: "urn:a"}]`, "spec.resources[1]", "Duplicate value"),
		Entry("with a name of two lines", `resources: [{identifier: "urn:a", displayName: "a\nb"}]`, "spec.resources[0].displayName", "on one line"),
		Entry("without scopes", `resources: [{identifier: "urn:a", scopes: []}]`, "spec.resources[0].scopes", "at least 1"),
		Entry("served by nobody in particular", `resources: [{identifier: "urn:a", servedBy: [{namespace: a}]}]`, "spec.resources[0].servedBy[0].name", "Required value"),
		Entry("none in a rule", `policy: {rules: [{name: a, namespaceSelector: {}, resources: []}]}`, "spec.policy.rules[0].resources", "at least 1"),
	)
})
