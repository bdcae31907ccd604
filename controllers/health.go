package controllers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// watched has the liveness probe know how long each look at an object takes.
func (t tools) watched(kind string, r reconcile.Reconciler) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		defer t.watch("a look at an object of the controller " + kind)()
		return r.Reconcile(ctx, request)
	})
}

// syncLimit is how long a probe waits for a cache. A cache that was filled once
// counts as filled, also while the API server cannot be reached.
const syncLimit = 500 * time.Millisecond

// synced is a readiness check: what is decided on is here.
func synced(caches ...cache.Cache) healthz.Checker {
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), syncLimit)
		defer cancel()
		for _, c := range caches {
			if !c.WaitForCacheSync(ctx) {
				return errors.New("the caches are not filled yet")
			}
		}
		return nil
	}
}
