package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"oauth-operator.dev/server/grant"
)

// migrations bring the schema from one version to the next: the file that begins
// with 0002 makes version 2. Every statement can be repeated, so that a migration
// that was broken off is simply done again, and none takes away what a server of the
// version before uses: while servers are replaced, both work with the new schema.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Version is the version of the schema that this program makes.
const Version = 2

// oldestProgram is the lowest Version of a program that can work with the schema.
const oldestProgram = 1

// The table of one row that says which version the schema has, and who is changing
// it. It is what two programs agree by, on any engine: a lease, taken by compare and
// set, which ends by itself with whoever held it.
const (
	createSchemaTable = `CREATE TABLE IF NOT EXISTS oauth_schema (
		id int NOT NULL PRIMARY KEY, version int NOT NULL, oldest_program int NOT NULL,
		holder text NOT NULL, held_until timestamptz NOT NULL)`
	insertSchema = `INSERT INTO oauth_schema (id, version, oldest_program, holder, held_until)
		VALUES (1, 0, 0, '', now()) ON CONFLICT DO NOTHING`
	selectSchema = `SELECT version, oldest_program FROM oauth_schema WHERE id = 1`
	holdSchema   = `UPDATE oauth_schema SET holder = $1, held_until = now() + interval '1 minute'
		WHERE id = 1 AND version = $2 AND (holder = '' OR holder = $1 OR held_until < now())`
	moveSchema = `UPDATE oauth_schema SET version = $3, oldest_program = $4 WHERE id = 1 AND holder = $1 AND version = $2`
	freeSchema = `UPDATE oauth_schema SET holder = '' WHERE id = 1 AND holder = $1`
)

// Migrate brings the schema to Version if it is older, and returns the version that
// it then has. It needs a role that may make tables, unless nothing is to be done:
// then reading is enough. It returns an error if the schema is one that this program
// cannot work with.
func (s *Store) Migrate(ctx context.Context) (int, error) { return s.migrate(ctx, Version) }

func (s *Store) migrate(ctx context.Context, to int) (int, error) {
	version, oldest, err := s.version(ctx)
	switch {
	case err != nil:
		return 0, failed("reading the version of the schema", err)
	case oldest > Version:
		return version, fmt.Errorf("grant/postgres: the schema has version %d, which needs a program that knows version %d: "+
			"this one knows %d. Use the newer program", version, oldest, Version)
	case version >= to:
		return version, nil
	}
	if version, err = s.bring(ctx, to); err != nil {
		if isDenied(err) {
			return version, fmt.Errorf("grant/postgres: the schema has version %d, %d is needed, and the role may not make it: "+
				"run `oauth-operator grants migrate` with a role that may", version, to)
		}
		return version, failed("migrating the schema", err)
	}
	return version, nil
}

// version returns 0 for a database without a schema.
func (s *Store) version(ctx context.Context) (version, oldest int, err error) {
	err = s.pool.Load().QueryRow(ctx, selectSchema).Scan(&version, &oldest)
	if isUndefined(err) || errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, nil
	}
	return version, oldest, err
}

// bring takes the lease and does one migration after the other.
func (s *Store) bring(ctx context.Context, to int) (version int, err error) {
	if err := s.define(ctx, createSchemaTable); err != nil {
		return 0, err
	}
	db, holder := s.pool.Load(), grant.NewID()
	if _, err := db.Exec(ctx, insertSchema); err != nil {
		return 0, err
	}
	defer func() { _, _ = db.Exec(context.WithoutCancel(ctx), freeSchema, holder) }()
	for {
		if version, _, err = s.version(ctx); err != nil || version >= to {
			return version, err
		}
		held, err := db.Exec(ctx, holdSchema, holder, version)
		if err != nil && !notTaken(err) {
			return version, err
		}
		if err != nil || held.RowsAffected() == 0 { // somebody else is at it
			if err := wait(ctx); err != nil {
				return version, err
			}
			continue
		}
		if err := s.apply(ctx, version+1); err != nil {
			return version, err
		}
		if _, err := db.Exec(ctx, moveSchema, holder, version, version+1, min(oldestProgram, version+1)); err != nil && !notTaken(err) {
			return version, err
		}
	}
}

// apply does the statements of one migration.
func (s *Store) apply(ctx context.Context, version int) error {
	files, err := fs.Glob(migrations, fmt.Sprintf("migrations/%04d_*.sql", version))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("grant/postgres: there are %d migrations to version %d: %w", len(files), version, err)
	}
	text, err := migrations.ReadFile(files[0])
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if err := s.define(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// define makes a table or an index that is not there. Two who do so at the same
// moment can make one of them fail, although both said IF NOT EXISTS.
func (s *Store) define(ctx context.Context, statement string) (err error) {
	for range maxTries {
		if _, err = s.pool.Load().Exec(ctx, statement); err == nil || (!notTaken(err) && !isDuplicate(err)) {
			return err
		}
		if err := wait(ctx); err != nil {
			return err
		}
	}
	return err
}

func wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(jitter(lastWait)):
		return nil
	}
}

// hasCode reports whether the database has answered with one of the SQLSTATEs.
func hasCode(err error, codes ...string) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	for _, code := range codes {
		if pgErr.Code == code {
			return true
		}
	}
	return false
}

func isUndefined(err error) bool { return hasCode(err, "42P01", "3F000") }          // undefined_table, invalid_schema_name
func isDuplicate(err error) bool { return hasCode(err, "23505", "42P07", "42710") } // unique_violation, duplicate_table, duplicate_object
func isDenied(err error) bool    { return hasCode(err, "42501") }                   // insufficient_privilege
