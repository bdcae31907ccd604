package controllers

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// applySecret writes the controller's part of a Secret that exists, by one write,
// so that it is never there by halves; and only if the Secret is still the one that
// was observed: one that was deleted, made anew or changed in the meantime is not
// touched.
func applySecret(ctx context.Context, c client.Client, want wantedSecret, have *corev1.Secret) error {
	excess := want.excess(have)
	switch {
	case len(excess.facts) > 0:
		_, err := patchSecret(ctx, c, have, want.patchOf(have, excess))
		return err
	case len(want.differences(have)) > 0:
		return c.Apply(ctx, want.applyTo(have), client.ForceOwnership)
	}
	return nil
}

// patchOf is the merge patch that also removes what must not be there. To leave it
// out of a server-side apply is not enough: a key that somebody else has written
// too would stay.
func (w wantedSecret) patchOf(have *corev1.Secret, e excess) map[string]any {
	return map[string]any{
		"metadata": map[string]any{
			"labels":          merged(w.labels, e.labels),
			"annotations":     merged(w.annotations, e.annotations),
			"ownerReferences": w.ownersOn(have),
		},
		"data": merged(w.data, e.keys),
	}
}

// touch gives the Secret another version and leaves all else as it is. Whatever
// write to the version before is still under way does not arrive any more.
func touch(ctx context.Context, c client.Client, have *corev1.Secret, mark string) (*corev1.Secret, error) {
	return patchSecret(ctx, c, have, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{annotationTouched: mark}},
	})
}

// patchSecret makes a merge patch of that very Secret in that very state, and
// returns what it is then.
func patchSecret(ctx context.Context, c client.Client, have *corev1.Secret, change map[string]any) (*corev1.Secret, error) {
	metadata, _ := change["metadata"].(map[string]any)
	metadata["uid"], metadata["resourceVersion"] = have.UID, have.ResourceVersion
	patch, err := json.Marshal(change)
	if err != nil {
		return nil, err
	}
	patched := have.DeepCopy()
	return patched, c.Patch(ctx, patched, client.RawPatch(types.MergePatchType, patch))
}

// merged is the merge patch of a map.
func merged[V any](wanted map[string]V, removed []string) map[string]any {
	m := map[string]any{}
	for _, name := range removed {
		m[name] = nil
	}
	for name, value := range wanted {
		m[name] = value
	}
	return m
}
