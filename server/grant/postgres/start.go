package postgres

import (
	"context"
	"math/rand/v2"
	"time"
)

// How often is looked after what.
const (
	rereadEvery = 5 * time.Second  // the connection string
	sweepEvery  = 5 * time.Minute  // what has ended
	retryEvery  = 2 * time.Second  // a schema that is not there yet
	checkWithin = 30 * time.Second // and how long it may take to make it
)

// readiness is why the Store cannot be used, or nil.
type readiness struct{ err error }

// Ready returns nil from the first time on that the database was found to have the
// schema that this version needs. A database that is away later does not make it
// fail: everything that needs no grant can still be answered, by replicas that would
// all be taken away otherwise. But a replica that has never reached its database is
// not to take the place of one that has.
func (s *Store) Ready() error { return s.ready.Load().err }

// Start makes the schema or waits for it, reads the connection string again when it
// changes, and clears away what has ended, until ctx ends. The Store can be used
// after that still.
func (s *Store) Start(ctx context.Context) error {
	reread, retry := time.NewTicker(rereadEvery), time.NewTimer(0)
	defer reread.Stop()
	sweep := time.NewTimer(jitter(sweepEvery)) // not all replicas at once
	defer sweep.Stop()
	defer retry.Stop()
	var said string
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reread.C:
			if err := s.reread(ctx); err != nil && ctx.Err() == nil {
				s.options.Log.Error(err, "The connection string in use stays in use.")
			}
		case <-retry.C:
			err := s.prepare(ctx)
			s.ready.Store(&readiness{err: err})
			if err == nil {
				continue
			}
			if ctx.Err() == nil && err.Error() != said {
				said = err.Error()
				s.options.Log.Error(err, "The grant store cannot be used yet.")
			}
			retry.Reset(jitter(retryEvery))
		case <-sweep.C:
			if _, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				// What is left over is in nobody's way until the next time.
				s.options.Log.Error(err, "Cannot clear away what has ended.")
			}
			sweep.Reset(sweepEvery/2 + jitter(sweepEvery))
		}
	}
}

func (s *Store) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	_, err := s.Migrate(ctx)
	return err
}

// jitter returns something between half of d and d.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1) // #nosec G404 -- nobody gains from guessing it
}
