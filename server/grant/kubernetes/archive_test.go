package kubernetes_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

var _ = Describe("What administrators do with grants in the cluster", func() {
	It("finds them by person and by client, over many pages", func(ctx SpecContext) {
		f := newFixture(ctx)
		g := f.create(ctx)
		other := newFixture(ctx)
		bob := other.create(ctx)
		ids := func(filter grant.Filter) (ids []string) {
			Expect(f.store.Each(ctx, filter, func(g grant.Grant) error {
				ids = append(ids, g.ID)
				return nil
			})).To(Succeed())
			return ids
		}
		Expect(ids(grant.Filter{})).To(ContainElements(g.ID, bob.ID))
		Expect(ids(grant.Filter{ClientID: g.ClientID})).To(Equal([]string{g.ID}))
		Expect(ids(grant.Filter{ID: bob.ID, Username: "alice"})).To(Equal([]string{bob.ID}))
		Expect(ids(grant.Filter{ID: bob.ID, Username: "carol"})).To(BeEmpty())
		Expect(ids(grant.Filter{ClientID: "../secrets"})).To(BeEmpty())
	})

	It("replaces what it has seen, lets one that has moved come back, and nothing else that was revoked", func(ctx SpecContext) {
		f := newFixture(ctx)
		was := f.create(ctx)
		is := was
		is.Generation, is.RefreshedAt, is.ExpiresAt, is.Revoked = 7, was.CreatedAt, was.ExpiresAt.Add(1e9), grant.Moved
		Expect(f.store.Replace(ctx, was, is)).To(Succeed())
		Expect(f.store.Get(ctx, was.Key())).To(Equal(is))
		Expect(f.store.Replace(ctx, was, is)).To(MatchError(grant.ErrMoved))
		back := is
		back.Revoked = ""
		Expect(f.store.Replace(ctx, is, back)).To(Succeed())
		Expect(f.store.Get(ctx, was.Key())).To(Equal(back))
		Expect(f.advance(ctx, was, 7)).To(HaveField("Generation", int64(8)))

		Expect(f.store.Revoke(ctx, was.Key(), grant.CodeReplayed)).To(Succeed())
		ended, err := f.store.Get(ctx, was.Key())
		Expect(err).NotTo(HaveOccurred())
		back = ended
		back.Revoked = ""
		Expect(f.store.Replace(ctx, ended, back)).To(MatchError(ContainSubstring("stays revoked")))
	})

	It("takes over a grant that another store has refreshed", func(ctx SpecContext) {
		f := newFixture(ctx)
		g := f.create(ctx)
		Expect(api.Delete(ctx, f.object(ctx, g))).To(Succeed())
		g.Generation, g.RefreshedAt = 5, f.now
		Expect(grant.Import(ctx, f.store, g)).To(BeTrue())
		Expect(f.store.Get(ctx, g.Key())).To(Equal(g))
		Expect(f.advance(ctx, g, 5)).To(HaveField("Generation", int64(6)))
		Expect(grant.Import(ctx, f.store, g)).To(BeFalse(), "it has gone on since")
	})
})
