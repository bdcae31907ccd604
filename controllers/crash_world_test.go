package controllers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// thirty is the interval of the rotations here.
const thirty = 30 * time.Minute

// crashWorld is one client, and a controller that works on it step by step.
type crashWorld struct {
	client     *v1alpha1.OAuthClient
	scenario   crashScenario
	transport  *faultyTransport
	reconciler *oauthClientReconciler
	ring       keyring.Ring
	clock      time.Time

	// strange are values that others have put into the Secret.
	strange []string

	// first is the client secret before.
	first      string
	violations []error
}

// newCrashWorld makes a client that is Ready.
func newCrashWorld(ns string, as *v1alpha1.AuthorizationServer, s crashScenario) *crashWorld {
	GinkgoHelper()
	w := &crashWorld{scenario: s, ring: verifierRing(), clock: time.Now().UTC().Truncate(time.Second), transport: &faultyTransport{}}
	w.transport.wrote = func(int) {}
	w.client = oauthClient(ns, as, func(c *v1alpha1.OAuthClient) {
		if s.spec != nil {
			s.spec(c)
		}
	})
	Expect(admin.Create(suiteCtx, w.client)).To(Succeed())
	if w.client.Spec.Secret.Ref != nil {
		bring(w)
	}
	w.restart()
	w.settle("before")
	Expect(complete(w.client)).To(Succeed())
	w.first = string(secretOf(w.client).Data[v1alpha1.SecretKeyClientSecret])
	return w
}

// restart is a controller that remembers nothing.
func (w *crashWorld) restart() {
	GinkgoHelper()
	w.transport.dead = false
	config := rest.CopyConfig(operator)
	config.QPS = -1
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		w.transport.next = next
		return w.transport
	})
	c, err := client.New(config, client.Options{Scheme: admin.Scheme(), Mapper: admin.RESTMapper(), FieldOwner: string(fieldOwner)})
	Expect(err).NotTo(HaveOccurred())
	managed := managedReader{c}
	w.reconciler = &oauthClientReconciler{tools: tools{
		client: managed, cache: managed, live: c,
		events:            events.NewFakeRecorder(100),
		operatorNamespace: operatorNS,
		now:               func() time.Time { return w.clock },
	}}
	w.reconciler.references.started = liveCache{}
}

// run lets the scenario happen with its failure, and says what went wrong.
func (w *crashWorld) run(by string) {
	GinkgoHelper()
	w.scenario.begin(w)
	happened := w.scenario.meanwhile == nil
	w.transport.writes = 0
	w.transport.wrote = func(number int) {
		if err := w.accepted(); err != nil {
			w.violations = append(w.violations, fmt.Errorf("after write %d: %w", number, err))
		}
		if !happened && number >= w.scenario.meanwhileAfter {
			happened = true
			w.scenario.meanwhile(w)
		}
	}
	w.settle(by)
	if w.transport.held != nil {
		w.transport.release()
		w.settle(by)
	}
	Expect(w.violations).To(BeEmpty(), by)
	if !happened {
		return
	}
	Expect(complete(w.client)).To(Succeed(), by)
	Expect(w.accepted()).To(Succeed(), by)
	var secrets corev1.SecretList
	Expect(admin.List(suiteCtx, &secrets, client.InNamespace(w.client.Namespace), client.MatchingLabels{v1alpha1.LabelClient: w.client.Name})).To(Succeed())
	Expect(secrets.Items).To(HaveLen(1), by)
	value := string(secretOf(w.client).Data[v1alpha1.SecretKeyClientSecret])
	if w.scenario.keeps {
		Expect(value).To(Equal(w.first), by)
	} else {
		Expect(value).NotTo(Equal(w.first), by)
	}
}

// settle reconciles until there is nothing more to do.
func (w *crashWorld) settle(by string) {
	GinkgoHelper()
	const most, enough = 40, 3
	request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.client)}
	var last error
	quiet := 0
	for range most {
		before := w.transport.writes
		_ = conditions(w.client)
		w.reconciler.census.set(w.client) // as the watch of clients does
		_, last = w.reconciler.Reconcile(suiteCtx, request)
		if w.transport.dead {
			w.restart()
		}
		quiet++
		if last != nil || w.transport.writes != before {
			quiet = 0
		}
		if quiet == enough {
			return
		}
	}
	Fail(fmt.Sprintf("%s: it does not come to rest: %v, %v", by, last, describe(w.client.Status.Credentials)))
}

