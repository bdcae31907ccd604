package v1alpha1_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

var _ = Describe("OAuthGrant", func() {
	const spec = `{authorizationServer: main, clientID: default.webapp, clientUID: u-1, subject: s-1, username: alice, scopes: [openid, email],
		sessionID: sid, authTime: "2026-01-01T10:00:00Z", createdAt: "2026-01-01T10:00:01Z", endsAt: "2026-02-01T10:00:01Z"}`

	var grant *unstructured.Unstructured

	BeforeEach(func(ctx SpecContext) {
		grant = object("OAuthGrant", "abc", spec)
		grant.Object["status"] = map[string]any{"generation": int64(3), "expiresAt": "2026-01-08T10:00:01Z"}
		Expect(api.Create(ctx, grant)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, grant)).To(Succeed()) })
	})

	change := func(ctx SpecContext, patch string) error {
		body, err := yaml.YAMLToJSON([]byte(patch))
		Expect(err).NotTo(HaveOccurred())
		return api.Patch(ctx, grant.DeepCopy(), client.RawPatch("application/merge-patch+json", body))
	}

	It("comes into being with its status, in one write", func() {
		Expect(grant.Object["status"]).To(HaveKeyWithValue("generation", int64(3)))
	})

	DescribeTable("cannot be edited", func(ctx SpecContext, patch string) {
		Expect(causes(change(ctx, patch))).To(ConsistOf(And(
			HavePrefix("spec: "), ContainSubstring("a grant cannot be edited; delete it to revoke it"))))
	},
		Entry("scopes", `spec: {scopes: [openid, email, groups]}`),
		Entry("fewer scopes", `spec: {scopes: [openid]}`),
		Entry("no scopes", `spec: {scopes: null}`),
		Entry("subject", `spec: {subject: s-2}`),
		Entry("client", `spec: {clientID: default.other}`),
		Entry("client UID", `spec: {clientUID: u-2}`),
		Entry("username", `spec: {username: bob}`),
		Entry("end", `spec: {endsAt: "2027-01-01T00:00:00Z"}`),
	)

	It("counts up only", func(ctx SpecContext) {
		Expect(change(ctx, `status: {generation: 4}`)).To(Succeed())
		Expect(causes(change(ctx, `status: {generation: 3}`))).To(ConsistOf(And(
			HavePrefix("status.generation: "), ContainSubstring("must not go back"))))
	})

	It("stays revoked", func(ctx SpecContext) {
		with := func(status string) string {
			return fmt.Sprintf(`status: {conditions: [{type: Active, status: %q, reason: CodeReplayed, message: m, `+
				`lastTransitionTime: "2026-01-01T10:00:01Z"}]}`, status)
		}
		Expect(change(ctx, with("True"))).To(Succeed())
		Expect(change(ctx, with("False"))).To(Succeed())
		Expect(change(ctx, `status: {generation: 5}`)).To(Succeed(), "other changes are possible")
		for _, revival := range []string{with("True"), `status: {conditions: []}`, `status: {conditions: null}`} {
			Expect(causes(change(ctx, revival))).To(ConsistOf(And(
				HavePrefix("status.conditions: "), ContainSubstring("stays revoked"))))
		}
	})

	DescribeTable("is refused", func(ctx SpecContext, status, field string) {
		o := object("OAuthGrant", "other", spec)
		var value map[string]any
		Expect(yaml.Unmarshal([]byte(status), &value)).To(Succeed())
		o.Object["status"] = value
		Expect(causes(offer(ctx, o))).To(ContainElement(HavePrefix(field + ": ")))
	},
		Entry("without a generation", `expiresAt: "2026-01-08T10:00:01Z"`, "status.generation"),
		Entry("with a generation below zero", `{generation: -1, expiresAt: "2026-01-08T10:00:01Z"}`, "status.generation"),
		Entry("without an end", `generation: 0`, "status.expiresAt"),
	)
})
