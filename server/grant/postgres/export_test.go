package postgres

import (
	"context"
	"time"

	"oauth-operator.dev/server/grant"
)

// MigrateTo brings the schema to a version that an older program made.
func (s *Store) MigrateTo(ctx context.Context, version int) (int, error) {
	return s.migrate(ctx, version)
}

// Reread looks at the file of the connection string, as Start does from time to time.
func (s *Store) Reread(ctx context.Context) error { return s.reread(ctx) }

// ReadRow returns the grant of a row.
func ReadRow(key grant.Key, allowed string, generation int64, refreshedAt *time.Time, expiresAt time.Time, revoked string) (grant.Grant, error) {
	return row{allowed: allowed, generation: generation, refreshedAt: refreshedAt, expiresAt: expiresAt, revoked: revoked}.grant(key)
}

// Restored returns the grant as it is after it was stored.
func Restored(g grant.Grant) (grant.Grant, error) {
	r, err := rowOf(g.Normal())
	if err != nil {
		return grant.Grant{}, err
	}
	return r.grant(g.Key())
}
