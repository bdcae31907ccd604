// Command argocd does once with manifests what Argo CD's application controller does
// with them, by the engine that it does it with: gitops-engine, as it is in Argo CD 3.2.
//
// "argocd sync" is a sync with prune, and "argocd diff" the comparison that says whether
// an application is Synced or OutOfSync. -server-side is the sync option
// ServerSideApply=true, -server-diff the compare option ServerSideDiff=true.
//
// It prints a JSON object: each object, as kind/namespace/name, and what became of it or
// how it stands.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/engine"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// tracking is the annotation by which Argo CD knows what belongs to an application.
	tracking = "argocd.argoproj.io/tracking-id"
	manager  = "argocd-controller"
)

type options struct {
	kubeconfig, manifests, name, namespace string
	serverSide, serverDiff                 bool
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("argocd", flag.ContinueOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is")
	flags.StringVar(&o.manifests, "manifests", "", "file of the objects")
	flags.StringVar(&o.name, "name", "oauth-operator", "name of the application")
	flags.StringVar(&o.namespace, "namespace", "oauth-operator-system", "namespace that the application is for")
	flags.BoolVar(&o.serverSide, "server-side", false, "apply on the server's side")
	flags.BoolVar(&o.serverDiff, "server-diff", false, "compare with what the server would make of an apply")
	if len(args) == 0 {
		return errors.New("usage: argocd sync|diff -kubeconfig FILE -manifests FILE ...")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	a, err := newApplication(o)
	if err != nil {
		return err
	}
	var did map[string]string
	switch args[0] {
	case "sync":
		did, err = a.sync(ctx)
	case "diff":
		did, err = a.diff()
	default:
		err = fmt.Errorf("argocd has no %q", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(did)
}

type application struct {
	options
	config  *rest.Config
	cluster cache.ClusterCache
	targets []*unstructured.Unstructured
}

// newApplication reads the manifests and what the cluster has.
func newApplication(o options) (*application, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	manifests, err := os.ReadFile(o.manifests)
	if err != nil {
		return nil, err
	}
	a := &application{options: o, config: config}
	if a.targets, err = kube.SplitYAML(manifests); err != nil {
		return nil, err
	}
	for _, target := range a.targets {
		annotations := target.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[tracking] = a.id(target)
		target.SetAnnotations(annotations)
	}
	a.cluster = cache.NewClusterCache(config, cache.SetLogr(logr.Discard()),
		cache.SetPopulateResourceInfoHandler(func(live *unstructured.Unstructured, _ bool) (any, bool) {
			id := live.GetAnnotations()[tracking]
			return id, id != ""
		}))
	return a, a.cluster.EnsureSynced()
}

// id is what Argo CD has in the tracking annotation of an object.
func (a *application) id(object *unstructured.Unstructured) string {
	gvk := object.GroupVersionKind()
	return fmt.Sprintf("%s:%s/%s:%s/%s", a.name, gvk.Group, gvk.Kind, object.GetNamespace(), object.GetName())
}

func (a *application) manages(live *cache.Resource) bool {
	return live.Resource != nil && live.Resource.GetAnnotations()[tracking] == a.id(live.Resource)
}

func (a *application) sync(ctx context.Context) (map[string]string, error) {
	e := engine.NewEngine(a.config, a.cluster, engine.WithLogr(logr.Discard()))
	results, err := e.Sync(ctx, a.targets, a.manages, "revision", a.namespace,
		sync.WithLogr(logr.Discard()), sync.WithPrune(true), sync.WithManifestValidation(true),
		sync.WithServerSideApply(a.serverSide), sync.WithServerSideApplyManager(manager))
	did := map[string]string{}
	for _, result := range results {
		key := result.ResourceKey
		did[key.Kind+"/"+key.Namespace+"/"+key.Name] = string(result.Status) + " " + result.Message
		if result.Status == common.ResultCodeSyncFailed {
			err = errors.Join(err, fmt.Errorf("%s: %s", key, result.Message))
		}
	}
	return did, err
}

func (a *application) diff() (map[string]string, error) {
	live, err := a.cluster.GetManagedLiveObjs(a.targets, a.manages)
	if err != nil {
		return nil, err
	}
	applier, cleanup, err := kube.ManageServerSideDiffDryRuns(a.config, a.cluster.GetOpenAPISchema(), tracing.NopTracer{}, logr.Discard(),
		func(string) (kube.CleanupFunc, error) { return func() {}, nil })
	if err != nil {
		return nil, err
	}
	defer cleanup()
	found := sync.Reconcile(a.targets, live, a.namespace, a.cluster)
	differences, err := diff.DiffArray(found.Target, found.Live,
		diff.WithLogr(logr.Discard()), diff.WithGVKParser(a.cluster.GetGVKParser()), diff.WithManager(manager),
		diff.WithStructuredMergeDiff(a.serverSide), diff.WithServerSideDiff(a.serverDiff),
		diff.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier)))
	if err != nil {
		return nil, err
	}
	stands := map[string]string{}
	for i, difference := range differences.Diffs {
		object := found.Target[i]
		state := "Synced"
		switch {
		case object == nil:
			object, state = found.Live[i], "OutOfSync: to be pruned"
		case found.Live[i] == nil:
			state = "OutOfSync: missing"
		case difference.Modified:
			state = fmt.Sprintf("OutOfSync: live %s, wanted %s", difference.NormalizedLive, difference.PredictedLive)
		}
		stands[object.GetKind()+"/"+object.GetNamespace()+"/"+object.GetName()] = state
	}
	return stands, nil
}
