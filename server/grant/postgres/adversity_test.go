package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	database "oauth-operator.dev/hack/postgres"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/postgres"
)

// isAnswer is what the contract names.
func isAnswer(err error) bool {
	for _, answer := range []error{grant.ErrExists, grant.ErrNotFound, grant.ErrMoved, grant.ErrSpent, grant.ErrNoted} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// lock holds the row of a grant until release is called.
func lock(ctx context.Context, h *home, g grant.Grant) (release func()) {
	GinkgoHelper()
	tx, err := h.connect(ctx).Begin(ctx)
	Expect(err).NotTo(HaveOccurred())
	_, err = tx.Exec(ctx, "SELECT 1 FROM oauth_grants WHERE id = $1 FOR UPDATE", g.ID)
	Expect(err).NotTo(HaveOccurred())
	return sync.OnceFunc(func() { _ = tx.Rollback(context.WithoutCancel(ctx)) })
}

// lockTable has every step wait until release.
func lockTable(ctx context.Context, h *home) (release func()) {
	GinkgoHelper()
	tx, err := h.connect(ctx).Begin(ctx)
	Expect(err).NotTo(HaveOccurred())
	_, err = tx.Exec(ctx, "LOCK TABLE oauth_grants IN ACCESS EXCLUSIVE MODE")
	Expect(err).NotTo(HaveOccurred())
	return sync.OnceFunc(func() { _ = tx.Rollback(context.WithoutCancel(ctx)) })
}

// waiting returns the connections that wait for a lock.
func waiting(ctx context.Context, c *pgx.Conn) (pids []int) {
	GinkgoHelper()
	rows, err := c.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
	Expect(err).NotTo(HaveOccurred())
	pids, err = pgx.CollectRows(rows, pgx.RowTo[int])
	Expect(err).NotTo(HaveOccurred())
	return pids
}

var _ = Describe("A connection that is lost in the middle of a step", func() {
	It("leaves an Advance unknown, and its retry gets a sane answer", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		g := create(ctx, store)
		release := lock(ctx, h, g)
		defer release()
		result := make(chan error, 1)
		at := time.Now().UTC().Truncate(time.Microsecond)
		go func() {
			_, err := store.Advance(ctx, g.Key(), 0, at, at.Add(time.Hour))
			result <- err
		}()
		admin := h.connect(ctx)
		Eventually(func() []int { return waiting(ctx, admin) }).Should(HaveLen(1))
		_, err := admin.Exec(ctx, "SELECT pg_terminate_backend($1)", waiting(ctx, admin)[0])
		Expect(err).NotTo(HaveOccurred())
		var lost error
		Eventually(result).Should(Receive(&lost))
		Expect(lost).To(HaveOccurred())
		Expect(isAnswer(lost)).To(BeFalse(), "%v", lost)
		Expect(lost).To(MatchError(ContainSubstring("has ended the connection")), "at once: it is not for the store to try again")
		release()

		moved, err := store.Advance(ctx, g.Key(), 0, at, at.Add(time.Hour))
		Expect(err).To(Or(Succeed(), MatchError(grant.ErrMoved)))
		Expect(moved.Generation).To(Equal(int64(1)))
		Expect(store.Get(ctx, g.Key())).To(HaveField("Generation", int64(1)))
	})

	It("lets no grant advance twice while connections are killed all the time", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx, func(o *postgres.Options) { o.MaxConnections = 8 })
		g := create(ctx, store)
		killing, stop := context.WithCancel(ctx)
		killer := h.connect(ctx)
		var killed sync.WaitGroup
		killed.Go(func() {
			for killing.Err() == nil {
				_, _ = killer.Exec(killing, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "+
					"WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.3")
			}
		})
		unknown := 0
		for from := int64(0); from < 30; {
			errs := make(chan error, 10)
			for range 10 {
				go func() {
					_, err := store.Advance(ctx, g.Key(), from, time.Now(), time.Now().Add(time.Hour))
					errs <- err
				}()
			}
			succeeded := 0
			for range 10 {
				switch err := <-errs; {
				case err == nil:
					succeeded++
				case !errors.Is(err, grant.ErrMoved):
					unknown++
				}
			}
			Expect(succeeded).To(BeNumerically("<=", 1))
			is, err := store.Get(ctx, g.Key())
			if err != nil {
				continue // it was killed each time
			}
			Expect(is.Generation).To(BeElementOf(from, from+1))
			from = is.Generation
		}
		stop()
		killed.Wait()
		Expect(unknown).To(BeNumerically(">", 0), "connections were killed under way")
	})

	It("revokes all the same", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		g := create(ctx, store)
		release := lock(ctx, h, g)
		result := make(chan error, 1)
		go func() { result <- store.Revoke(ctx, g.Key(), grant.CodeReplayed) }()
		admin := h.connect(ctx)
		Eventually(func() []int { return waiting(ctx, admin) }).Should(HaveLen(1))
		_, err := admin.Exec(ctx, "SELECT pg_terminate_backend($1)", waiting(ctx, admin)[0])
		Expect(err).NotTo(HaveOccurred())
		release()
		var after error
		Eventually(result).Should(Receive(&after))
		Expect(after).NotTo(HaveOccurred())
		Expect(store.Get(ctx, g.Key())).To(HaveField("Revoked", grant.CodeReplayed))
	})
})

