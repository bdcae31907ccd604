package worldtest

import (
	"context"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
)

// Store is a grant.Store whose steps can be made to fail or to wait. They are named as
// its methods are, in lower case.
type Store struct {
	grant.Store

	// Before fails a step that is about to be taken, After one that was, so that nobody
	// knows whether it was.
	Before, After Fault

	// Writes counts the steps that write something, whether they fail or not.
	Writes atomic.Int64
}

func (s *Store) read(name string, take func() error) error {
	if err := s.Before.at(name); err != nil {
		return err
	}
	if err := take(); err != nil {
		return err
	}
	return s.After.at(name)
}

func (s *Store) write(name string, take func() error) error {
	s.Writes.Add(1)
	return s.read(name, take)
}

// Create is that of grant.Store.
func (s *Store) Create(ctx context.Context, g grant.Grant) error {
	return s.write("create", func() error { return s.Store.Create(ctx, g) })
}

// Get is that of grant.Store.
func (s *Store) Get(ctx context.Context, key grant.Key) (g grant.Grant, err error) {
	err = s.read("get", func() error { g, err = s.Store.Get(ctx, key); return err })
	return g, err
}

// Advance is that of grant.Store.
func (s *Store) Advance(ctx context.Context, key grant.Key, from int64, at, until time.Time) (g grant.Grant, err error) {
	err = s.write("advance", func() error { g, err = s.Store.Advance(ctx, key, from, at, until); return err })
	return g, err
}

// Revoke is that of grant.Store.
func (s *Store) Revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	return s.write("revoke", func() error { return s.Store.Revoke(ctx, key, reason) })
}

// Spend is that of grant.Store.
func (s *Store) Spend(ctx context.Context, id string, until time.Time) error {
	return s.write("spend", func() error { return s.Store.Spend(ctx, id, until) })
}

// Note is that of grant.Store.
func (s *Store) Note(ctx context.Context, id string, value []byte, until time.Time) error {
	return s.write("note", func() error { return s.Store.Note(ctx, id, value, until) })
}

// Noted is that of grant.Store.
func (s *Store) Noted(ctx context.Context, id string) (value []byte, err error) {
	err = s.read("noted", func() error { value, err = s.Store.Noted(ctx, id); return err })
	return value, err
}

// Grant makes a grant of the client by a person whose subject is ada-1.
func (w *World) Grant(clientID string, scope ...string) grant.Grant {
	GinkgoHelper()
	now := w.Now()
	g := grant.Grant{
		ID: grant.NewID(), Issuer: w.Settings.Name, ClientID: clientID, ClientUID: w.Clients[clientID].UID, Subject: "ada-1",
		Scope: scope, AuthTime: now, CreatedAt: now, EndsAt: now.Add(24 * time.Hour), ExpiresAt: now.Add(time.Hour),
	}
	Expect(w.Grants.Create(context.Background(), g)).To(Succeed())
	return g
}

// RefreshToken returns the refresh token of a grant as it is.
func (w *World) RefreshToken(g grant.Grant) string {
	GinkgoHelper()
	token, err := grant.SealRefreshToken(w.Keys.Load(), g, w.Now())
	Expect(err).NotTo(HaveOccurred())
	return token
}

// AccessToken returns an access token that rests on the grant, with its whole scope.
func (w *World) AccessToken(g grant.Grant, resources ...string) string {
	GinkgoHelper()
	return w.Sign(accesstoken.ForGrant(w.Settings, w.Clients[g.ClientID], g, g.Scope, w.Now()).For(w.Settings, resources))
}

// Sign returns the access token with those claims.
func (w *World) Sign(claims accesstoken.Claims) string {
	GinkgoHelper()
	token, err := claims.Sign(w.Keys.Load(), w.Now())
	Expect(err).NotTo(HaveOccurred())
	return token
}
