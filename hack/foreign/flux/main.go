// Command flux does once with manifests what a controller of Flux does with them at
// each interval, by github.com/fluxcd/pkg/ssa, which is what they do it with, and with
// the options that they have where a user sets none.
//
// "flux apply" is the kustomize-controller, for a Kustomization with prune: true, and
// with -wait one with wait: true. "flux drift" is what the helm-controller does with a
// release when spec.driftDetection.mode is enabled.
//
// It prints a JSON object: each object that was applied, or that has drifted, as
// kind/namespace/name, and what became of it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/jsondiff"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// The API group of Kustomizations, which is in the labels of what they apply.
const group = "kustomize.toolkit.fluxcd.io"

type options struct {
	kubeconfig, manifests, before, name, namespace string
	wait                                           time.Duration
}

func main() {
	log.SetLogger(logr.Discard()) // what is to be said is in the answer
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("flux", flag.ContinueOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is")
	flags.StringVar(&o.manifests, "manifests", "", "file of the objects")
	flags.StringVar(&o.before, "before", "", "file of the objects that were applied before: those that are no more among the objects are pruned")
	flags.StringVar(&o.name, "name", "oauth-operator", "name of the Kustomization or of the release")
	flags.StringVar(&o.namespace, "namespace", "flux-system", "namespace of it")
	flags.DurationVar(&o.wait, "wait", 0, "how long to wait until all objects are ready; 0 waits for none")
	if len(args) == 0 {
		return errors.New("usage: flux apply|drift -kubeconfig FILE -manifests FILE ...")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	var did map[string]string
	var err error
	switch args[0] {
	case "apply":
		did, err = apply(ctx, o)
	case "drift":
		did, err = drift(ctx, o)
	default:
		err = fmt.Errorf("flux has no %q", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(did)
}

// connect returns a client, which with dryRun changes nothing.
func connect(o options, dryRun bool) (client.Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return client.New(config, client.Options{DryRun: &dryRun})
}

// apply is one reconciliation of a Kustomization.
func apply(ctx context.Context, o options) (map[string]string, error) {
	api, err := connect(o, false)
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(api, api.RESTMapper(), polling.Options{})
	manager := ssa.NewResourceManager(api, poller, ssa.Owner{Field: "kustomize-controller", Group: group})
	manager.SetConcurrency(4)
	objects, err := read(o.manifests)
	if err != nil {
		return nil, err
	}
	manager.SetOwnerLabels(objects, o.name, o.namespace)
	if err := normalize.UnstructuredList(objects); err != nil {
		return nil, err
	}
	changes, err := manager.ApplyAllStaged(ctx, objects, applyOptions())
	if err != nil {
		return nil, err
	}
	did := map[string]string{}
	add := func(changes *ssa.ChangeSet) {
		for subject, action := range changes.ToMap() {
			did[subject] = action.String()
		}
	}
	add(changes)
	pruned, err := prune(ctx, manager, objects, o)
	if err != nil {
		return nil, err
	}
	add(pruned)
	if o.wait > 0 {
		err = manager.WaitForSetWithContext(ctx, changes.ToObjMetadataSet(), ssa.WaitOptions{Interval: time.Second, Timeout: o.wait, FailFast: true})
	}
	return did, err
}

// applyOptions are those of the kustomize-controller.
func applyOptions() ssa.ApplyOptions {
	options := ssa.DefaultApplyOptions()
	options.ExclusionSelector = map[string]string{group + "/reconcile": "disabled", group + "/ssa": "Ignore"}
	options.IfNotPresentSelector = map[string]string{group + "/ssa": "IfNotPresent"}
	options.ForceSelector = map[string]string{group + "/force": "enabled"}
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{"kubectl.kubernetes.io/last-applied-configuration"},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "kustomize-controller", OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{group + "/ssa": "Merge"},
	}
	return options
}

// prune deletes what was applied before and is no more among the objects.
func prune(ctx context.Context, manager *ssa.ResourceManager, objects []*unstructured.Unstructured, o options) (*ssa.ChangeSet, error) {
	if o.before == "" {
		return ssa.NewChangeSet(), nil
	}
	before, err := read(o.before)
	if err != nil {
		return nil, err
	}
	stale := slices.DeleteFunc(before, func(old *unstructured.Unstructured) bool {
		return slices.ContainsFunc(objects, func(object *unstructured.Unstructured) bool {
			return utils.FmtUnstructured(object) == utils.FmtUnstructured(old)
		})
	})
	return manager.DeleteAll(ctx, stale, ssa.DeleteOptions{
		PropagationPolicy: metav1.DeletePropagationBackground,
		Inclusions:        manager.GetOwnerLabels(o.name, o.namespace),
		Exclusions:        map[string]string{group + "/prune": "disabled", group + "/reconcile": "disabled", group + "/ssa": "Ignore"},
	})
}

// drift compares the manifest of a release with what the cluster has.
func drift(ctx context.Context, o options) (map[string]string, error) {
	api, err := connect(o, true)
	if err != nil {
		return nil, err
	}
	objects, err := read(o.manifests)
	if err != nil {
		return nil, err
	}
	if err := normalize.UnstructuredListWithScheme(objects, api.Scheme()); err != nil {
		return nil, err
	}
	for _, object := range objects {
		// What Helm adds when it applies them.
		labels, annotations := map[string]string{}, map[string]string{}
		maps.Copy(labels, object.GetLabels())
		maps.Copy(annotations, object.GetAnnotations())
		labels["app.kubernetes.io/managed-by"] = "Helm"
		annotations["meta.helm.sh/release-name"], annotations["meta.helm.sh/release-namespace"] = o.name, o.namespace
		object.SetLabels(labels)
		object.SetAnnotations(annotations)
	}
	found, err := jsondiff.UnstructuredList(ctx, api, objects, jsondiff.FieldOwner("helm-controller"),
		jsondiff.ExclusionSelector{"helm.toolkit.fluxcd.io/driftDetection": "disabled"}, jsondiff.Rationalize(true), jsondiff.Graceful(true))
	if err != nil {
		return nil, err
	}
	did := map[string]string{}
	for _, difference := range found {
		if difference.Type == jsondiff.DiffTypeNone {
			continue
		}
		did[difference.GroupVersionKind().Kind+"/"+difference.GetNamespace()+"/"+difference.GetName()] =
			string(difference.Type) + " " + difference.Patch.String()
	}
	return did, nil
}

func read(path string) ([]*unstructured.Unstructured, error) {
	file, err := os.Open(path) // #nosec G304 -- a file of the test
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return utils.ReadObjects(file)
}
