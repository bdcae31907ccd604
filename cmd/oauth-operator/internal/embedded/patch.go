package embedded

import (
	"fmt"
	"io"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"
)

func (a *API) patch(in request) (any, error) {
	patch, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	return a.store.update(in.kind, in.key, writing{status: in.status, patch: true}, func(have object) (object, error) {
		before, err := have.MarshalJSON()
		if err != nil {
			return nil, err
		}
		after, err := applied(in.kind, types.PatchType(in.Header.Get("Content-Type")), before, patch)
		if err != nil {
			return nil, err
		}
		want := &unstructured.Unstructured{}
		return want, want.UnmarshalJSON(after)
	})
}

// applied makes a patch of any of the kinds that are in use here.
func applied(k *kind, form types.PatchType, before, patch []byte) (after []byte, err error) {
	switch form {
	case types.MergePatchType:
		after, err = jsonpatch.MergePatch(before, patch)
	case types.JSONPatchType:
		var steps jsonpatch.Patch
		if steps, err = jsonpatch.DecodePatch(patch); err == nil {
			after, err = steps.Apply(before)
		}
	case types.ApplyYAMLPatchType:
		return applySecret(k, before, patch)
	default:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s is no patch that is known here", form))
	}
	if err != nil {
		return nil, apierrors.NewGenericServerResponse(422, "patch", k.GroupVersion().WithResource(k.resource).GroupResource(), "", err.Error(), 0, true)
	}
	return after, nil
}

// applySecret is server-side apply for one who never takes anything back that it
// has applied: the controller removes by merge patches. So it need not be known who
// owns which field, and a strategic merge comes to the same.
func applySecret(k *kind, before, patch []byte) ([]byte, error) {
	if k.Kind != "Secret" {
		return nil, apierrors.NewBadRequest("server-side apply is for Secrets here")
	}
	asJSON, err := yaml.YAMLToJSON(patch)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return strategicpatch.StrategicMergePatch(before, asJSON, &corev1.Secret{})
}
