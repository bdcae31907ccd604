package keys

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/keyring"
)

// The server reads Secrets of the operator's own namespace, and no others.
//
// +kubebuilder:rbac:groups="",namespace=oauth-operator-system,resources=secrets,verbs=list;watch

// Watcher keeps the keys of every issuer as the Secrets of the operator's
// namespace have them, and the verifier keys. A change needs no restart.
//
// Keys that were read are kept when their Secret is deleted or becomes
// unreadable: whoever damages a Secret should not log everybody out, and the
// controller will put keys in its place, which then count. A replica that starts
// in the meantime has none, and is not ready.
type Watcher struct {
	namespace string
	log       logr.Logger
	verifiers Verifiers
	synced    func() bool

	mu      sync.Mutex
	issuers map[string]*Current
	loaded  map[string]string // the resourceVersion that was read, by the Secret's name
}

// NewWatcher follows the Secrets of the operator's namespace in the cache of a
// manager, which need hold no others.
func NewWatcher(mgr cluster.Cluster, namespace string) (*Watcher, error) {
	w := &Watcher{
		namespace: namespace,
		log:       ctrllog.Log.WithName("keys"),
		issuers:   map[string]*Current{},
		loaded:    map[string]string{},
	}
	informer, err := mgr.GetCache().GetInformer(context.Background(), &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("keys: watching Secrets: %w", err)
	}
	handled, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    w.set,
		UpdateFunc: func(_, obj any) { w.set(obj) },
		DeleteFunc: w.gone,
	})
	if err != nil {
		return nil, fmt.Errorf("keys: watching Secrets: %w", err)
	}
	w.synced = handled.HasSynced
	return w, nil
}

// For returns the keys of an AuthorizationServer, which may be none so far. It
// returns the same Current for the same name.
func (w *Watcher) For(authorizationServer string) *Current {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.issuers[authorizationServer]
	if c == nil {
		c = &Current{}
		w.issuers[authorizationServer] = c
	}
	return c
}

// Verifiers returns the keys that client secrets are checked with.
func (w *Watcher) Verifiers() *Verifiers { return &w.verifiers }

// Ready returns nil when all Secrets that there were have been read, and the
// verifier keys and the keys of the AuthorizationServers are here; otherwise an
// error that says what is missing.
func (w *Watcher) Ready(authorizationServers ...string) error {
	if !w.synced() {
		return errors.New("keys: the Secrets are not all read yet")
	}
	secrets := []string{keyring.VerifierSecret}
	for _, name := range authorizationServers {
		secrets = append(secrets, keyring.SecretName(name))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range secrets {
		if w.loaded[name] == "" {
			return fmt.Errorf("keys: no keys have been read from the Secret %s/%s so far", w.namespace, name)
		}
	}
	return nil
}

// issuerOf returns the AuthorizationServer whose keys are in a Secret of that
// name.
func issuerOf(secret string) (authorizationServer string, ok bool) {
	return strings.CutPrefix(secret, keyring.SecretName(""))
}

func (w *Watcher) set(obj any) {
	secret, ok := obj.(*corev1.Secret)
	if !ok || secret.Namespace != w.namespace {
		return
	}
	issuer, isIssuer := issuerOf(secret.Name)
	if !isIssuer && secret.Name != keyring.VerifierSecret {
		return
	}
	w.mu.Lock()
	known := w.loaded[secret.Name] == secret.ResourceVersion
	w.mu.Unlock()
	if known {
		return
	}
	log := w.log.WithValues("secret", secret.Name)
	if err := w.load(secret, issuer, isIssuer); err != nil {
		log.Error(err, "A Secret cannot be read as keys; those from before are kept")
		return
	}
	w.mu.Lock()
	w.loaded[secret.Name] = secret.ResourceVersion
	w.mu.Unlock()
	log.V(1).Info("Keys were read")
}

// load puts the keys of a Secret to use, or returns an error and changes
// nothing. Its errors hold nothing of the keys.
func (w *Watcher) load(secret *corev1.Secret, issuer string, isIssuer bool) error {
	data, ok := secret.Data[keyring.DataKey]
	if !ok {
		return fmt.Errorf("keys: the Secret has no key %s", keyring.DataKey)
	}
	ring, err := keyring.Decode(data)
	if err != nil {
		return err
	}
	if len(ring.Keys) == 0 {
		return errors.New("keys: the ring in the Secret is empty")
	}
	if !isIssuer {
		w.verifiers.Store(ring)
		return nil
	}
	set, err := Compile(ring)
	if err != nil {
		return err
	}
	w.For(issuer).Store(set)
	return nil
}

func (w *Watcher) gone(obj any) {
	if missed, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = missed.Obj
	}
	secret, ok := obj.(*corev1.Secret)
	if !ok || secret.Namespace != w.namespace {
		return
	}
	if _, isIssuer := issuerOf(secret.Name); isIssuer || secret.Name == keyring.VerifierSecret {
		w.log.Info("A Secret with keys was deleted; the keys are kept until there are others", "secret", secret.Name)
	}
}
