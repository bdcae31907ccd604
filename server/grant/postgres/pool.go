package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/puddle/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Defaults of Options.
const (
	DefaultMaxConnections   = 10
	DefaultStatementTimeout = 5 * time.Second
	DefaultConnectTimeout   = 5 * time.Second
)

// Options of a Store.
type Options struct {
	// DSNFile holds the connection string: a URL (postgres://...) or key=value. It
	// is read again while Start runs.
	DSNFile string

	// MaxConnections bounds the connections of this process. 0 is
	// DefaultMaxConnections.
	MaxConnections int32

	// StatementTimeout bounds a step, the wait for a connection included. 0 is
	// DefaultStatementTimeout.
	StatementTimeout time.Duration

	// ConnectTimeout bounds the making of a connection. 0 is DefaultConnectTimeout.
	ConnectTimeout time.Duration

	// Registerer takes the metrics. Nil for none.
	Registerer prometheus.Registerer

	Log logr.Logger

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Store is a grant.Store in a database.
type Store struct {
	options Options
	metrics *metrics

	dsn   []byte // that pool was made of; of the goroutine that reads the file
	pool  atomic.Pointer[pgxpool.Pool]
	ready atomic.Pointer[readiness]
}

// Open returns a Store. It reads the file and does not connect: a database that is
// away is found when it is needed. Close it when it is not needed any more.
func Open(options Options) (*Store, error) {
	if options.MaxConnections == 0 {
		options.MaxConnections = DefaultMaxConnections
	}
	if options.StatementTimeout == 0 {
		options.StatementTimeout = DefaultStatementTimeout
	}
	if options.ConnectTimeout == 0 {
		options.ConnectTimeout = DefaultConnectTimeout
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Store{options: options}
	s.ready.Store(&readiness{err: errors.New("the database has not been reached yet")})
	dsn, err := readDSN(options.DSNFile)
	if err != nil {
		return nil, err
	}
	pool, err := s.newPool(dsn)
	if err != nil {
		return nil, err
	}
	s.dsn = dsn
	s.pool.Store(pool)
	s.metrics = newMetrics(options.Registerer, func() *pgxpool.Stat { return s.pool.Load().Stat() })
	return s, nil
}

// Close ends the connections, once the statements that are under way have ended.
func (s *Store) Close() { s.pool.Load().Close() }

func readDSN(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("grant/postgres: reading the connection string: %w", err)
	}
	content = bytes.TrimSpace(content)
	if len(content) == 0 {
		return nil, fmt.Errorf("grant/postgres: there is no connection string in %s", file)
	}
	return content, nil
}

// newPool returns a pool that has no connections yet.
func (s *Store) newPool(dsn []byte) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(string(dsn))
	if err != nil {
		// What the driver says of it may hold any part of it.
		return nil, fmt.Errorf("grant/postgres: what is in %s is no connection string, such as "+
			"postgres://role:password@host/database?sslmode=verify-full, or names a file that cannot be read", s.options.DSNFile)
	}
	if undecided(&config.ConnConfig.Config) {
		return nil, fmt.Errorf("grant/postgres: the connection string in %s leaves it to the database whether anybody can listen: "+
			"say sslmode=verify-full, or sslmode=disable where the connection is protected in another way", s.options.DSNFile)
	}
	config.MaxConns = s.options.MaxConnections
	config.MaxConnLifetimeJitter = config.MaxConnLifetime / 10
	config.PingTimeout = s.options.ConnectTimeout
	config.ConnConfig.ConnectTimeout = s.options.ConnectTimeout
	if _, named := config.ConnConfig.RuntimeParams["application_name"]; !named {
		config.ConnConfig.RuntimeParams["application_name"] = "oauth-operator"
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("grant/postgres: making the pool: %s", reason(err))
	}
	return pool, nil
}

// undecided reports whether the connection is encrypted if the database, or whoever
// stands in between, cares for it: sslmode is prefer, which is what it is where
// nothing is said, or allow.
func undecided(config *pgconn.Config) bool {
	encrypted, plain := config.TLSConfig != nil, config.TLSConfig == nil
	for _, other := range config.Fallbacks {
		encrypted = encrypted || other.TLSConfig != nil
		plain = plain || other.TLSConfig == nil
	}
	return encrypted && plain
}

// reread takes the pool of another connection string into use, if the file has one
// and it leads to a database. Until then the old one stays: a password may be
// written to the file before the database knows it. What the old pool is doing, it
// does to the end.
func (s *Store) reread(ctx context.Context) error {
	dsn, err := readDSN(s.options.DSNFile)
	if err != nil || bytes.Equal(dsn, s.dsn) {
		return err
	}
	pool, err := s.newPool(dsn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.ConnectTimeout)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return failed("trying the new connection string", err)
	}
	s.dsn = dsn
	old := s.pool.Swap(pool)
	go old.Close()
	s.options.Log.Info("The connection string has changed. New connections are made with it.")
	return nil
}

// database is what a step does its statements with.
type database interface {
	Exec(ctx context.Context, statement string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, statement string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, statement string, args ...any) pgx.Row
}

// repeat says whether a step can be taken again when nobody knows whether it was.
type repeat bool

const (
	once       repeat = false // a second time could give another answer
	repeatable repeat = true
)

// Bounds on how often a step is tried, and how long is waited before it is again.
const (
	maxTries  = 10
	firstWait = 2 * time.Millisecond
	lastWait  = 100 * time.Millisecond
)

// step takes one step of the contract, with statements that are each atomic. What is
// certain not to have been done is tried again; what may have been done only where
// that makes no difference.
func (s *Store) step(ctx context.Context, name string, again repeat, do func(context.Context, database) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	begin := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.options.StatementTimeout)
	defer cancel()
	err := s.try(limited, again, do)
	if err != nil && !isAnswer(err) {
		if ctx.Err() != nil {
			err = ctx.Err() // of the caller's, and not of ours
		}
		err = failed(name, err)
	}
	s.metrics.observe(name, err, time.Since(begin))
	return err
}

func (s *Store) try(ctx context.Context, again repeat, do func(context.Context, database) error) error {
	var err error
	for try := range maxTries {
		pool := s.pool.Load()
		if err = do(ctx, pool); err == nil || isAnswer(err) || ctx.Err() != nil {
			return err
		}
		replaced := pool != s.pool.Load() && errors.Is(err, puddle.ErrClosedPool)
		if !replaced && !notTaken(err) && (again == once || try > 1 || !broken(err)) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(jitter(min(firstWait<<try, lastWait))):
		}
	}
	return err
}
