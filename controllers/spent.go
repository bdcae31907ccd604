package controllers

import (
	"context"
	"fmt"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"oauth-operator.dev/api/v1alpha1"
)

// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,namespace=oauth-operator-system,verbs=deletecollection

// sweepEvery is how often what is spent is cleared away.
const sweepEvery = time.Minute

// spentSweeper clears away what the servers have noted to be used, once its time
// is over. It reads nothing: the API server selects.
type spentSweeper struct {
	tools

	// plain deletes what it has not read. The client of tools refuses to, because
	// it looks after what its cache has seen.
	plain client.Client
}

func (s *spentSweeper) setup(mgr manager.Manager) (err error) {
	s.plain, err = client.New(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
	if err != nil {
		return err
	}
	return mgr.Add(s)
}

// Start implements manager.Runnable.
func (s *spentSweeper) Start(ctx context.Context) error {
	ticks := time.NewTicker(sweepEvery)
	defer ticks.Stop()
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			// What is left over is in nobody's way until the next time.
			logf.FromContext(ctx).WithName("spent").Error(err, "cannot clear away what is used")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*spentSweeper) NeedLeaderElection() bool { return true }

// sweep deletes the Leases that nothing needs any more, and a little later than
// they say, for clocks that differ. Leases without the label are never selected.
func (s *spentSweeper) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepEvery)
	defer cancel()
	before := strconv.FormatInt(s.now().Add(-skew).Unix(), 10)
	over, err := labels.NewRequirement(v1alpha1.LabelSpentUntil, selection.LessThan, []string{before})
	if err != nil {
		return err
	}
	err = s.plain.DeleteAllOf(ctx, &coordinationv1.Lease{}, client.InNamespace(s.operatorNamespace),
		client.MatchingLabelsSelector{Selector: labels.NewSelector().Add(*over)})
	if err != nil {
		return fmt.Errorf("deleting Leases: %w", err)
	}
	return nil
}
