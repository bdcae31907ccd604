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
// a page that redirects. It runs as a process of its own, as the server does.
func serveFloor(address string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
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
		})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("redirect_uri"))
		w.WriteHeader(http.StatusSeeOther)
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}

// floors are the CPU times of the least that each step could be.
type floors struct {
	token     time.Duration // one request with one signature
	authorize time.Duration // one request with a redirect
}

// measureFloors runs serveFloor in a process of its own and loads it in the
// same way as the server.
func measureFloors(ctx context.Context, n int) (floors, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return floors{}, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return floors{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return floors{}, err
	}
	command := exec.CommandContext(ctx, self, "-serve-floor", address) // #nosec G204 -- this program itself
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return floors{}, err
	}
	defer func() { _ = command.Process.Kill(); _ = command.Wait() }()

	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"orders"}}
	token := func(ctx context.Context, _ int) error {
		_, err := post(ctx, "http://"+address+"/token", "team.machine", "0123456789012345678901234567890123456789012", form)
		return err
	}
	for token(ctx, 0) != nil { // until it listens
		select {
		case <-ctx.Done():
			return floors{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	var f floors
	if f.token, _, err = load(ctx, command.Process.Pid, n, token); err != nil {
		return floors{}, err
	}
	f.authorize, _, err = load(ctx, command.Process.Pid, n, func(ctx context.Context, _ int) error {
		_, err := redirected(ctx, "http://"+address+"/authorize?redirect_uri=https%3A%2F%2Fwebapp.example.com%2Fcallback", nil)
		return err
	})
	return f, err
}
