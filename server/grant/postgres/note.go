package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"oauth-operator.dev/server/grant"
)

const (
	insertSpent = `INSERT INTO oauth_spent (id, until) VALUES ($1, $2) ON CONFLICT DO NOTHING`

	// One whose time is over gives way. Whether it is, two clocks have to say: that
	// of the server that asks, and the one that all servers share.
	insertNote = `INSERT INTO oauth_notes (id, value, until) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET value = excluded.value, until = excluded.until
		WHERE oauth_notes.until <= $4 AND oauth_notes.until <= now()`

	selectNote = `SELECT value FROM oauth_notes WHERE id = $1 AND until > $2`
)

// Spend implements grant.Store.
func (s *Store) Spend(ctx context.Context, id string, until time.Time) error {
	return s.insert(ctx, "spend", grant.ErrSpent, insertSpent, hash(id), until.UTC())
}

// Note keeps the value under the id until then, or returns grant.ErrNoted and
// changes nothing if the id has one whose time is not over. Of any number of calls
// with one id, at most one returns nil until then. An id here is none of Spend's.
func (s *Store) Note(ctx context.Context, id string, value []byte, until time.Time) error {
	if value == nil {
		value = []byte{} // which is no NULL
	}
	return s.insert(ctx, "note", grant.ErrNoted, insertNote, hash(id), value, until.UTC(), s.options.Now().UTC())
}

// Noted returns the value that Note has kept under the id; or grant.ErrNotFound,
// also when its time is over.
func (s *Store) Noted(ctx context.Context, id string) (value []byte, err error) {
	err = s.step(ctx, "noted", repeatable, func(ctx context.Context, db database) error {
		err := db.QueryRow(ctx, selectNote, hash(id), s.options.Now().UTC()).Scan(&value)
		if errors.Is(err, pgx.ErrNoRows) {
			return grant.ErrNotFound
		}
		return err
	})
	return value, err
}
