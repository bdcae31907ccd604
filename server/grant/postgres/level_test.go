package postgres_test

import (
	"time"

	"github.com/jackc/pgx/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

var _ = Describe("A step that the database takes back", func() {
	It("is taken again, as it was not taken", func(ctx SpecContext) {
		h := newHome(ctx)
		h.sql(ctx, "ALTER DATABASE "+h.name+" SET default_transaction_isolation = 'serializable'")
		store := h.migrated(ctx)
		g := create(ctx, store)
		other, err := h.connect(ctx).BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
		Expect(err).NotTo(HaveOccurred())
		_, err = other.Exec(ctx, "UPDATE oauth_grants SET username = 'alicia' WHERE id = $1", g.ID)
		Expect(err).NotTo(HaveOccurred())
		result := make(chan error, 1)
		go func() {
			_, err := store.Advance(ctx, g.Key(), 0, time.Now(), time.Now().Add(time.Hour))
			result <- err
		}()
		admin := h.connect(ctx)
		Eventually(func() []int { return waiting(ctx, admin) }).Should(HaveLen(1))
		Expect(other.Commit(ctx)).To(Succeed()) // and the step gets 40001
		Eventually(result).Should(Receive(BeNil()))
		Expect(store.Get(ctx, g.Key())).To(HaveField("Generation", int64(1)))
		Expect(store.Create(ctx, g)).To(MatchError(grant.ErrExists))
	})
})
