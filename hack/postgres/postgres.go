// Package postgres starts a PostgreSQL for tests and benchmarks: a real one, of
// the machine's own programs, in a folder that goes with it.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// EnvBin names the folder of initdb and postgres where it is none of the usual.
const EnvBin = "POSTGRES_BIN"

// ErrNone says that this machine has no PostgreSQL.
var ErrNone = errors.New("there is no PostgreSQL on this machine: install it (Debian: postgresql), or name the folder of initdb and postgres in " + EnvBin)

// How long the programs may take.
const (
	startTimeout = time.Minute
	stopTimeout  = 30 * time.Second
	pollInterval = 20 * time.Millisecond
)

// Superuser is the role that may do everything. It logs in with Password.
const Superuser = "admin"

// Find returns the folder of initdb and postgres, or ErrNone.
func Find() (string, error) {
	var folders []string
	if named := os.Getenv(EnvBin); named != "" {
		folders = []string{named}
	} else {
		if program, err := exec.LookPath("initdb"); err == nil {
			folders = append(folders, filepath.Dir(program))
		}
		// Debian keeps the programs of a server off the PATH. The newest is the last.
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
		for i := len(found) - 1; i >= 0; i-- {
			folders = append(folders, found[i])
		}
	}
	for _, folder := range folders {
		if isProgram(filepath.Join(folder, "initdb")) && isProgram(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", ErrNone
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Server is a PostgreSQL that runs.
type Server struct {
	bin, dir string
	port     int
	password string
	settings []string
	command  *exec.Cmd
	done     chan struct{}
	log      *bytes.Buffer
	made     atomic.Int64
}

// Start starts a PostgreSQL on a port of the loopback interface. Settings are
// of postgresql.conf, as in "max_connections=300".
func Start(ctx context.Context, settings ...string) (_ *Server, err error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "oauth-operator-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, password: "pg-" + strconv.FormatInt(time.Now().UnixNano(), 36), settings: settings, log: &bytes.Buffer{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if err := s.initialise(ctx); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	return s, s.Resume(ctx)
}

func (s *Server) initialise(ctx context.Context) error {
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return err
	}
	if err := own(s.dir, secret); err != nil {
		return err
	}
	// #nosec G204 -- a program of PostgreSQL
	command := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "--pgdata", s.data(),
		"--username", Superuser, "--pwfile", secret, "--auth", "scram-sha-256", "--no-sync", "--encoding", "UTF8", "--locale", "C")
	command.SysProcAttr, command.Dir = unprivileged(), s.dir
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, said)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Resume starts the server again after Halt or Crash, at the same port with what
// it has kept.
func (s *Server) Resume(ctx context.Context) error {
	args := []string{
		"-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.dir,
		"-c", "listen_addresses=127.0.0.1", // What is lost with the machine is of no use after it; fsync=on for figures.
		"-c", "fsync=off", "-c", "log_min_messages=fatal",
	}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	s.command = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(s.bin, "postgres"), args...) // #nosec G204 -- PostgreSQL itself
	s.command.SysProcAttr, s.command.Dir = unprivileged(), s.dir
	s.log.Reset()
	s.command.Stdout, s.command.Stderr = s.log, s.log
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	done, command := make(chan struct{}), s.command
	s.done = done
	go func() { defer close(done); _ = command.Wait() }()
	return s.await(ctx)
}

// await waits until the server answers.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-s.done:
			return fmt.Errorf("PostgreSQL ended: %s", s.log)
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-time.After(pollInterval):
		}
	}
}

// Halt stops the server and ends its connections, and leaves what it keeps.
func (s *Server) Halt() error { return s.end(os.Interrupt) }

// Crash ends the server as a loss of power would, as far as a program can be
// ended so: without writing anything.
func (s *Server) Crash() error { return s.end(quit) }

func (s *Server) end(signal os.Signal) error {
	if s.command == nil || s.command.Process == nil {
		return nil
	}
	if err := s.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(errors.New("PostgreSQL did not end in time"), s.command.Process.Kill())
	}
}

// Stop stops the server and removes what it has kept.
func (s *Server) Stop() error { return errors.Join(s.end(quit), os.RemoveAll(s.dir)) }

// DSN returns the connection string of the superuser for a database.
func (s *Server) DSN(database string) string { return s.DSNOf(Superuser, s.password, database) }

// DSNOf returns the connection string of a role for a database.
func (s *Server) DSNOf(role, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// NewDatabase makes an empty database and returns its name.
func (s *Server) NewDatabase(ctx context.Context) (string, error) {
	name := fmt.Sprintf("db%d", s.made.Add(1))
	return name, s.Exec(ctx, "postgres", "CREATE DATABASE "+name)
}

// Exec runs statements as the superuser.
func (s *Server) Exec(ctx context.Context, database string, statements ...string) (err error) {
	c, err := pgx.Connect(ctx, s.DSN(database))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	for _, statement := range statements {
		if _, err := c.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
