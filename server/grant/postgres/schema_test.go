package postgres_test

import (
	"fmt"
	"reflect"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/postgres"
)

var _ = Describe("The schema", func() {
	It("is made once by many who start at the same moment", func(ctx SpecContext) {
		h := newHome(ctx)
		errs := make(chan error, 8)
		for range 8 {
			store := h.open(func(o *postgres.Options) { o.MaxConnections = 2 })
			go func() {
				_, err := store.Migrate(ctx)
				errs <- err
			}()
		}
		for range 8 {
			Expect(<-errs).To(Succeed())
		}
		create(ctx, h.open())
		Expect(h.count(ctx, "oauth_schema")).To(Equal(1))
	})

	It("comes from an older version with all that was kept, while servers of that version go on", func(ctx SpecContext) {
		h := newHome(ctx)
		old := h.open()
		Expect(old.MigrateTo(ctx, 1)).To(Equal(1))
		g := create(ctx, old)
		Expect(old.Spend(ctx, "id", time.Now().Add(time.Hour))).To(Succeed())
		store := h.open()
		Expect(store.Note(ctx, "id", nil, time.Now().Add(time.Hour))).To(MatchError(ContainSubstring("grants migrate")))
		Expect(store.Migrate(ctx)).To(Equal(2))
		Expect(store.Get(ctx, g.Key())).To(Equal(g))
		Expect(store.Spend(ctx, "id", time.Now().Add(time.Hour))).To(MatchError(grant.ErrSpent))
		Expect(store.Note(ctx, "id", nil, time.Now().Add(time.Hour))).To(Succeed())

		Expect(old.MigrateTo(ctx, 1)).To(Equal(2), "an older program finds nothing to do")
		Expect(old.Advance(ctx, g.Key(), 0, time.Now(), time.Now().Add(time.Hour))).To(HaveField("Generation", int64(1)))
	})

	It("goes on from where another was broken off, once its lease is over", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.open()
		Expect(store.MigrateTo(ctx, 1)).To(Equal(1))
		h.sql(ctx, "UPDATE oauth_schema SET holder = 'somebody who is gone', held_until = now() + interval '500 milliseconds'",
			"CREATE TABLE oauth_notes (id bytea NOT NULL PRIMARY KEY, value bytea NOT NULL, until timestamptz NOT NULL)")
		begin := time.Now()
		Expect(store.Migrate(ctx)).To(Equal(postgres.Version))
		Expect(time.Since(begin)).To(BeNumerically(">", 200*time.Millisecond), "the lease was waited for")
		Expect(store.Note(ctx, "id", nil, time.Now().Add(time.Hour))).To(Succeed())
	})

	It("is left alone where it is of a time to come, and refused where that cannot work", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		h.sql(ctx, "UPDATE oauth_schema SET version = 7")
		Expect(store.Migrate(ctx)).To(Equal(7))
		h.sql(ctx, "UPDATE oauth_schema SET oldest_program = 7")
		_, err := store.Migrate(ctx)
		Expect(err).To(MatchError(ContainSubstring("Use the newer program")))
	})

	It("is made by another role than that of the server, which needs no more than rows", func(ctx SpecContext) {
		h := newHome(ctx)
		role := "server_" + h.name
		h.sql(ctx, "CREATE ROLE "+role+" LOGIN PASSWORD 'a long password'", "GRANT USAGE ON SCHEMA public TO "+role)
		server := newHome(ctx)
		server.connects(shared.DSNOf(role, "a long password", h.name))
		store := server.open()
		_, err := store.Migrate(ctx)
		Expect(err).To(MatchError(And(
			ContainSubstring("oauth-operator grants migrate"), ContainSubstring("version 0, 2 is needed"))))
		h.migrated(ctx)
		h.sql(ctx, "GRANT SELECT ON oauth_schema TO "+role,
			"GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_grants, oauth_spent, oauth_notes TO "+role)
		Expect(store.Migrate(ctx)).To(Equal(postgres.Version))
		g := create(ctx, store)
		Expect(store.Advance(ctx, g.Key(), 0, time.Now(), time.Now().Add(time.Hour))).Error().NotTo(HaveOccurred())
		Expect(store.Revoke(ctx, g.Key(), grant.CodeReplayed)).To(Succeed())
		Expect(store.Spend(ctx, "id", time.Now())).To(Succeed())
		Expect(store.Note(ctx, "id", nil, time.Now())).To(Succeed())
		Expect(store.Noted(ctx, "id")).Error().To(MatchError(grant.ErrNotFound))
		Expect(store.Sweep(ctx)).Error().NotTo(HaveOccurred())
	})

	It("has a place for every word that a grant knows", func(ctx SpecContext) {
		store := newHome(ctx).migrated(ctx)
		g := newGrant()
		fill(reflect.ValueOf(&g).Elem())
		g.ID, g.ClientID = grant.NewID(), "team.app"
		Expect(store.Create(ctx, g)).To(Succeed())
		Expect(store.Get(ctx, g.Key())).To(Equal(g.Normal()))
	})

	It("stores in a form that later versions can read", func(ctx SpecContext) {
		h := newHome(ctx)
		store := h.migrated(ctx)
		h.sql(ctx, `INSERT INTO oauth_grants VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaa', 'team.app', 's', 'alice',
			'{"v":1,"issuer":"main","clientUID":"uid","subject":"s","username":"alice","scope":["openid","profile"],'
			'"claims":["id_token:email"],"resources":["urn:x"],"sessionID":"sid","authTime":1,"createdAt":2,"endsAt":4000000000}',
			3, '2030-01-02 03:04:05.678901Z', '2030-01-03Z', '')`)
		g, err := store.Get(ctx, grant.Key{ClientID: "team.app", ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa"})
		Expect(err).NotTo(HaveOccurred())
		Expect(g).To(Equal(grant.Grant{
			ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Issuer: "main", ClientID: "team.app", ClientUID: "uid", Subject: "s", Username: "alice",
			Scope: []string{"openid", "profile"}, Claims: []string{"id_token:email"}, Resources: []string{"urn:x"}, SessionID: "sid",
			AuthTime: time.Unix(1, 0).UTC(), CreatedAt: time.Unix(2, 0).UTC(), EndsAt: time.Unix(4e9, 0).UTC(), Generation: 3,
			RefreshedAt: time.Date(2030, 1, 2, 3, 4, 5, 678901000, time.UTC), ExpiresAt: time.Date(2030, 1, 3, 0, 0, 0, 0, time.UTC),
		}))
		h.sql(ctx, `UPDATE oauth_grants SET allowed = replace(allowed, '"v":1', '"v":2')`)
		Expect(store.Get(ctx, g.Key())).Error().To(MatchError(ContainSubstring("cannot read")))
	})
})

// fill gives every field of a grant something to say.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Type() == reflect.TypeFor[time.Time]() {
			f.Set(reflect.ValueOf(time.Unix(int64(1_900_000_000+i), 0).UTC()))
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(fmt.Sprintf("field %d", i))
		case reflect.Int64:
			f.SetInt(int64(i))
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			f.Index(0).SetString(fmt.Sprintf("field %d", i))
		default:
			Fail("a kind of field that this test does not know: " + v.Type().Field(i).Name)
		}
	}
}
