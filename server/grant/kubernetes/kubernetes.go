// Package kubernetes keeps grants as OAuthGrant objects: nothing to install, as
// highly available as the cluster's own store, and `kubectl get oauthgrants`
// shows who has allowed what.
//
// The API server makes each step atomic: an object of one name is created once,
// and a patch that names what it expects fails where something else is found. A
// code grant costs one write; a refresh one read (Get) and one write (Advance).
package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
)

// Grants are never listed or watched here, and never deleted: that is for
// people, and for the garbage collector.
//
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthgrants,verbs=get;create;patch,roleName=oauth-operator-server-clients

// fieldManager is the name under which the API server records our writes.
const fieldManager = "oauth-operator-server"

// resource is the plural name of OAuthGrant in URLs.
const resource = "oauthgrants"

// maxTries bounds how often a step is taken anew because something unrelated
// changed the object between the read and the write.
const maxTries = 8

// Store is a grant.Store in the cluster. It reads past every cache: what a
// replica has written, all replicas see.
type Store struct {
	api        rest.Interface // OAuthGrants
	leases     rest.Interface // for what is spent and what is noted
	operator   string         // their namespace
	namespaces []string       // that grants can be in: any, where there are none
	now        func() time.Time
}

var _ grant.Store = (*Store)(nil)

// New returns a Store that reaches the API server by config. With httpClient nil
// it makes one from config. The rate that config allows bounds the logins and
// refreshes of this replica: two requests for each refresh, one for each code.
// Where namespaces are named, there are grants of clients of these alone. What is
// spent, and what is noted, is in the operator's namespace.
func New(config *rest.Config, httpClient *http.Client, operatorNamespace string, namespaces ...string) (*Store, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), coordinationv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	if httpClient == nil {
		var err error
		if httpClient, err = rest.HTTPClientFor(config); err != nil {
			return nil, fmt.Errorf("grant/kubernetes: %w", err)
		}
	}
	codecs := serializer.NewCodecFactory(scheme).WithoutConversion()
	group := func(version schema.GroupVersion) (*rest.RESTClient, error) {
		config := rest.CopyConfig(config)
		config.APIPath = "/apis"
		config.GroupVersion = &version
		config.ContentType = runtime.ContentTypeJSON
		config.NegotiatedSerializer = codecs
		return rest.RESTClientForConfigAndClient(config, httpClient)
	}
	api, err := group(v1alpha1.GroupVersion)
	if err != nil {
		return nil, fmt.Errorf("grant/kubernetes: %w", err)
	}
	leases, err := group(coordinationv1.SchemeGroupVersion)
	if err != nil {
		return nil, fmt.Errorf("grant/kubernetes: %w", err)
	}
	return &Store{api: api, leases: leases, operator: operatorNamespace, namespaces: namespaces, now: time.Now}, nil
}

