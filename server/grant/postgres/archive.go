package postgres

import (
	"context"
	"errors"

	"oauth-operator.dev/server/grant"
)

var _ grant.Archive = (*Store)(nil)

// page is how many grants are read with one statement.
const page = 500

const (
	selectPage = `SELECT id, client_id, allowed, generation, refreshed_at, expires_at, revoked FROM oauth_grants
		WHERE (id > $1 OR (id = $1 AND client_id > $2))
		AND ($3 = '' OR id = $3) AND ($4 = '' OR client_id = $4) AND ($5 = '' OR subject = $5) AND ($6 = '' OR username = $6)
		ORDER BY id, client_id LIMIT $7`

	replaceGrant = `UPDATE oauth_grants SET generation = $5, refreshed_at = $6, expires_at = $7, revoked = $8
		WHERE id = $1 AND client_id = $2 AND generation = $3 AND revoked = $4`
)

// Each implements grant.Archive. It reads page by page, in the order of the keys, so
// that no statement lasts long and grants that come and go do no harm.
func (s *Store) Each(ctx context.Context, filter grant.Filter, visit func(grant.Grant) error) error {
	var last grant.Key
	for {
		var grants []grant.Grant
		err := s.step(ctx, "list", repeatable, func(ctx context.Context, db database) (err error) {
			grants, err = readPage(ctx, db, last, filter)
			return err
		})
		if err != nil {
			return err
		}
		for _, g := range grants {
			// The columns that are searched say the same but for zero bytes.
			if !filter.Matches(g) {
				continue
			}
			if err := visit(g); err != nil {
				return err
			}
		}
		if len(grants) < page {
			return nil
		}
		last = grants[len(grants)-1].Key()
	}
}

func readPage(ctx context.Context, db database, after grant.Key, filter grant.Filter) ([]grant.Grant, error) {
	rows, err := db.Query(ctx, selectPage, after.ID, after.ClientID,
		searchable(filter.ID), searchable(filter.ClientID), searchable(filter.Subject), searchable(filter.Username), page)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var grants []grant.Grant
	for rows.Next() {
		var key grant.Key
		var r row
		if err := rows.Scan(&key.ID, &key.ClientID, &r.allowed, &r.generation, &r.refreshedAt, &r.expiresAt, &r.revoked); err != nil {
			return nil, err
		}
		g, err := r.grant(key)
		if err != nil {
			return nil, err
		}
		grants = append(grants, g)
	}
	return grants, rows.Err()
}

// Replace implements grant.Archive.
func (s *Store) Replace(ctx context.Context, was, is grant.Grant) error {
	key := was.Key()
	if !possible(key) || is.Key() != key {
		return errors.Join(errKey, grant.ErrNotFound)
	}
	is = is.Normal()
	return s.step(ctx, "replace", once, func(ctx context.Context, db database) error {
		done, err := db.Exec(ctx, replaceGrant, key.ID, key.ClientID, was.Generation, string(was.Revoked),
			is.Generation, moment(is.RefreshedAt), is.ExpiresAt, string(is.Revoked))
		if err != nil || done.RowsAffected() > 0 {
			return err
		}
		if _, err := find(ctx, db, key); err != nil {
			return err
		}
		return grant.ErrMoved
	})
}
