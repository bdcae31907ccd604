package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant/postgres"
)

// Ready is a readiness check: the caches have been filled, so every registration
// that there is can be answered for, and the keys are loaded. Without any
// AuthorizationServer there is nothing to wait for but the verifier keys.
//
// Once it was ready, a replica stays so: all of it is in memory, whatever becomes of
// the API server. What is made later, such as the keys of another AuthorizationServer,
// is no reason to turn people away from those that are served. Nor is a grant store that
// is away, once it was there.
func (c *Cluster) Ready(request *http.Request) error {
	if c.started.Load() {
		return nil
	}
	if !c.synced.Load() {
		return errors.New("the AuthorizationServers have not been read yet")
	}
	if !c.registries.HasSynced() {
		return errors.New("the OAuthClients have not all been read yet")
	}
	if store, ok := c.grants.(*postgres.Store); ok {
		if err := store.Ready(); err != nil {
			return err
		}
	}
	withKeys, err := c.issuersWithKeys(request.Context())
	if err != nil {
		return err
	}
	if err := c.keys.Ready(withKeys...); err != nil {
		return err
	}
	c.started.Store(true)
	return nil
}

// issuersWithKeys are the AuthorizationServers of which the controller says that
// their keys are there. It waits for no others: it may be that they never come.
func (c *Cluster) issuersWithKeys(ctx context.Context) ([]string, error) {
	var list v1alpha1.AuthorizationServerList
	if err := c.reader.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("reading the AuthorizationServers: %w", err)
	}
	var names []string
	for i := range list.Items {
		if meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1alpha1.ConditionKeysReady) {
			names = append(names, list.Items[i].Name)
		}
	}
	return names, nil
}