// Create implements grant.Store.
func (s *Store) Create(ctx context.Context, g grant.Grant) error {
	at, ok := s.locate(g.Key())
	if !ok {
		return errors.New("grant/kubernetes: not the client_id of an OAuthClient, or not the id of a grant")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.api.Post().Namespace(at.namespace).Resource(resource).
		Param("fieldManager", fieldManager).
		Body(object(g.Normal(), at)).Do(ctx).Error()
	switch {
	case err == nil:
		return nil
	case apierrors.IsAlreadyExists(err):
		return grant.ErrExists
	case apierrors.IsNotFound(err):
		return fmt.Errorf("grant/kubernetes: creating a grant: the namespace of the client does not exist, or the API server does not know OAuthGrant: %w", err)
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return fmt.Errorf("grant/kubernetes: creating a grant: the namespace of the client is being deleted: %w", err)
	default:
		return fmt.Errorf("grant/kubernetes: creating a grant: %w", err)
	}
}

// Get implements grant.Store.
func (s *Store) Get(ctx context.Context, key grant.Key) (grant.Grant, error) {
	_, g, err := s.read(ctx, key)
	return g, err
}

// Advance implements grant.Store. It writes without reading: the patch says
// what it expects to find.
func (s *Store) Advance(ctx context.Context, key grant.Key, from int64, refreshedAt, expiresAt time.Time) (grant.Grant, error) {
	at, ok := s.locate(key)
	if !ok {
		return grant.Grant{}, grant.ErrNotFound
	}
	patch, err := advancePatch(key, from, refreshedAt, expiresAt)
	if err != nil {
		return grant.Grant{}, fmt.Errorf("grant/kubernetes: advancing a grant: %w", err)
	}
	obj, err := s.patch(ctx, at, types.JSONPatchType, patch)
	switch {
	case err == nil:
		return grantOf(obj, key)
	case apierrors.IsInvalid(err), apierrors.IsConflict(err):
		// Something was not as expected. What it was decides.
		return s.change(ctx, key, "advancing", func(g *grant.Grant) error {
			if g.Generation != from || g.Revoked != "" {
				return grant.ErrMoved
			}
			g.Generation, g.RefreshedAt, g.ExpiresAt = from+1, refreshedAt, expiresAt
			return nil
		})
	default:
		return grant.Grant{}, classify("advancing", err)
	}
}

// errDone ends a change that has nothing to do.
var errDone = errors.New("grant/kubernetes: nothing to change")

// Revoke implements grant.Store.
func (s *Store) Revoke(ctx context.Context, key grant.Key, reason grant.Reason) error {
	_, err := s.change(ctx, key, "revoking", func(g *grant.Grant) error {
		if g.Revoked != "" {
			return errDone
		}
		g.Revoked = reason
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// change reads the grant, lets step decide on it, and writes it if it is still
// what was read; otherwise it starts again. An error of step comes back with
// the grant as it is.
func (s *Store) change(ctx context.Context, key grant.Key, what string, step func(*grant.Grant) error) (grant.Grant, error) {
	var conflict error
	for range maxTries {
		obj, was, err := s.read(ctx, key)
		if err != nil {
			return grant.Grant{}, err
		}
		g := was
		if err := step(&g); err != nil {
			return was, err
		}
		patch, err := statusPatch(obj, g.Normal(), s.now())
		if err != nil {
			return grant.Grant{}, fmt.Errorf("grant/kubernetes: %s a grant: %w", what, err)
		}
		at := place{namespace: obj.Namespace, name: obj.Name}
		if obj, err = s.patch(ctx, at, types.MergePatchType, patch); err == nil {
			return grantOf(obj, key)
		}
		if !apierrors.IsConflict(err) {
			return grant.Grant{}, classify(what, err)
		}
		conflict = err
	}
	return grant.Grant{}, classify(what, conflict)
}

func (s *Store) read(ctx context.Context, key grant.Key) (*v1alpha1.OAuthGrant, grant.Grant, error) {
	at, ok := s.locate(key)
	if !ok {
		return nil, grant.Grant{}, grant.ErrNotFound
	}
	if err := ctx.Err(); err != nil {
		return nil, grant.Grant{}, err
	}
	obj := &v1alpha1.OAuthGrant{}
	err := s.api.Get().Namespace(at.namespace).Resource(resource).Name(at.name).Do(ctx).Into(obj)
	if err != nil {
		return nil, grant.Grant{}, classify("reading", err)
	}
	g, err := grantOf(obj, key)
	return obj, g, err
}

func (s *Store) patch(ctx context.Context, at place, form types.PatchType, patch []byte) (*v1alpha1.OAuthGrant, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	obj := &v1alpha1.OAuthGrant{}
	err := s.api.Patch(form).Namespace(at.namespace).Resource(resource).Name(at.name).
		Param("fieldManager", fieldManager).
		Body(patch).Do(ctx).Into(obj)
	return obj, err
}

// classify says whether the API server answered that there is no such grant, or
// that nobody knows.
func classify(what string, err error) error {
	if apierrors.IsNotFound(err) {
		return grant.ErrNotFound
	}
	return fmt.Errorf("grant/kubernetes: %s a grant: %w", what, err)
}
