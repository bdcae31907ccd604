package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"oauth-operator.dev/server/grant"
)

// rowWriter does what a server that keeps its grants in a database cannot do
// without: it inserts a row for a code, and reads and updates it for a refresh.
type rowWriter struct {
	pool *pgxpool.Pool
}

// floorRow is as long as what is kept of a grant of the benchmarks.
var floorRow = strings.Repeat("x", 220)

func newRowWriter(ctx context.Context, dsn string) (*rowWriter, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 10
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	_, err = pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS floor (id text PRIMARY KEY, subject text, allowed text,
		generation bigint, expires_at timestamptz)`)
	return &rowWriter{pool: pool}, err
}

// handle does the write that the request is to cost, and answers with the key of
// the row as the refresh token.
func (w *rowWriter) handle(r *http.Request) (refreshToken string, err error) {
	ctx := r.Context()
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		id := grant.NewID()
		_, err := w.pool.Exec(ctx, `INSERT INTO floor VALUES ($1, 's1d2', $2, 0, $3)`, id, floorRow, time.Now().Add(time.Hour))
		return id, err
	case "refresh_token":
		id := r.PostFormValue("refresh_token")
		var generation int64
		if err := w.pool.QueryRow(ctx, `SELECT generation FROM floor WHERE id = $1`, id).Scan(&generation); err != nil {
			return "", err
		}
		_, err := w.pool.Exec(ctx, `UPDATE floor SET generation = $2 WHERE id = $1`, id, generation+1)
		return id, err
	}
	return "", nil
}