func (w *crashWorld) edit(f func(*v1alpha1.OAuthClient)) {
	GinkgoHelper()
	change(w.client, f)
}

func (w *crashWorld) sleep(d time.Duration) { w.clock = w.clock.Add(d) }

func (w *crashWorld) lose() {
	GinkgoHelper()
	Expect(admin.Delete(suiteCtx, secretOf(w.client))).To(Succeed())
}

func (w *crashWorld) damage() {
	GinkgoHelper()
	w.strange = append(w.strange, credential.NewSecret())
	change(secretOf(w.client), func(s *corev1.Secret) {
		s.Data[v1alpha1.SecretKeyClientSecret] = []byte(w.strange[len(w.strange)-1])
	})
}

// bring gives the Secret that the client refers to a value.
func (w *crashWorld) bring(value string) {
	GinkgoHelper()
	issued.add(value)
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.client.Namespace, Name: w.client.Spec.Secret.Ref.Name}}
	s.StringData = map[string]string{w.client.Spec.Secret.Ref.KeyOrDefault(): value}
	err := admin.Create(suiteCtx, s.DeepCopy())
	if apierrors.IsAlreadyExists(err) {
		change(s, func(s *corev1.Secret) { s.Data[w.client.Spec.Secret.Ref.KeyOrDefault()] = []byte(value) })
		return
	}
	Expect(err).NotTo(HaveOccurred())
}

// adopt has the client want a Secret that somebody else has made, which the
// namespace allows.
func (w *crashWorld) adopt() {
	GinkgoHelper()
	value := credential.NewSecret() + "-adopted"
	issued.add(value)
	name := "adopted-" + w.client.Name
	Expect(admin.Create(suiteCtx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.client.Namespace, Name: name},
		Type:       v1alpha1.SecretType,
		StringData: map[string]string{v1alpha1.SecretKeyClientSecret: value},
	})).To(Succeed())
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.client.Namespace}}
	change(ns, func(ns *corev1.Namespace) {
		ns.Annotations = map[string]string{v1alpha1.AnnotationAdoptSecrets: "*"}
	})
	w.edit(func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = name })
}

// cleanUp stands in for the garbage collector.
func (w *crashWorld) cleanUp() {
	GinkgoHelper()
	Expect(admin.Delete(suiteCtx, w.client)).To(Succeed())
	Expect(admin.DeleteAllOf(suiteCtx, &corev1.Secret{}, client.InNamespace(w.client.Namespace))).To(Succeed())
}

// managedReader writes as the controller, and reads from the API server what the
// cache would hold: of the Secrets those with our label, and by its indexes.
type managedReader struct{ client.Client }

func (managedReader) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if err := admin.Get(ctx, key, o, opts...); err != nil {
		return err
	}
	if s, ok := o.(*corev1.Secret); ok && s.Labels[v1alpha1.LabelManaged] != "true" {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	return nil
}

func (managedReader) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	o := (&client.ListOptions{}).ApplyOptions(opts)
	selector := o.FieldSelector
	if selector == nil {
		return admin.List(ctx, list, opts...)
	}
	if err := admin.List(ctx, list, client.InNamespace(o.Namespace)); err != nil {
		return err
	}
	index := map[string]func(client.Object) []string{indexOwner: ownersOf, indexServer: serversOf, indexReference: referencesOf}
	items, err := meta.ExtractList(list)
	if err != nil {
		return err
	}
	want := selector.Requirements()[0]
	found := slices.DeleteFunc(items, func(item runtime.Object) bool {
		return !slices.Contains(index[want.Field](item.(client.Object)), want.Value)
	})
	return meta.SetList(list, found)
}

// liveCache reads the metadata of Secrets that are referred to from the API
// server.
type liveCache struct{ cache.Cache }

func (liveCache) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	return admin.Get(ctx, key, o, opts...)
}

func (liveCache) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return admin.List(ctx, list, opts...)
}
