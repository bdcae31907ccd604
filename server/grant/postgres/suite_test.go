package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/jackc/pgx/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	database "oauth-operator.dev/hack/postgres"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/postgres"
	"oauth-operator.dev/server/oauth"
)

func TestPostgres(t *testing.T) {
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(30 * time.Second)
	RunSpecs(t, "server/grant/postgres")
}

// shared is the PostgreSQL of the suite. Each spec has a database of its own there.
var shared *database.Server

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	shared, err = database.Start(ctx, "max_connections=200", "log_min_messages=fatal")
	if errors.Is(err, database.ErrNone) {
		Skip(err.Error())
	}
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(shared.Stop()).To(Succeed()) })
})

// home is a database and what a server has of it.
type home struct {
	name    string
	file    string // with the connection string
	options postgres.Options
}

// newHome makes an empty database.
func newHome(ctx context.Context) *home {
	GinkgoHelper()
	name, err := shared.NewDatabase(ctx)
	Expect(err).NotTo(HaveOccurred())
	return homeOn(name)
}

// homeOn returns the database of that name.
func homeOn(name string) *home {
	GinkgoHelper()
	h := &home{name: name, file: filepath.Join(GinkgoT().TempDir(), "dsn")}
	h.connects(shared.DSN(name))
	h.options = postgres.Options{DSNFile: h.file, MaxConnections: 20, StatementTimeout: 20 * time.Second, Log: logr.Discard()}
	return h
}

// connects writes the connection string.
func (h *home) connects(dsn string) {
	GinkgoHelper()
	Expect(os.WriteFile(h.file, []byte(dsn+"\n"), 0o600)).To(Succeed())
}

// open returns a Store, as a replica has one.
func (h *home) open(edits ...func(*postgres.Options)) *postgres.Store {
	GinkgoHelper()
	options := h.options
	for _, edit := range edits {
		edit(&options)
	}
	store, err := postgres.Open(options)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(store.Close)
	return store
}

// migrated returns a Store whose database has its schema.
func (h *home) migrated(ctx context.Context, edits ...func(*postgres.Options)) *postgres.Store {
	GinkgoHelper()
	store := h.open(edits...)
	Expect(store.Migrate(ctx)).To(Equal(postgres.Version))
	return store
}

// sql runs statements as an administrator of the database.
func (h *home) sql(ctx context.Context, statements ...string) {
	GinkgoHelper()
	Expect(shared.Exec(ctx, h.name, statements...)).To(Succeed())
}

// connect returns a connection of an administrator.
func (h *home) connect(ctx context.Context) *pgx.Conn {
	GinkgoHelper()
	c, err := pgx.Connect(ctx, shared.DSN(h.name))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) { _ = c.Close(ctx) })
	return c
}

// count returns how many rows a table has.
func (h *home) count(ctx context.Context, table string) (n int) {
	GinkgoHelper()
	Expect(h.connect(ctx).QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n)).To(Succeed())
	return n
}

// newGrant returns a grant to be created.
func newGrant() grant.Grant {
	now := time.Now().UTC().Truncate(time.Second)
	return grant.Grant{
		ID: grant.NewID(), Issuer: "main", ClientID: "team.app", ClientUID: "uid", Subject: "subject", Username: "alice",
		Scope: oauth.Scope{"openid"}, SessionID: "sid", AuthTime: now, CreatedAt: now,
		EndsAt: now.Add(24 * time.Hour), ExpiresAt: now.Add(time.Hour),
	}
}

func create(ctx context.Context, store *postgres.Store) grant.Grant {
	GinkgoHelper()
	g := newGrant()
	Expect(store.Create(ctx, g)).To(Succeed())
	return g
}

// recorded returns a log that is kept in lines.
func recorded(lines *[]string) logr.Logger {
	return funcr.New(func(prefix, args string) { *lines = append(*lines, prefix+" "+args) }, funcr.Options{Verbosity: 9})
}
