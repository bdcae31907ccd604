package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oauth-operator.dev/server/grant"
)

// Steps that are counted.
const (
	stepCreated   = "created"
	stepRefreshed = "refreshed"
)

// countedStore counts the steps that its Store has taken.
type countedStore struct {
	grant.Store

	steps   *prometheus.CounterVec
	revoked *prometheus.CounterVec
}

// countGrants returns the store with its steps counted.
func countGrants(store grant.Store, registerer prometheus.Registerer) grant.Store {
	c := &countedStore{
		Store: store,
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "oauth_operator_server_grants_total",
			Help: "Grants that were created or refreshed, by step.",
		}, []string{"step"}),
		revoked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "oauth_operator_server_grant_revocations_total",
			Help: "Revocations of grants that the server has asked for, by reason.",
		}, []string{"reason"}),
	}
	for _, step := range []string{stepCreated, stepRefreshed} {
		c.steps.WithLabelValues(step)
	}
	for _, reason := range []grant.Reason{grant.CodeReplayed, grant.RefreshTokenReused, grant.LoggedOut, grant.RevokedByClient} {
		c.revoked.WithLabelValues(string(reason))
	}
	if registerer != nil {
		registerer.MustRegister(c.steps, c.revoked)
	}
	return c
}

// Create implements grant.Store.
func (c *countedStore) Create(ctx context.Context, g grant.Grant) error {
	err := c.Store.Create(ctx, g)
	if err == nil {
		c.steps.WithLabelValues(stepCreated).Inc()
	}
	return err
}

// Advance implements grant.Store.
func (c *countedStore) Advance(ctx context.Context, key grant.Key, from int64, refreshedAt, expiresAt time.Time) (grant.Grant, error) {
	g, err := c.Store.Advance(ctx, key, from, refreshedAt, expiresAt)
	if err == nil {
		c.steps.WithLabelValues(stepRefreshed).Inc()
	}
	return g, err
}

// Revoke implements grant.Store.
func (c *countedStore) Revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	err := c.Store.Revoke(ctx, key, reason)
	if err == nil {
		c.revoked.WithLabelValues(string(reason)).Inc()
	}
	return err
}
