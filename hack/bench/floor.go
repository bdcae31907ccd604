package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"time"
)

// serveFloor is the least that a token endpoint could be: bare net/http that
// reads the request, signs once with ES256 and answers with JSON, and beside it
// a page that redirects. With a store it also writes there what a grant cannot do
// without. It runs as a process of its own, as the server does.
func serveFloor(address string, store floorStore) error {
	write, err := store.writer()
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		var refreshToken string
		if write != nil {
			var err error
			if refreshToken, err = write(r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		digest := sha256.Sum256(body)
		signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": base64.RawURLEncoding.EncodeToString(signature), "token_type": "Bearer", "expires_in": 600,
			"refresh_token": refreshToken,
		})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("redirect_uri"))
		w.WriteHeader(http.StatusSeeOther)
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}

// floorStore is where the floor writes: a cluster, a database, or nowhere.
type floorStore struct {
	kubeconfig string
	dsn        string
}

// writer returns what does the write of a request, nil for none.
func (s floorStore) writer() (func(*http.Request) (refreshToken string, err error), error) {
	switch {
	case s.kubeconfig != "":
		w, err := newWriter(s.kubeconfig, floorNamespace)
		if err != nil {
			return nil, err
		}
		return w.handle, nil
	case s.dsn != "":
		w, err := newRowWriter(context.Background(), s.dsn)
		if err != nil {
			return nil, err
		}
		return w.handle, nil
	}
	return nil, nil
}

// floorNamespace is where the floor keeps the objects that it writes.
const floorNamespace = "floor"

// floors are the CPU times of the least that each request could be.
type floors struct {
	token     time.Duration // a request with one signature
	authorize time.Duration // a request with a redirect
	code      time.Duration // a request with one signature and one object or row created
	refresh   time.Duration // a request with one signature, and one object or row read and changed
}

// measureFloors runs serveFloor in a process of its own and loads it in the same
// way as the server. Without a store, nothing is written.
func measureFloors(ctx context.Context, n int, store floorStore) (floors, error) {
	address, pid, stop, err := startFloor(ctx, store)
	if err != nil {
		return floors{}, err
	}
	defer stop()
	ask := func(ctx context.Context, form url.Values) (string, error) {
		return redeem(ctx, "http://"+address+"/token", "team.machine", "0123456789012345678901234567890123456789012", form)
	}
	machine := url.Values{"grant_type": {"client_credentials"}, "scope": {"orders"}}
	for { // until it listens
		if _, err := ask(ctx, machine); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return floors{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	var f floors
	if f.token, _, err = load(ctx, pid, n, func(ctx context.Context, _ int) error {
		_, err := ask(ctx, machine)
		return err
	}); err != nil {
		return floors{}, err
	}
	if f.authorize, _, err = load(ctx, pid, n, func(ctx context.Context, _ int) error {
		_, err := redirected(ctx, "http://"+address+"/authorize?redirect_uri=https%3A%2F%2Fwebapp.example.com%2Fcallback", nil)
		return err
	}); err != nil {
		return floors{}, err
	}
	if store == (floorStore{}) {
		f.code, f.refresh = f.token, f.token
		return f, nil
	}
	return f, f.measureWrites(ctx, pid, n, ask)
}

func (f *floors) measureWrites(ctx context.Context, pid, n int, ask func(context.Context, url.Values) (string, error)) (err error) {
	names := make([]string, 2*n)
	if f.code, _, err = load(ctx, pid, n, func(ctx context.Context, i int) (err error) {
		names[i], err = ask(ctx, url.Values{"grant_type": {"authorization_code"}})
		return err
	}); err != nil {
		return err
	}
	f.refresh, _, err = load(ctx, pid, n, func(ctx context.Context, i int) error {
		_, err := ask(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {names[i]}})
		return err
	})
	return err
}

// startFloor starts this program as the floor.
func startFloor(ctx context.Context, store floorStore) (address string, pid int, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", 0, nil, err
	}
	address = listener.Addr().String()
	if err := listener.Close(); err != nil {
		return "", 0, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", 0, nil, err
	}
	command := exec.CommandContext(ctx, self, "-serve-floor", address, "-floor-kubeconfig", store.kubeconfig, "-floor-dsn", store.dsn) // #nosec G204 -- this program itself
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return "", 0, nil, err
	}
	return address, command.Process.Pid, func() { _ = command.Process.Kill(); _ = command.Wait() }, nil
}
