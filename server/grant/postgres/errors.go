package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"oauth-operator.dev/server/grant"
)

// errStored says that a row is none that a server of this version has written.
var errStored = errors.New("grant/postgres: a row that this version cannot read")

// isAnswer reports whether the error is what the contract names: then the step was
// answered for, whatever the answer is.
func isAnswer(err error) bool {
	for _, answer := range []error{grant.ErrExists, grant.ErrNotFound, grant.ErrMoved, grant.ErrSpent, grant.ErrNoted} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// SQLSTATEs of statements that the database has taken back, all of them, because of
// what others did at the same time.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// notTaken reports whether it is certain that the step was not taken, and likely
// that it can be now.
func notTaken(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code == serializationFailure || pgErr.Code == deadlockDetected
	}
	// Nothing had been sent: the connection was closed while nobody used it.
	return pgconn.SafeToRetry(err) && !isConnect(err)
}

// isConnect reports whether there was no connection to be had.
func isConnect(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}

// broken reports whether the connection was lost while the answer was awaited, so
// that nobody knows whether the step was taken: also where the database says so
// itself (classes 08 and 57, and statement_completion_unknown).
func broken(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "57P0") || pgErr.Code == "40003"
	}
	return !isConnect(err)
}

// failed is the error of a step of which nobody knows whether it was taken. It says
// nothing that was in the connection string: the driver's own errors can.
func failed(step string, err error) error {
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			return fmt.Errorf("grant/postgres: %s: %w", step, ended)
		}
	}
	return fmt.Errorf("grant/postgres: %s: %s", step, reason(err))
}

// meanings are words for the SQLSTATEs that somebody can do something about.
var meanings = map[string]string{
	"28000": "the role may not log in",
	"28P01": "the password is wrong",
	"3D000": "there is no such database",
	"42501": "the role lacks a permission",
	"42P01": "a table is missing: run `oauth-operator grants migrate`",
	"42703": "a column is missing: run `oauth-operator grants migrate`",
	"53100": "the disk is full",
	"53300": "the database has no connections left: lower --postgres-max-connections, or raise max_connections",
	"57014": "the statement was cancelled",
	"57P01": "the database has ended the connection",
	"57P02": "the database has crashed",
	"57P03": "the database is starting or stopping",
	"25006": "the database is read-only: the connection string leads to a replica",
	"40001": "it was overtaken too often",
	"40P01": "it was in a deadlock too often",
}

// reason says what an error of the driver is, in words that nobody has put into the
// connection string.
func reason(err error) string {
	var (
		pgErr     *pgconn.PgError
		dns       *net.DNSError
		number    syscall.Errno
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		network   net.Error
	)
	switch {
	case errors.As(err, &pgErr):
		if meaning := meanings[pgErr.Code]; meaning != "" {
			return fmt.Sprintf("%s (SQLSTATE %s)", meaning, pgErr.Code)
		}
		return "SQLSTATE " + pgErr.Code
	case errors.Is(err, errStored):
		return "a row that this version cannot read"
	case errors.As(err, &dns):
		return "the host cannot be found"
	case errors.As(err, &authority):
		return "the certificate of the database is of no authority that sslrootcert has"
	case errors.As(err, &host):
		return "the certificate of the database is for another host"
	case errors.As(err, &invalid):
		return "the certificate of the database is not valid"
	case errors.As(err, &record):
		return "the database does not speak TLS"
	case errors.As(err, &number):
		return number.Error()
	case errors.As(err, &network) && network.Timeout():
		return "it took too long"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, puddle.ErrClosedPool):
		return "the connection was lost"
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return "the database refuses TLS, which sslmode asks for"
	case strings.Contains(err.Error(), "conn closed"):
		return "the connection was lost"
	case isConnect(err):
		return "there is no connection"
	default:
		return fmt.Sprintf("%T", err)
	}
}
