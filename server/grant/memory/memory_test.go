package memory_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/grant/storetest"
)

var _ = storetest.Behaves("the memory of one process", func() storetest.Backend {
	return storetest.Backend{Store: memory.New(nil), ClientID: "team.app", OtherClientID: "team.other"}
})

var _ = Describe("clearing away", func() {
	const client = "team.app"
	var (
		now   time.Time
		store *memory.Store
	)
	BeforeEach(func() {
		now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
		store = memory.New(func() time.Time { return now })
	})
	create := func(ctx SpecContext, lifetime time.Duration) grant.Grant {
		GinkgoHelper()
		g := grant.Grant{ID: grant.NewID(), ClientID: client, CreatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(lifetime), EndsAt: now.Add(time.Hour)}
		Expect(store.Create(ctx, g)).To(Succeed())
		return g
	}
	found := func(ctx SpecContext, g grant.Grant) error {
		_, err := store.Get(ctx, g.Key())
		return err
	}

	It("leaves a grant until it has expired, and clears it away when others are created", func(ctx SpecContext) {
		g := create(ctx, time.Minute)
		now = g.ExpiresAt.Add(-time.Nanosecond)
		create(ctx, time.Hour)
		Expect(found(ctx, g)).To(Succeed())
		Expect(store.Create(ctx, g)).To(MatchError(grant.ErrExists))
		now = g.ExpiresAt
		create(ctx, time.Hour)
		Expect(found(ctx, g)).To(MatchError(grant.ErrNotFound))
	})

	It("leaves a grant that was refreshed until it has expired again", func(ctx SpecContext) {
		g := create(ctx, time.Minute)
		moved, err := store.Advance(ctx, g.Key(), 0, now, now.Add(30*time.Minute))
		Expect(err).NotTo(HaveOccurred())
		now = g.ExpiresAt.Add(time.Minute)
		create(ctx, time.Hour)
		Expect(found(ctx, g)).To(Succeed())
		now = moved.ExpiresAt
		create(ctx, time.Hour)
		Expect(found(ctx, g)).To(MatchError(grant.ErrNotFound))
	})

	It("clears away revoked grants too, but no sooner", func(ctx SpecContext) {
		g := create(ctx, time.Minute)
		Expect(store.Revoke(ctx, g.Key(), grant.CodeReplayed)).To(Succeed())
		now = g.ExpiresAt.Add(-time.Second)
		create(ctx, time.Hour)
		Expect(store.Create(ctx, g)).To(MatchError(grant.ErrExists))
		now = g.ExpiresAt
		create(ctx, time.Hour)
		Expect(found(ctx, g)).To(MatchError(grant.ErrNotFound))
	})

	It("leaves a grant as long as its code can be used again, though it has expired", func(ctx SpecContext) {
		g := grant.Grant{ID: grant.NewID(), ClientID: client, CreatedAt: now, ExpiresAt: now.Add(time.Minute), EndsAt: now.Add(time.Hour)}
		Expect(store.Create(ctx, g)).To(Succeed())
		now = g.CreatedAt.Add(30 * time.Minute)
		create(ctx, time.Hour)
		Expect(store.Create(ctx, g)).To(MatchError(grant.ErrExists))
		now = g.CreatedAt.Add(grant.CodeLimit)
		create(ctx, time.Hour)
		Expect(found(ctx, g)).To(MatchError(grant.ErrNotFound))
	})

	It("keeps up with a burst, a few grants at a time", func(ctx SpecContext) {
		var burst []grant.Grant
		for range 100 {
			burst = append(burst, create(ctx, time.Minute))
		}
		now = now.Add(time.Minute)
		left := func() (n int) {
			for _, g := range burst {
				if found(ctx, g) == nil {
					n++
				}
			}
			return n
		}
		create(ctx, time.Hour)
		Expect(left()).To(Equal(98), "one call clears away a bounded number")
		for range 49 {
			create(ctx, time.Hour)
		}
		Expect(left()).To(BeZero())
	})
})

func BenchmarkCreateAndAdvance(b *testing.B) {
	ctx := b.Context()
	store := memory.New(nil)
	now := time.Now()
	for i := range b.N {
		g := grant.Grant{ID: fmt.Sprint(i), ClientID: "team.app", ExpiresAt: now, EndsAt: now}
		if err := store.Create(ctx, g); err != nil {
			b.Fatal(err)
		}
		if _, err := store.Advance(ctx, g.Key(), 0, now, now); err != nil {
			b.Fatal(err)
		}
	}
}
