package storetest

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

func (s *suite) spend() {
	Describe("Spend", func() {
		soon := func() time.Time { return s.now.Add(time.Hour) }

		It("takes an id once, and returns ErrSpent from then on", func(ctx SpecContext) {
			id := grant.NewID()
			Expect(s.Store.Spend(ctx, id, soon())).To(Succeed())
			Expect(s.Store.Spend(ctx, id, soon())).To(MatchError(grant.ErrSpent))
			Expect(s.Store.Spend(ctx, id, soon().Add(time.Hour))).To(MatchError(grant.ErrSpent))
		})

		It("takes an id once of many calls at a time", func(ctx SpecContext) {
			id := grant.NewID()
			expectOneNil(s.atOnce(func() error { return s.Store.Spend(ctx, id, soon()) }), grant.ErrSpent)
		})

		It("keeps ids apart, whatever is in them", func(ctx SpecContext) {
			id := grant.NewID()
			Expect(s.Store.Spend(ctx, id, soon())).To(Succeed())
			for what, spoil := range hostile {
				other := "x" + id + spoil("x")
				Expect(s.Store.Spend(ctx, other, soon())).To(Succeed(), what)
				Expect(s.Store.Spend(ctx, other, soon())).To(MatchError(grant.ErrSpent), what)
			}
		})

		It("either remembers an id whose time is over or has forgotten it", func(ctx SpecContext) {
			id := grant.NewID()
			Expect(s.Store.Spend(ctx, id, s.now.Add(-time.Hour))).To(Succeed())
			Expect(s.Store.Spend(ctx, id, soon())).To(Or(Succeed(), MatchError(grant.ErrSpent)))
			Expect(s.Store.Spend(ctx, id, soon())).To(MatchError(grant.ErrSpent))
		})
	})
}
