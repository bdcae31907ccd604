package dev

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"oauth-operator.dev/api/v1alpha1"
)

// restoreSecrets puts in the Secrets that are in files from an earlier run, as
// those of a backup: the controller keeps their client secrets if it can
// (docs/decisions/0013).
func (d *development) restoreSecrets(w *world) error {
	for _, c := range w.clients {
		data, err := readKeys(d.folderOf(c.Namespace, c.SecretName()))
		if err != nil || len(data) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		typ := corev1.SecretType(v1alpha1.SecretType)
		if t := c.Spec.Secret.Template; t != nil && t.Type != "" {
			typ = corev1.SecretType(t.Type)
		}
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&corev1.Secret{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
			ObjectMeta: metav1.ObjectMeta{
				Namespace: c.Namespace, Name: c.SecretName(),
				Labels: map[string]string{v1alpha1.LabelManaged: "true", v1alpha1.LabelClient: c.Name},
			},
			Type: typ, Data: data,
		})
		if err != nil {
			return err
		}
		if _, err := d.api.Add(&unstructured.Unstructured{Object: fields}); err != nil {
			return err
		}
	}
	return nil
}

// folderOf is where the files of a Secret are. Names of objects are no paths: they
// have no slash, and none is . or ...
func (d *development) folderOf(namespace, name string) string {
	return filepath.Join(d.SecretsDir, namespace, name)
}

func readKeys(folder string) (map[string][]byte, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || entry.Name()[0] == '.' {
			continue
		}
		if data[entry.Name()], err = os.ReadFile(filepath.Join(folder, entry.Name())); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// followSecrets writes the Secrets of clients to files as a kubelet mounts them,
// until ctx ends.
func (d *development) followSecrets(ctx context.Context) {
	d.api.Follow(ctx, corev1.SchemeGroupVersion.WithKind("Secret"), func(before, after *unstructured.Unstructured) {
		var err error
		switch {
		case after != nil && after.GetLabels()[v1alpha1.LabelClient] != "":
			err = d.writeSecret(keysOf(before), keysOf(after), d.folderOf(after.GetNamespace(), after.GetName()))
		case after == nil && before.GetLabels()[v1alpha1.LabelClient] != "":
			err = d.writeSecret(keysOf(before), nil, d.folderOf(before.GetNamespace(), before.GetName()))
		}
		if err != nil {
			d.tell("A Secret could not be written to its files: %s", err)
		}
	})
}

func keysOf(secret *unstructured.Unstructured) map[string]string {
	if secret == nil {
		return nil
	}
	data, _, _ := unstructured.NestedStringMap(secret.Object, "data")
	return data
}

// writeSecret makes the files those of the Secret. Files that were never a key
// stay as they are.
func (d *development) writeSecret(before, after map[string]string, folder string) error {
	if len(after) > 0 {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			if err := os.Remove(filepath.Join(folder, key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	for key, encoded := range after {
		value, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(folder, key), value); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a file that nobody ever sees in halves.
func replace(name string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), ".new-") // 0600
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), name)
}
