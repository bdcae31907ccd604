package postgres_test

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

var _ = Describe("What administrators do", func() {
	list := func(ctx context.Context, store grant.Archive, filter grant.Filter) (ids []string) {
		GinkgoHelper()
		Expect(store.Each(ctx, filter, func(g grant.Grant) error {
			ids = append(ids, g.ID)
			return nil
		})).To(Succeed())
		return ids
	}

	It("finds the grants of a person and of a client, over many pages", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		mine := create(ctx, store)
		g := newGrant()
		g.ClientID, g.Username, g.Subject = "other.app", "bob", "b"
		Expect(store.Create(ctx, g)).To(Succeed())
		h.sql(ctx, `INSERT INTO oauth_grants SELECT 'aaaaaaaaaaaaaaaaaaaaa' || to_char(n, 'FM00000'), 'many.app', 'm', 'm', `+
			`'{"v":1,"issuer":"main","clientUID":"u","subject":"m","username":"m","authTime":1,"createdAt":1,"endsAt":4000000000}', `+
			`0, NULL, now() + interval '1 hour', '' FROM generate_series(1, 1234) n`)
		Expect(list(ctx, store, grant.Filter{})).To(HaveLen(1236))
		Expect(list(ctx, store, grant.Filter{Username: "alice"})).To(Equal([]string{mine.ID}))
		Expect(list(ctx, store, grant.Filter{Subject: "b"})).To(Equal([]string{g.ID}))
		Expect(list(ctx, store, grant.Filter{ClientID: "other.app", Username: "alice"})).To(BeEmpty())
		Expect(list(ctx, store, grant.Filter{ID: mine.ID})).To(Equal([]string{mine.ID}))
		Expect(list(ctx, store, grant.Filter{ClientID: "many.app"})).To(HaveLen(1234))
		stop := errors.New("enough")
		Expect(store.Each(ctx, grant.Filter{}, func(grant.Grant) error { return stop })).To(MatchError(stop))
	})

	It("replaces what it has seen, and nothing else", func(ctx SpecContext) {
		store := newHome(ctx).migrated(ctx)
		was := create(ctx, store)
		is := was
		is.Generation, is.RefreshedAt, is.ExpiresAt = 7, was.CreatedAt.Add(time.Minute), was.ExpiresAt.Add(time.Minute)
		Expect(store.Replace(ctx, was, is)).To(Succeed())
		Expect(store.Get(ctx, was.Key())).To(Equal(is))
		Expect(store.Replace(ctx, was, is)).To(MatchError(grant.ErrMoved))
		Expect(store.Replace(ctx, newGrant(), newGrant())).To(MatchError(grant.ErrNotFound))
	})

	It("hands a grant over to another database and back, and it is never good in both", func(ctx SpecContext) {
		here, there := newHome(ctx).migrated(ctx), newHome(ctx).migrated(ctx)
		g := create(ctx, here)
		Expect(grant.Import(ctx, there, g)).To(BeTrue())
		Expect(grant.Import(ctx, there, g)).To(BeFalse(), "a second time is nothing")
		advance := func(store grant.Store, from int64) error {
			_, err := store.Advance(ctx, g.Key(), from, time.Now(), time.Now().Add(time.Hour))
			return err
		}
		Expect(advance(here, 0)).To(Succeed())
		Expect(grant.HandOver(ctx, here, there, g.Key())).To(BeTrue())
		Expect(grant.HandOver(ctx, here, there, g.Key())).To(BeFalse())
		Expect(advance(here, 1)).To(MatchError(grant.ErrMoved))
		Expect(advance(there, 0)).To(MatchError(grant.ErrMoved), "its first generation was used before it was moved")
		Expect(advance(there, 1)).To(Succeed())

		Expect(grant.HandOver(ctx, there, here, g.Key())).To(BeTrue())
		Expect(advance(there, 2)).To(MatchError(grant.ErrMoved))
		Expect(advance(here, 1)).To(MatchError(grant.ErrMoved))
		Expect(advance(here, 2)).To(Succeed())
		Expect(here.Create(ctx, g)).To(MatchError(grant.ErrExists))
	})

	It("does not bring a revoked grant back", func(ctx SpecContext) {
		here, there := newHome(ctx).migrated(ctx), newHome(ctx).migrated(ctx)
		g := create(ctx, here)
		Expect(grant.Import(ctx, there, g)).To(BeTrue())
		Expect(here.Revoke(ctx, g.Key(), grant.RefreshTokenReused)).To(Succeed())
		Expect(grant.HandOver(ctx, here, there, g.Key())).To(BeTrue())
		Expect(there.Get(ctx, g.Key())).To(HaveField("Revoked", grant.RefreshTokenReused))
		Expect(grant.HandOver(ctx, there, here, g.Key())).To(BeFalse())
		Expect(here.Get(ctx, g.Key())).To(HaveField("Revoked", grant.RefreshTokenReused))
	})
})
