package postgres

import (
	"context"
	"fmt"

	"oauth-operator.dev/server/grant"
)

// What has ended is kept a while longer: a grant for as long as its code can be
// good, however soon it has ended after that was redeemed; and clocks may differ.
const keptFor = grant.CodeLimit

// Bounds on what one sweep does.
const (
	sweepBatch   = 500
	sweepBatches = 100
)

// swept are the tables, with the key and the column that says when a row has ended.
var swept = []struct{ table, key, ends string }{
	{"oauth_grants", "id, client_id", "expires_at"},
	{"oauth_spent", "id", "until"},
	{"oauth_notes", "id", "until"},
}

// deleteEnded deletes some rows whose time is over by both clocks: that of this
// server, and that of the database. The condition stands there twice, for a row that
// has changed since it was chosen.
const deleteEnded = `DELETE FROM %[1]s WHERE (%[2]s) IN
	(SELECT %[2]s FROM %[1]s WHERE %[3]s < $1 AND %[3]s < now() - $2 * interval '1 second' ORDER BY %[3]s LIMIT $3)
	AND %[3]s < $1`

// Sweep clears away what ended a while ago, in small pieces so that nobody waits for
// it, and returns how many rows that were. Replicas may do it at the same time: what
// one has deleted, the other finds gone.
func (s *Store) Sweep(ctx context.Context) (int64, error) {
	var all int64
	for _, t := range swept {
		statement := fmt.Sprintf(deleteEnded, t.table, t.key, t.ends)
		for range sweepBatches {
			var n int64
			err := s.step(ctx, "sweep", repeatable, func(ctx context.Context, db database) error {
				before := s.options.Now().UTC().Add(-keptFor)
				done, err := db.Exec(ctx, statement, before, keptFor.Seconds(), sweepBatch)
				n = done.RowsAffected()
				return err
			})
			if err != nil {
				return all, err
			}
			all += n
			s.metrics.cleared.Add(float64(n))
			if n < sweepBatch {
				break
			}
		}
	}
	return all, nil
}
