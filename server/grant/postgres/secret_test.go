package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/postgres"
)

var _ = Describe("The connection string", func() {
	const password = "Pa55word-that-nobody-sees"

	DescribeTable("is in no error, whatever is wrong with it:", func(ctx SpecContext, dsn string) {
		h := newHome(ctx)
		h.connects(strings.ReplaceAll(dsn, "PORT", portOf(shared.DSN("x"))))
		var said []string
		store, err := postgres.Open(h.options)
		if err == nil {
			DeferCleanup(store.Close)
			for _, err := range []error{
				store.Create(ctx, newGrant()),
				store.Revoke(ctx, newGrant().Key(), grant.CodeReplayed),
				func() error { _, err := store.Migrate(ctx); return err }(),
			} {
				Expect(err).To(HaveOccurred())
				said = append(said, err.Error(), fmt.Sprintf("%+v %#v", err, err))
			}
			Expect(said[0]).NotTo(ContainSubstring("*errors."), "it says something that helps")
		} else {
			said = append(said, err.Error(), fmt.Sprintf("%+v", err))
		}
		for _, text := range said {
			for _, secret := range []string{password, "secretrole", "secretdatabase", "secrethost"} {
				Expect(text).NotTo(ContainSubstring(secret))
			}
		}
	},
		Entry("no connection string", password),
		Entry("no URL", "postgres://secretrole:"+password+"@%zz/secretdatabase"),
		Entry("a port that is none", "postgres://secretrole:"+password+"@secrethost:port/secretdatabase"),
		Entry("a password with a slash", "postgres://secretrole:"+password+"/@secrethost/secretdatabase"),
		Entry("an sslmode that there is not", "postgres://secretrole:"+password+"@secrethost/secretdatabase?sslmode="+password),
		Entry("words", "host=secrethost user=secretrole password='"+password),
		Entry("a host that there is not", "postgres://secretrole:"+password+"@secrethost.invalid/secretdatabase?sslmode=verify-full"),
		Entry("a port where nobody is", "postgres://secretrole:"+password+"@127.0.0.1:1/secretdatabase?sslmode=disable"),
		Entry("no word of TLS", "postgres://secretrole:"+password+"@secrethost/secretdatabase"),
		Entry("a role that there is not", "postgres://secretrole:"+password+"@127.0.0.1:PORT/secretdatabase?sslmode=disable"),
		Entry("TLS that is refused", "postgres://secretrole:"+password+"@127.0.0.1:PORT/secretdatabase?sslmode=require"),
	)

	DescribeTable("does not leave it to whoever answers whether the connection is encrypted", func(ctx SpecContext, dsn string, good bool) {
		h := newHome(ctx)
		h.connects(dsn)
		store, err := postgres.Open(h.options)
		if good {
			Expect(err).NotTo(HaveOccurred())
			store.Close()
		} else {
			Expect(err).To(MatchError(ContainSubstring("say sslmode=verify-full")))
		}
	},
		Entry("nothing said", "postgres://role:password@host/database", false),
		Entry("words, nothing said", "host=host user=role dbname=database", false),
		Entry("prefer", "postgres://role:password@host/database?sslmode=prefer", false),
		Entry("allow", "postgres://role:password@host/database?sslmode=allow", false),
		Entry("several hosts", "postgres://role:password@host,other/database", false),
		Entry("disable", "postgres://role:password@host/database?sslmode=disable", true),
		Entry("require", "postgres://role:password@host/database?sslmode=require", true),
		Entry("verify-full", "postgres://role:password@host,other/database?sslmode=verify-full", true),
		Entry("a socket of this machine", "host=/run/postgresql user=role dbname=database", true),
	)

	It("is needed", func(ctx SpecContext) {
		h := newHome(ctx)
		h.connects("")
		Expect(postgres.Open(h.options)).Error().To(MatchError(ContainSubstring("no connection string")))
		h.options.DSNFile += "-none"
		Expect(postgres.Open(h.options)).Error().To(MatchError(os.ErrNotExist))
	})

	It("can change while the server runs, and nothing that is under way is lost", func(ctx SpecContext) {
		h := newHome(ctx)
		role := "rotated_" + h.name
		h.sql(ctx, "CREATE ROLE "+role+" LOGIN SUPERUSER PASSWORD 'the first password'")
		h.connects(shared.DSNOf(role, "the first password", h.name))
		var log []string
		h.options.Log = recorded(&log)
		store := h.migrated(ctx)
		g := create(ctx, store)

		By("a step that is under way with the old one")
		release := lock(ctx, h, g)
		result := make(chan error, 1)
		go func() {
			_, err := store.Advance(ctx, g.Key(), 0, time.Now(), time.Now().Add(time.Hour))
			result <- err
		}()
		admin := h.connect(ctx)
		Eventually(func() []int { return waiting(ctx, admin) }).Should(HaveLen(1))

		By("a new one that the database does not know yet")
		h.connects(shared.DSNOf(role, "the second password", h.name))
		Expect(store.Reread(ctx)).To(MatchError(ContainSubstring("password is wrong")))
		Expect(store.Get(ctx, g.Key())).Error().NotTo(HaveOccurred())

		By("the database, which learns it")
		h.sql(ctx, "ALTER ROLE "+role+" PASSWORD 'the second password'")
		Expect(store.Reread(ctx)).To(Succeed())
		for range 30 {
			Expect(store.Get(ctx, g.Key())).Error().NotTo(HaveOccurred())
		}
		release()
		Eventually(result).Should(Receive(BeNil()))
		Expect(store.Get(ctx, g.Key())).To(HaveField("Generation", int64(1)))
		Eventually(func() (n int) {
			Expect(admin.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", role).Scan(&n)).To(Succeed())
			return n
		}).Should(BeNumerically("<=", 1), "the old connections have ended")
		Expect(strings.Join(log, "\n")).To(And(ContainSubstring("has changed"), Not(ContainSubstring("password'")), Not(ContainSubstring("the second"))))
	})

	It("is read again by itself", func(ctx SpecContext) {
		h, other := newHome(ctx), newHome(ctx)
		store := h.open()
		running, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- store.Start(running) }()
		Eventually(store.Ready).Should(Succeed())
		g := newGrant()
		Expect(other.migrated(ctx).Create(ctx, g)).To(Succeed())
		h.connects(shared.DSN(other.name))
		Eventually(func() error { _, err := store.Get(ctx, g.Key()); return err }).Should(Succeed())
		stop()
		Eventually(done).Should(Receive(BeNil()))
	})
})

func portOf(dsn string) string {
	_, rest, _ := strings.Cut(dsn, "127.0.0.1:")
	port, _, _ := strings.Cut(rest, "/")
	return port
}
