package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/postgres"
	"oauth-operator.dev/server/grant/storetest"
)

// contract returns what starts a backend for each spec of the contract: on one
// database for all of them, to save the time, with clients of its own.
func contract(prepare func(ctx context.Context, h *home), replicate func(h *home) grant.Store) func() storetest.Backend {
	var name string
	specs := 0
	return func() storetest.Backend {
		GinkgoHelper()
		ctx := context.Background()
		if name == "" {
			h := newHome(ctx)
			name = h.name
			prepare(ctx, h)
			h.migrated(ctx)
		}
		specs++
		client := fmt.Sprintf("team-%d.app", specs)
		return storetest.Backend{Store: replicate(homeOn(name)), ClientID: client, OtherClientID: "other." + client}
	}
}

func asIs(context.Context, *home) {}

func alone(h *home) grant.Store { return h.open() }

var _ = storetest.Behaves("a database", contract(asIs, alone))

// An engine that has no other level, as distributed ones, is as good.
var _ = storetest.Behaves("a database that is serializable throughout", contract(func(ctx context.Context, h *home) {
	h.sql(ctx, "ALTER DATABASE "+h.name+" SET default_transaction_isolation = 'serializable'")
}, alone))

var _ = storetest.Behaves("a database that two replicas share", contract(asIs, func(h *home) grant.Store {
	return &replicas{stores: []*postgres.Store{h.open(), h.open()}}
}))

var _ = Describe("Note", func() {
	It("keeps a value until its time is over, once", func(ctx SpecContext) {
		store := newHome(ctx).migrated(ctx)
		until := time.Now().Add(time.Hour)
		Expect(store.Noted(ctx, "id")).Error().To(MatchError(grant.ErrNotFound))
		Expect(store.Note(ctx, "id", []byte("a\x00value"), until)).To(Succeed())
		Expect(store.Note(ctx, "id", []byte("another"), until.Add(time.Hour))).To(MatchError(grant.ErrNoted))
		Expect(store.Noted(ctx, "id")).To(Equal([]byte("a\x00value")))
		Expect(store.Note(ctx, "none", nil, until)).To(Succeed())
		Expect(store.Noted(ctx, "none")).To(BeEmpty())
	})

	It("has ids of its own", func(ctx SpecContext) {
		store := newHome(ctx).migrated(ctx)
		until := time.Now().Add(time.Hour)
		Expect(store.Spend(ctx, "id", until)).To(Succeed())
		Expect(store.Note(ctx, "id", []byte("v"), until)).To(Succeed())
		Expect(store.Spend(ctx, "id", until)).To(MatchError(grant.ErrSpent))
	})

	It("gives way once its time is over, and to one call only", func(ctx SpecContext) {
		store := newHome(ctx).migrated(ctx)
		Expect(store.Note(ctx, "id", []byte("old"), time.Now().Add(-time.Second))).To(Succeed())
		Expect(store.Noted(ctx, "id")).Error().To(MatchError(grant.ErrNotFound))
		errs := make(chan error)
		for i := range 50 {
			go func() { errs <- store.Note(ctx, "id", fmt.Append(nil, i), time.Now().Add(time.Hour)) }()
		}
		kept := 0
		for range 50 {
			if err := <-errs; err == nil {
				kept++
			} else {
				Expect(err).To(MatchError(grant.ErrNoted))
			}
		}
		Expect(kept).To(Equal(1))
	})

	It("is not over because one server's clock is fast", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		fast := h.open(func(o *postgres.Options) { o.Now = func() time.Time { return time.Now().Add(2 * time.Hour) } })
		Expect(store.Note(ctx, "id", []byte("v"), time.Now().Add(time.Hour))).To(Succeed())
		Expect(fast.Note(ctx, "id", []byte("w"), time.Now().Add(time.Hour))).To(MatchError(grant.ErrNoted))
		Expect(store.Noted(ctx, "id")).To(Equal([]byte("v")))
	})

	It("keeps no id that could be read", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		Expect(store.Note(ctx, "the id of a note", []byte("v"), time.Now().Add(time.Hour))).To(Succeed())
		Expect(store.Spend(ctx, "the id of an assertion", time.Now().Add(time.Hour))).To(Succeed())
		for _, table := range []string{"oauth_notes", "oauth_spent"} {
			var id []byte
			Expect(h.connect(ctx).QueryRow(ctx, "SELECT id FROM "+table).Scan(&id)).To(Succeed())
			Expect(id).To(HaveLen(32))
			Expect(string(id)).NotTo(ContainSubstring("the id"))
		}
	})
})

// replicas are several servers that a client comes to in turn.
type replicas struct {
	stores []*postgres.Store
	turns  atomic.Int64
}

func (r *replicas) next() *postgres.Store { return r.stores[int(r.turns.Add(1))%len(r.stores)] }

func (r *replicas) Create(ctx context.Context, g grant.Grant) error { return r.next().Create(ctx, g) }

func (r *replicas) Get(ctx context.Context, key grant.Key) (grant.Grant, error) {
	return r.next().Get(ctx, key)
}

func (r *replicas) Advance(ctx context.Context, key grant.Key, from int64, refreshedAt, expiresAt time.Time) (grant.Grant, error) {
	return r.next().Advance(ctx, key, from, refreshedAt, expiresAt)
}

func (r *replicas) Revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	return r.next().Revoke(ctx, key, reason)
}

func (r *replicas) Spend(ctx context.Context, id string, until time.Time) error {
	return r.next().Spend(ctx, id, until)
}

func (r *replicas) Note(ctx context.Context, id string, value []byte, until time.Time) error {
	return r.next().Note(ctx, id, value, until)
}

func (r *replicas) Noted(ctx context.Context, id string) ([]byte, error) {
	return r.next().Noted(ctx, id)
}
