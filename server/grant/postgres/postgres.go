// Package postgres keeps grants in a database that speaks as PostgreSQL does: for
// when there are more of them than a cluster's own store should hold.
//
// Each step is one statement, which any such engine makes atomic at any level of
// isolation that it has. READ COMMITTED, the default of PostgreSQL, is enough:
//
//   - Of INSERTs with one key the primary key lets one through, whatever they see
//     of each other.
//   - An UPDATE that finds its row locked waits, and then asks its WHERE anew of the
//     row as it has become. So of those that name one generation one finds it.
//
// An engine that works at a stricter level answers some of them with "try again"
// (SQLSTATE 40001), which is done here. Nothing needs an extension, a sequence or an
// advisory lock. A step is as durable when it returns as the database says that a
// commit is: see synchronous_commit in docs/grant-stores.md.
package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"oauth-operator.dev/server/grant"
)

var _ grant.Store = (*Store)(nil)

// errKey says that a grant cannot be kept under its key.
var errKey = errors.New("grant/postgres: not a client_id, or not the id of a grant")

// maxClientID is more than any client_id has, and less than a key may have in any
// engine's index.
const maxClientID = 512

// possible reports whether there can be a grant with the key. Nothing else becomes
// part of a statement: PostgreSQL's texts are UTF-8 and without zero bytes.
func possible(key grant.Key) bool {
	return grant.ValidID(key.ID) && isText(key.ClientID) && key.ClientID != "" && len(key.ClientID) <= maxClientID
}

func isText(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(s)
}

const (
	insertGrant = `INSERT INTO oauth_grants
		(id, client_id, subject, username, allowed, generation, refreshed_at, expires_at, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`

	selectGrant = `SELECT allowed, generation, refreshed_at, expires_at, revoked
		FROM oauth_grants WHERE id = $1 AND client_id = $2`

	advanceGrant = `UPDATE oauth_grants SET generation = generation + 1, refreshed_at = $4, expires_at = $5
		WHERE id = $1 AND client_id = $2 AND generation = $3 AND revoked = ''
		RETURNING allowed, generation, refreshed_at, expires_at, revoked`

	revokeGrant = `UPDATE oauth_grants SET revoked = $3 WHERE id = $1 AND client_id = $2 AND revoked = ''`
)

// Create implements grant.Store.
func (s *Store) Create(ctx context.Context, g grant.Grant) error {
	if !possible(g.Key()) {
		return errKey
	}
	r, err := rowOf(g.Normal())
	if err != nil {
		return err
	}
	return s.insert(ctx, "create", grant.ErrExists, insertGrant,
		g.ID, g.ClientID, r.subject, r.username, r.allowed, r.generation, r.refreshedAt, r.expiresAt, r.revoked)
}

// Get implements grant.Store.
func (s *Store) Get(ctx context.Context, key grant.Key) (grant.Grant, error) {
	if !possible(key) {
		return grant.Grant{}, grant.ErrNotFound
	}
	var g grant.Grant
	err := s.step(ctx, "get", repeatable, func(ctx context.Context, db database) (err error) {
		g, err = find(ctx, db, key)
		return err
	})
	return g, err
}

func find(ctx context.Context, db database, key grant.Key) (grant.Grant, error) {
	g, err := scan(db.QueryRow(ctx, selectGrant, key.ID, key.ClientID), key)
	if errors.Is(err, pgx.ErrNoRows) {
		return grant.Grant{}, grant.ErrNotFound
	}
	return g, err
}

// Advance implements grant.Store. Only where the grant is not as expected is it
// looked at. That takes a statement of its own: a part of the first would see the
// grant as it was before the first waited for whoever came sooner.
func (s *Store) Advance(ctx context.Context, key grant.Key, from int64, refreshedAt, expiresAt time.Time) (grant.Grant, error) {
	if !possible(key) {
		return grant.Grant{}, grant.ErrNotFound
	}
	next := grant.Grant{RefreshedAt: refreshedAt, ExpiresAt: expiresAt}.Normal()
	var g grant.Grant
	err := s.step(ctx, "advance", once, func(ctx context.Context, db database) (err error) {
		g, err = scan(db.QueryRow(ctx, advanceGrant, key.ID, key.ClientID, from, moment(next.RefreshedAt), next.ExpiresAt), key)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if g, err = find(ctx, db, key); err != nil {
			return err
		}
		return grant.ErrMoved
	})
	return g, err
}

// Revoke implements grant.Store. It can be repeated: what is revoked stays so.
func (s *Store) Revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	if !possible(key) {
		return grant.ErrNotFound
	}
	return s.step(ctx, "revoke", repeatable, func(ctx context.Context, db database) error {
		done, err := db.Exec(ctx, revokeGrant, key.ID, key.ClientID, string(reason))
		if err != nil || done.RowsAffected() > 0 {
			return err
		}
		_, err = find(ctx, db, key) // revoked before, or not there
		return err
	})
}

// insert is a step that keeps what is not there yet, and otherwise fails as said.
func (s *Store) insert(ctx context.Context, name string, there error, statement string, args ...any) error {
	return s.step(ctx, name, once, func(ctx context.Context, db database) error {
		done, err := db.Exec(ctx, statement, args...)
		if err == nil && done.RowsAffected() == 0 {
			return there
		}
		return err
	})
}

// hash is what an id is kept as: of one length, and not to be read.
func hash(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}