var _ = Describe("A database that goes away", func() {
	var own *database.Server
	var h *home
	BeforeEach(func(ctx SpecContext) {
		var err error
		own, err = database.Start(ctx)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(own.Stop()).To(Succeed()) })
		h = newHome(ctx)
		h.connects(own.DSN("postgres"))
	})

	It("is noticed soon, and found again by itself, with all that was kept", func(ctx SpecContext) {
		store := h.migrated(ctx)
		g := create(ctx, store)
		moved, err := store.Advance(ctx, g.Key(), 0, time.Now(), time.Now().Add(time.Hour))
		Expect(err).NotTo(HaveOccurred())
		Expect(own.Crash()).To(Succeed())
		begin := time.Now()
		err = store.Create(ctx, newGrant())
		Expect(err).To(HaveOccurred())
		Expect(isAnswer(err)).To(BeFalse())
		Expect(time.Since(begin)).To(BeNumerically("<", 5*time.Second), "nobody waits for what is not there")
		Expect(own.Resume(ctx)).To(Succeed())
		Expect(store.Get(ctx, g.Key())).To(Equal(moved))
		Expect(store.Create(ctx, g)).To(MatchError(grant.ErrExists))
	})

	It("does not make a server unready that had it, but one that never had", func(ctx SpecContext) {
		store, late := h.open(), h.open()
		running, stop := context.WithCancel(ctx)
		defer stop()
		var both sync.WaitGroup
		defer both.Wait()
		defer stop()
		Expect(store.Ready()).NotTo(Succeed())
		both.Go(func() { _ = store.Start(running) })
		Eventually(store.Ready).Should(Succeed())
		Expect(own.Halt()).To(Succeed())
		both.Go(func() { _ = late.Start(running) })
		Eventually(func() string { return late.Ready().Error() }).Should(ContainSubstring("connection refused"))
		Expect(store.Ready()).To(Succeed())
		Expect(own.Resume(ctx)).To(Succeed())
		Eventually(late.Ready).Should(Succeed())
	})
})

var _ = Describe("A pool that is exhausted", func() {
	It("has steps wait, and fail when their time is over", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx, func(o *postgres.Options) { o.MaxConnections, o.StatementTimeout = 1, 300*time.Millisecond })
		// Nobody gets anywhere with the table locked, whichever of them has the one
		// connection and whenever it began.
		release := lockTable(ctx, h)
		const steps = 3
		errs := make(chan error, steps)
		for range steps {
			go func() { errs <- store.Create(ctx, newGrant()) }()
		}
		admin := h.connect(ctx)
		for range steps {
			var err error
			Eventually(func() int {
				Expect(len(waiting(ctx, admin))).To(BeNumerically("<=", 1), "the others have no connection to wait with")
				select {
				case err = <-errs:
					return 1
				default:
					return 0
				}
			}).Should(Equal(1))
			Expect(err).To(MatchError(context.DeadlineExceeded))
		}
		release()
		Eventually(func() error { return store.Create(ctx, newGrant()) }).Should(Succeed())
	})
})

