package postgres

import "context"

// MigrateTo brings the schema to a version that an older program made.
func (s *Store) MigrateTo(ctx context.Context, version int) (int, error) {
	return s.migrate(ctx, version)
}

// Reread looks at the file of the connection string, as Start does from time to time.
func (s *Store) Reread(ctx context.Context) error { return s.reread(ctx) }
