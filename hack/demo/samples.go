package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/installation"
)

// readyWithin is how long a sample may take to become Ready.
const readyWithin = time.Minute

// samples applies the sample manifests, waits until each is Ready, and writes
// the Secret of the OAuthClient into a folder as the kubelet would mount it.
func samples(ctx context.Context, in *installation.Installation, manifests, mounted string) error {
	title("The manifests: kubectl apply -f config/samples")
	// Without the folders below, which need a kubelet.
	files, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	if err != nil {
		return err
	}
	var applied []*unstructured.Unstructured
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		objects, err := in.Apply(ctx, file)
		if err != nil {
			return err
		}
		applied = append(applied, objects...)
	}
	var client *types.NamespacedName
	for _, object := range applied {
		if object.GroupVersionKind().Group != v1alpha1.GroupName {
			continue
		}
		if err := in.WaitReady(ctx, object, readyWithin); err != nil {
			return err
		}
		say("%-32s Ready", strings.ToLower(object.GetKind())+"/"+object.GetName())
		if object.GetKind() == "OAuthClient" {
			client = &types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
		}
	}
	if client == nil {
		return fmt.Errorf("there is no OAuthClient in %s", manifests)
	}
	return mount(ctx, in, *client, mounted)
}

// mount writes the keys of the client's Secret as files.
func mount(ctx context.Context, in *installation.Installation, name types.NamespacedName, mounted string) error {
	var client v1alpha1.OAuthClient
	if err := in.Client.Get(ctx, name, &client); err != nil {
		return err
	}
	var secret corev1.Secret
	key := types.NamespacedName{Namespace: name.Namespace, Name: client.Status.Binding.Name}
	if err := in.Client.Get(ctx, key, &secret); err != nil {
		return fmt.Errorf("reading the Secret of the client: %w", err)
	}
	title("The Secret that the OAuthClient became: " + key.String())
	var keys []string
	for k := range secret.Data {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		value := string(secret.Data[k])
		if k == v1alpha1.SecretKeyClientSecret {
			value = shorten(value)
		}
		say("%-28s %s", k, value)
		if err := os.WriteFile(filepath.Join(mounted, k), secret.Data[k], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// shorten shows that there is a value, and not which.
func shorten(value string) string {
	return fmt.Sprintf("%.4s… (%d characters)", value, len(value))
}
