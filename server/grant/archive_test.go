package grant_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

var _ = Describe("What two stores know of one grant", func() {
	at := func(generation int64, revoked grant.Reason) grant.Grant {
		return grant.Grant{
			ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", ClientID: "team.app", Subject: "s", CreatedAt: start, EndsAt: start.Add(time.Hour),
			Generation: generation, RefreshedAt: start.Add(time.Duration(generation) * time.Minute),
			ExpiresAt: start.Add(time.Duration(generation+1) * time.Minute), Revoked: revoked,
		}.Normal()
	}

	DescribeTable("is the later of both, and revoked if either says so:",
		func(here, there, merged grant.Grant) {
			Expect(grant.Merge(here, there)).To(Equal(merged))
			Expect(grant.Merge(merged, there)).To(Equal(merged), "and a second time is nothing")
		},
		Entry("the same", at(2, ""), at(2, ""), at(2, "")),
		Entry("there is later", at(2, ""), at(3, ""), at(3, "")),
		Entry("here is later", at(3, ""), at(2, ""), at(3, "")),
		Entry("revoked there, and earlier", at(3, ""), at(2, grant.CodeReplayed), at(3, grant.CodeReplayed)),
		Entry("revoked here", at(2, grant.CodeReplayed), at(3, ""), at(3, grant.CodeReplayed)),
		Entry("revoked in both: the reason here stays", at(2, grant.LoggedOut), at(2, grant.CodeReplayed), at(2, grant.LoggedOut)),
		Entry("moved away from there is no news", at(2, ""), at(2, grant.Moved), at(2, "")),
		Entry("moved away from there, further than here", at(2, ""), at(3, grant.Moved), at(3, grant.Moved)),
		Entry("it comes back", at(2, grant.Moved), at(2, ""), at(2, "")),
		Entry("it comes back and has been used", at(2, grant.Moved), at(5, ""), at(5, "")),
		Entry("it comes back revoked", at(2, grant.Moved), at(2, grant.RefreshTokenReused), at(2, grant.RefreshTokenReused)),
		Entry("an older copy comes back", at(3, grant.Moved), at(2, ""), at(3, grant.Moved)),
	)

	It("is nothing if they are two grants", func() {
		other := at(2, "")
		other.Scope = []string{"admin"}
		Expect(grant.Merge(at(2, ""), other)).Error().To(MatchError(grant.ErrOther))
	})
})
