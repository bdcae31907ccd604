package installation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Apply applies the manifests of a file, or of all files of a folder, as
// `kubectl apply --server-side` does, and returns what it applied in the order
// in which it stands there.
func (i *Installation) Apply(ctx context.Context, path string, edits ...func(*unstructured.Unstructured)) ([]*unstructured.Unstructured, error) {
	objects, err := Read(path)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		for _, edit := range edits {
			edit(object)
		}
		// The API server keeps what it is given; the object itself is for the caller.
		err := i.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.FieldOwner(fieldOwner))
		if err != nil {
			return nil, fmt.Errorf("applying %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return objects, nil
}

// Read reads the manifests of a file, or of all files of a folder, and leaves
// out what is meant for kustomize.
func Read(path string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" || entry.Name() == "kustomization.yaml" {
			return err
		}
		content, err := os.ReadFile(path) // #nosec G304 -- manifests of this repository
		if err != nil {
			return err
		}
		found, err := decode(content)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		objects = append(objects, found...)
		return nil
	})
	// Namespaces go first: everything else may live in one.
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	return objects, err
}

func rank(object *unstructured.Unstructured) int {
	if object.GetKind() == "Namespace" {
		return 0
	}
	return 1
}

func decode(content []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// WaitReady waits until the condition Ready of the object is True, and says
// otherwise what the condition said last.
func (i *Installation) WaitReady(ctx context.Context, object *unstructured.Unstructured, within time.Duration) error {
	last := "there is no condition Ready yet"
	err := wait.PollUntilContextTimeout(ctx, probeInterval, within, true, func(ctx context.Context) (bool, error) {
		now := &unstructured.Unstructured{}
		now.SetGroupVersionKind(object.GroupVersionKind())
		key := types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
		if err := i.Client.Get(ctx, key, now); err != nil {
			last = err.Error()
			return false, nil //nolint:nilerr // it is tried again, and said in the end
		}
		conditions, _, _ := unstructured.NestedSlice(now.Object, "status", "conditions")
		for _, c := range conditions {
			if condition, ok := c.(map[string]any); ok && condition["type"] == "Ready" {
				last = fmt.Sprintf("Ready is %v: %v", condition["status"], condition["message"])
				return condition["status"] == "True", nil
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("%s %s is not ready after %s: %s", object.GetKind(), object.GetName(), within, last)
	}
	return nil
}