var _ = Describe("Text that a database does not take", func() {
	It("comes back as it was, in every field that a stranger may fill", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		const hostile = "\x00'; DROP TABLE oauth_grants; --\\u0000\n\u202e\uFFFD${x}%s"
		g := newGrant()
		g.Subject, g.Username, g.SessionID = hostile, hostile, hostile
		g.Scope, g.Claims, g.Resources = []string{hostile}, []string{hostile, ""}, []string{strings.Repeat("long ", 20_000)}
		Expect(store.Create(ctx, g)).To(Succeed())
		Expect(store.Get(ctx, g.Key())).To(Equal(g))
		var found []grant.Grant
		Expect(store.Each(ctx, grant.Filter{Subject: hostile}, func(g grant.Grant) error {
			found = append(found, g)
			return nil
		})).To(Succeed())
		Expect(found).To(Equal([]grant.Grant{g}))
	})

	It("is refused where it would not come back", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		for _, spoil := range []func(*grant.Grant){
			func(g *grant.Grant) { g.Username = "\xff" }, func(g *grant.Grant) { g.Scope[0] = "\xc3\x28" },
			func(g *grant.Grant) { g.Resources = []string{"\xed\xa0\x80"} },
		} {
			g := newGrant()
			spoil(&g)
			Expect(store.Create(ctx, g)).To(MatchError(ContainSubstring("not UTF-8")))
			Expect(store.Get(ctx, g.Key())).Error().To(MatchError(grant.ErrNotFound))
		}
	})

	It("costs no statement where no grant can be", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.open() // there is no table yet
		for _, key := range []grant.Key{
			{ClientID: "a\x00b", ID: grant.NewID()},
			{ClientID: "\xff", ID: grant.NewID()},
			{ClientID: "", ID: grant.NewID()},
			{ClientID: strings.Repeat("x", 513), ID: grant.NewID()},
			{ClientID: "a.b", ID: "'"},
		} {
			Expect(store.Get(ctx, key)).Error().To(MatchError(grant.ErrNotFound), fmt.Sprintf("%q", key))
		}
	})
})

var _ = Describe("Clearing away", func() {
	It("leaves what has not ended by either clock, and what a replay could ask for", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		kept := func(ended time.Duration) grant.Grant {
			g := newGrant()
			g.ExpiresAt = time.Now().UTC().Add(-ended).Truncate(time.Second)
			Expect(store.Create(ctx, g)).To(Succeed())
			return g
		}
		stands, fresh, old := kept(-time.Hour), kept(30*time.Minute), kept(time.Hour)
		revoked := kept(-time.Hour)
		Expect(store.Revoke(ctx, revoked.Key(), grant.CodeReplayed)).To(Succeed())
		Expect(store.Spend(ctx, "old", time.Now().Add(-time.Hour))).To(Succeed())
		Expect(store.Spend(ctx, "new", time.Now().Add(time.Hour))).To(Succeed())
		Expect(store.Note(ctx, "old", nil, time.Now().Add(-time.Hour))).To(Succeed())
		fast := h.open(func(o *postgres.Options) { o.Now = func() time.Time { return time.Now().Add(24 * time.Hour) } })
		slow := h.open(func(o *postgres.Options) { o.Now = func() time.Time { return time.Now().Add(-24 * time.Hour) } })
		Expect(slow.Sweep(ctx)).To(BeZero(), "not by the clock of the server")
		Expect(fast.Sweep(ctx)).To(Equal(int64(3)), "what is over by both clocks: not what is by the fast one alone")
		Expect(store.Get(ctx, old.Key())).Error().To(MatchError(grant.ErrNotFound))
		for _, g := range []grant.Grant{stands, fresh, revoked} {
			Expect(store.Get(ctx, g.Key())).Error().NotTo(HaveOccurred())
		}
		Expect(h.count(ctx, "oauth_spent")).To(Equal(1))
		Expect(h.count(ctx, "oauth_notes")).To(Equal(0))
	})

	It("goes in batches, and two replicas do not harm each other", func(ctx SpecContext) {
		h := newHome(ctx)
		one, two := h.migrated(ctx), h.open()
		h.sql(ctx, "INSERT INTO oauth_spent SELECT sha256(n::text::bytea), now() - interval '1 hour' FROM generate_series(1, 3000) n")
		errs := make(chan error, 2)
		for _, store := range []*postgres.Store{one, two} {
			go func() {
				_, err := store.Sweep(ctx)
				errs <- err
			}()
		}
		Expect(<-errs).To(Succeed())
		Expect(<-errs).To(Succeed())
		Expect(h.count(ctx, "oauth_spent")).To(BeZero())
	})

	It("finds what has ended by an index", func(ctx SpecContext) {
		h := newHome(ctx)
		h.migrated(ctx)
		h.sql(ctx, "INSERT INTO oauth_spent SELECT sha256(n::text::bytea), now() + interval '1 hour' FROM generate_series(1, 20000) n", "ANALYZE")
		rows, err := h.connect(ctx).Query(ctx, "EXPLAIN SELECT id FROM oauth_spent WHERE until < now() ORDER BY until LIMIT 500")
		Expect(err).NotTo(HaveOccurred())
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Join(plan, "\n")).To(ContainSubstring("oauth_spent_until"))
	})
})
