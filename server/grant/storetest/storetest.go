// Package storetest is the contract of grant.Store as a suite that every
// backend passes. Each spec is a sentence of the contract.
package storetest

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
)

// Backend is a Store to be tested and what the suite has to know about it.
type Backend struct {
	// Store keeps no grants of the clients below.
	Store grant.Store

	// ClientID and OtherClientID are clients for which it can keep grants.
	ClientID, OtherClientID string

	// Parallel is how many calls are made at once: 100 unless said otherwise.
	Parallel int
}

// Behaves declares the specs of the contract under that name. It calls start
// for each of them.
func Behaves(name string, start func() Backend) bool {
	return Describe(name+" keeps the contract of a grant store", func() {
		s := &suite{}
		BeforeEach(func(SpecContext) {
			s.Backend = start()
			if s.Parallel == 0 {
				s.Parallel = 100
			}
			s.now = time.Now().UTC().Truncate(time.Second)
		})
		s.create()
		s.get()
		s.advance()
		s.revoke()
		s.spend()
		s.note()
		s.hostileKeys()
		s.contexts()
		s.concurrency()
	})
}

// suite is the state of one spec.
type suite struct {
	Backend
	now time.Time
}

// grant returns a grant to be created, every field of which says something.
func (s *suite) grant() grant.Grant {
	return grant.Grant{
		ID:        grant.NewID(),
		Issuer:    "people",
		ClientID:  s.ClientID,
		ClientUID: "5a4d3f2e-0000-4000-8000-1234567890ab",
		Subject:   "0f9e8d7c-0000-4000-8000-abcdefabcdef",
		Username:  "Zoë \"the\" <admin>",
		Scope:     oauth.Scope{"profile", "openid", "urn:x:read+write/*"},
		Claims:    oauth.Claims{"id_token:email", "userinfo:groups"},
		Resources: []string{"https://api.example.com/v1?a=b", "urn:example:files"},
		SessionID: "c2Vzc2lvbg",
		AuthTime:  s.now.Add(-time.Hour),
		CreatedAt: s.now,
		EndsAt:    s.now.Add(720 * time.Hour),
		ExpiresAt: s.now.Add(time.Hour),
	}
}

// created returns a grant that is kept.
func (s *suite) created(ctx context.Context) grant.Grant {
	GinkgoHelper()
	g := s.grant()
	Expect(s.Store.Create(ctx, g)).To(Succeed())
	return g
}

// expectKept checks that the Store has the grant exactly as it is here.
func (s *suite) expectKept(ctx context.Context, g grant.Grant) {
	GinkgoHelper()
	Expect(s.Store.Get(ctx, g.Key())).To(Equal(g))
}
