package controllers

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// applySecret writes the controller's part of a Secret that exists, by
// server-side apply, if the Secret is still the one that was observed: one that
// was deleted, made anew or changed in the meantime is not touched.
func applySecret(ctx context.Context, c client.Client, want wantedSecret, have *corev1.Secret) error {
	have, err := prune(ctx, c, want, have)
	if err != nil || len(want.differences(have)) == 0 {
		return err
	}
	return c.Apply(ctx, want.applyTo(have), client.ForceOwnership)
}

// prune removes what must not be there. Leaving it out of an apply is not
// enough: a key that somebody else has written too would stay.
func prune(ctx context.Context, c client.Client, want wantedSecret, have *corev1.Secret) (*corev1.Secret, error) {
	keys, annotations, facts := want.excess(have)
	if len(facts) == 0 {
		return have, nil
	}
	nulls := func(names []string) map[string]any {
		m := map[string]any{}
		for _, name := range names {
			m[name] = nil
		}
		return m
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{
			"uid":             have.UID,
			"resourceVersion": have.ResourceVersion,
			"annotations":     nulls(annotations),
		},
		"data": nulls(keys),
	})
	if err != nil {
		return nil, err
	}
	pruned := have.DeepCopy()
	return pruned, c.Patch(ctx, pruned, client.RawPatch(types.MergePatchType, patch))
}
