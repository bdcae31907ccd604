package controllers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
)

// Only an installation that is told its AuthorizationServer needs this.
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=authorizationservers,resourceNames=main,verbs=create;patch,roleName=oauth-operator-controller-default-authorization-server

const (
	// defaultServerOwner is the field manager of what the file says. It is not that
	// of the status, so that taking a field out of the file takes it out of the object.
	defaultServerOwner = client.FieldOwner("oauth-operator-default-authorization-server")

	// lookEvery is how often the file is read and what differs is put right: rarely
	// enough that two who want different things do not keep the API server busy.
	lookEvery = 5 * time.Second
)

var defaultServerPending = prometheus.NewGauge(prometheus.GaugeOpts{
	Name: "oauth_operator_default_authorization_server_pending",
	Help: "1 while the AuthorizationServer that the installation is told is not applied, and 0 otherwise.",
})

// defaultServer applies the AuthorizationServer of a file: of the values of a
// release, which cannot hold an object whose kind it brings along.
//
// The fields that the file names are the file's: what others make of them is put
// right. All other fields are theirs. An object is never deleted, because
// its keys would go with it, and everybody's login.
type defaultServer struct {
	path  string
	plain client.Client // applies: the client of tools refuses what its cache has not seen
	every time.Duration

	applied []byte      // what was applied last
	touched atomic.Bool // somebody changed or deleted the object since
}

func (d *defaultServer) setup(mgr manager.Manager) (err error) {
	d.plain, err = client.New(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
	if err != nil {
		return err
	}
	if _, _, err := d.read(); err != nil {
		return err
	}
	informer, err := mgr.GetCache().GetInformer(context.Background(), &v1alpha1.AuthorizationServer{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching AuthorizationServers: %w", err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		UpdateFunc: func(before, after any) {
			if !sameWish(before.(client.Object), after.(client.Object)) {
				d.touched.Store(true)
			}
		},
		DeleteFunc: func(any) { d.touched.Store(true) },
	})
	if err != nil {
		return fmt.Errorf("watching AuthorizationServers: %w", err)
	}
	return mgr.Add(d)
}

// sameWish reports whether nothing but the status differs.
func sameWish(before, after client.Object) bool {
	return before.GetUID() == after.GetUID() && before.GetGeneration() == after.GetGeneration() &&
		fmt.Sprint(before.GetAnnotations(), before.GetLabels()) == fmt.Sprint(after.GetAnnotations(), after.GetLabels())
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*defaultServer) NeedLeaderElection() bool { return true }

// Start implements manager.Runnable.
func (d *defaultServer) Start(ctx context.Context) error {
	log := logf.FromContext(ctx).WithName("default-authorization-server")
	defer defaultServerPending.Set(0)
	ticks := time.NewTicker(d.every)
	defer ticks.Stop()
	for said := ""; ; {
		err := d.apply(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			defaultServerPending.Set(0)
			said = ""
		default:
			defaultServerPending.Set(1)
			if err.Error() != said { // and not every few seconds
				said = err.Error()
				log.Error(err, "The AuthorizationServer of the installation cannot be applied, and is tried again.")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// apply brings the object in line with the file, if either has changed.
func (d *defaultServer) apply(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reconcileLimit)
	defer cancel()
	text, object, err := d.read()
	if err != nil {
		return err
	}
	if touched := d.touched.Swap(false); !touched && bytes.Equal(text, d.applied) {
		return nil
	}
	err = d.plain.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), defaultServerOwner, client.ForceOwnership)
	if err != nil {
		d.applied = nil
		return fmt.Errorf("AuthorizationServer %s: %w", object.GetName(), err)
	}
	d.applied = text
	return nil
}

// read reads the one object of the file.
func (d *defaultServer) read() ([]byte, *unstructured.Unstructured, error) {
	text, err := os.ReadFile(d.path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the default AuthorizationServer: %w", err)
	}
	object := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(text, &object.Object); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", d.path, err)
	}
	wanted := v1alpha1.GroupVersion.WithKind("AuthorizationServer")
	if object.GroupVersionKind() != wanted || object.GetName() == "" {
		return nil, nil, errors.New(d.path + ": this is not an AuthorizationServer of " + wanted.GroupVersion().String() + " with a name")
	}
	return text, object, nil
}
