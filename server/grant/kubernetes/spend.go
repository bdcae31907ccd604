package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
)

// A Lease is small, every cluster has it, and what it says is near enough to
// what it is for: this id is taken until then.
//
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,namespace=oauth-operator-system,verbs=create

// spentNames gives names that Kubernetes accepts.
var spentNames = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Spend implements grant.Store by one create of a Lease that is named by the hash
// of the id: the API server lets one of many have the name, and nobody can read
// the id there. The controller deletes it when its time is over.
func (s *Store) Spend(ctx context.Context, id string, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.leases.Post().Namespace(s.operator).Resource("leases").
		Param("fieldManager", fieldManager).
		Body(leaseUntil(spentName(id), s.now(), until)).Do(ctx).Error()
	switch {
	case err == nil:
		return nil
	case apierrors.IsAlreadyExists(err):
		return grant.ErrSpent
	default:
		return fmt.Errorf("grant/kubernetes: noting what is used once: %w", err)
	}
}

func spentName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "spent-" + spentNames.EncodeToString(sum[:])
}

// leaseUntil returns a Lease that the controller deletes when its time is over.
func leaseUntil(name string, now, until time.Time) *coordinationv1.Lease {
	holder := fieldManager
	seconds := int32(max(1, min(until.Sub(now), 24*time.Hour).Seconds())) // #nosec G115 -- at most a day
	acquired := metav1.NewMicroTime(now)
	return &coordinationv1.Lease{
		TypeMeta: metav1.TypeMeta{APIVersion: coordinationv1.SchemeGroupVersion.String(), Kind: "Lease"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			// Until the end of the second in which it ends.
			Labels: map[string]string{v1alpha1.LabelSpentUntil: strconv.FormatInt(until.Unix()+1, 10)},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &acquired},
	}
}
