package embedded_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/cmd/oauth-operator/internal/embedded"
)

var namespaces int

func newNamespace(ctx context.Context, api client.Client) string {
	GinkgoHelper()
	namespaces++
	name := fmt.Sprintf("team-%03d", namespaces) // in the order of the alphabet, too
	Expect(api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	return name
}

func newClient(namespace string) *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
		Spec: v1alpha1.OAuthClientSpec{
			RedirectURIs: []string{"https://web.example.com/callback"}, GrantTypes: []v1alpha1.GrantType{"authorization_code"},
			TokenEndpointAuthMethod: "client_secret_basic", Secret: v1alpha1.ClientSecretSpec{DeletionPolicy: "Delete"},
		},
	}
}

func newSecret(namespace, name string, labels map[string]string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Data:       map[string][]byte{"a": []byte("1"), "b": []byte("2")},
	}
}

// asked has a spec be asked of both.
func asked(text string, body func(ctx SpecContext, api client.WithWatch)) {
	DescribeTable(text, func(ctx SpecContext, of string) { body(ctx, clients[of]) },
		Entry(nil, inMemory), Entry(nil, onDisk))
}

var _ = Describe("objects", func() {
	asked("are created once, with what an object has", func(ctx SpecContext, api client.WithWatch) {
		c := newClient(newNamespace(ctx, api))
		Expect(api.Create(ctx, c)).To(Succeed())
		Expect(c.UID).NotTo(BeEmpty())
		Expect(c.ResourceVersion).NotTo(BeEmpty())
		Expect(c.Generation).To(BeEquivalentTo(1))
		Expect(c.CreationTimestamp.Time).To(BeTemporally("~", time.Now(), time.Minute))
		Expect(apierrors.IsAlreadyExists(api.Create(ctx, newClient(c.Namespace)))).To(BeTrue())
		Expect(apierrors.IsNotFound(api.Get(ctx, types.NamespacedName{Namespace: c.Namespace, Name: "other"}, newClient("")))).To(BeTrue())
	})

	asked("are another object when they are made anew", func(ctx SpecContext, api client.WithWatch) {
		c := newClient(newNamespace(ctx, api))
		Expect(api.Create(ctx, c)).To(Succeed())
		Expect(api.Delete(ctx, c)).To(Succeed())
		again := newClient(c.Namespace)
		Expect(api.Create(ctx, again)).To(Succeed())
		Expect(again.UID).NotTo(Equal(c.UID))
	})

	asked("count generations by their spec, and write nothing where nothing is different", func(ctx SpecContext, api client.WithWatch) {
		c := newClient(newNamespace(ctx, api))
		Expect(api.Create(ctx, c)).To(Succeed())
		Expect(api.Update(ctx, c)).To(Succeed()) // the API server notes that this is another write than the first
		version := c.ResourceVersion
		Expect(api.Update(ctx, c)).To(Succeed())
		Expect(c.ResourceVersion).To(Equal(version))
		c.Spec.ClientName = "Web"
		Expect(api.Update(ctx, c)).To(Succeed())
		Expect(c.Generation).To(BeEquivalentTo(2))
		Expect(c.ResourceVersion).NotTo(Equal(version))
		c.Labels = map[string]string{"a": "b"}
		Expect(api.Update(ctx, c)).To(Succeed())
		Expect(c.Generation).To(BeEquivalentTo(2))
	})

	asked("keep status and spec apart", func(ctx SpecContext, api client.WithWatch) {
		c := newClient(newNamespace(ctx, api))
		Expect(api.Create(ctx, c)).To(Succeed())
		c.Spec.ClientName, c.Status.ClientID = "By the way", "a.b"
		Expect(api.Status().Update(ctx, c)).To(Succeed())
		Expect(c.Spec.ClientName).To(BeEmpty())
		Expect(c.Status.ClientID).To(Equal("a.b"))
		Expect(c.Generation).To(BeEquivalentTo(1))
		c.Status.ClientID = "c.d"
		c.Spec.ClientName = "Web"
		Expect(api.Update(ctx, c)).To(Succeed())
		Expect(c.Spec.ClientName).To(Equal("Web"))
		Expect(c.Status.ClientID).To(Equal("a.b"))
	})

	asked("are not overwritten by those who have not seen the last version", func(ctx SpecContext, api client.WithWatch) {
		c := newClient(newNamespace(ctx, api))
		Expect(api.Create(ctx, c)).To(Succeed())
		old := c.DeepCopy()
		c.Spec.ClientName = "Web"
		Expect(api.Update(ctx, c)).To(Succeed())
		old.Spec.ClientName = "Other"
		Expect(apierrors.IsConflict(api.Update(ctx, old))).To(BeTrue())
		Expect(apierrors.IsConflict(api.Status().Update(ctx, old))).To(BeTrue())
		patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q},"spec":{"clientName":"Other"}}`, old.ResourceVersion)
		Expect(apierrors.IsConflict(api.Patch(ctx, old.DeepCopy(), client.RawPatch(types.MergePatchType, patch)))).To(BeTrue())

		s := newSecret(c.Namespace, "s", nil)
		Expect(api.Create(ctx, s)).To(Succeed())
		patch = []byte(`{"metadata":{"uid":"another"},"data":{"c":"Mw=="}}`)
		err := api.Patch(ctx, s.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		other := s.DeepCopy()
		other.UID, other.Data["c"] = "another", []byte("3")
		Expect(apierrors.IsConflict(api.Update(ctx, other))).To(BeTrue())
	})

	asked("are deleted under the conditions that one makes", func(ctx SpecContext, api client.WithWatch) {
		s := newSecret(newNamespace(ctx, api), "s", nil)
		Expect(api.Create(ctx, s)).To(Succeed())
		other, version := types.UID("another"), s.ResourceVersion
		Expect(apierrors.IsConflict(api.Delete(ctx, s, client.Preconditions{UID: &other}))).To(BeTrue())
		s.Data["c"] = []byte("3")
		Expect(api.Update(ctx, s)).To(Succeed())
		Expect(apierrors.IsConflict(api.Delete(ctx, s, client.Preconditions{ResourceVersion: &version}))).To(BeTrue())
		Expect(api.Delete(ctx, s, client.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion})).To(Succeed())
		Expect(apierrors.IsNotFound(api.Delete(ctx, s))).To(BeTrue())
		Expect(api.DeleteAllOf(ctx, &corev1.Secret{}, client.InNamespace(s.Namespace))).To(Succeed())
	})

	asked("take merge patches and JSON patches, which fail as a whole", func(ctx SpecContext, api client.WithWatch) {
		s := newSecret(newNamespace(ctx, api), "s", nil)
		Expect(api.Create(ctx, s)).To(Succeed())
		Expect(api.Patch(ctx, s, client.RawPatch(types.MergePatchType, []byte(`{"data":{"a":null,"c":"Mw=="}}`)))).To(Succeed())
		Expect(s.Data).To(Equal(map[string][]byte{"b": []byte("2"), "c": []byte("3")}))
		err := api.Patch(ctx, s.DeepCopy(), client.RawPatch(types.JSONPatchType, []byte(
			`[{"op":"add","path":"/data/d","value":"NA=="},{"op":"test","path":"/data/b","value":"OQ=="}]`)))
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(api.Get(ctx, client.ObjectKeyFromObject(s), s)).To(Succeed())
		Expect(s.Data).NotTo(HaveKey("d"))
	})

	asked("take what the controller applies, and leave what others have added", func(ctx SpecContext, api client.WithWatch) {
		s := newSecret(newNamespace(ctx, api), "s", map[string]string{"theirs": "yes"})
		s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "x", UID: "1"}}
		Expect(api.Create(ctx, s)).To(Succeed())
		version := s.ResourceVersion
		apply := func(value string) error {
			return api.Apply(ctx, corev1ac.Secret(s.Name, s.Namespace).WithUID(s.UID).WithResourceVersion(version).
				WithLabels(map[string]string{"ours": "yes"}).WithData(map[string][]byte{"a": []byte(value), "c": []byte("3")}),
				client.ForceOwnership, client.FieldOwner("test"))
		}
		Expect(apply("9")).To(Succeed())
		Expect(api.Get(ctx, client.ObjectKeyFromObject(s), s)).To(Succeed())
		Expect(s.Labels).To(Equal(map[string]string{"ours": "yes", "theirs": "yes"}))
		Expect(s.Data).To(Equal(map[string][]byte{"a": []byte("9"), "b": []byte("2"), "c": []byte("3")}))
		Expect(s.OwnerReferences).To(HaveLen(1))
		Expect(apierrors.IsConflict(apply("10"))).To(BeTrue(), "an old version")
	})

	asked("are found by namespace, label and field, whole or their metadata alone", func(ctx SpecContext, api client.WithWatch) {
		here, there := newNamespace(ctx, api), newNamespace(ctx, api)
		for _, s := range []*corev1.Secret{
			newSecret(here, "one", map[string]string{"l": "1"}), newSecret(here, "two", nil), newSecret(there, "one", map[string]string{"l": "1"}),
		} {
			Expect(api.Create(ctx, s)).To(Succeed())
		}
		names := func(options ...client.ListOption) (found []string) {
			GinkgoHelper()
			var list corev1.SecretList
			Expect(api.List(ctx, &list, options...)).To(Succeed())
			for _, s := range list.Items {
				found = append(found, s.Namespace+"/"+s.Name)
			}
			return found
		}
		Expect(names(client.InNamespace(here))).To(Equal([]string{here + "/one", here + "/two"}))
		Expect(names(client.InNamespace(here), client.MatchingLabels{"l": "1"})).To(Equal([]string{here + "/one"}))
		Expect(names(client.MatchingLabels{"l": "1"})).To(Equal([]string{here + "/one", there + "/one"}))
		Expect(names(client.InNamespace(here), client.MatchingFields{"metadata.name": "two"})).To(Equal([]string{here + "/two"}))
		Expect(names(client.InNamespace(here), client.MatchingFieldsSelector{
			Selector: fields.OneTermNotEqualSelector("type", "Opaque"),
		})).To(BeEmpty())

		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
		Expect(api.List(ctx, list, client.InNamespace(here))).To(Succeed())
		Expect(list.Items).To(HaveLen(2))
		Expect(list.Items[0].Name).To(Equal("one"))
	})
})

var _ = Describe("a watch", func() {
	asked("tells of what is selected, in order, also of what is selected no longer", func(ctx SpecContext, api client.WithWatch) {
		namespace := newNamespace(ctx, api)
		labels := map[string]string{"l": "1"}
		watching, err := api.Watch(ctx, &corev1.SecretList{}, client.InNamespace(namespace), client.MatchingLabels(labels))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(watching.Stop)
		s := newSecret(namespace, "one", labels)
		Expect(api.Create(ctx, newSecret(namespace, "two", nil))).To(Succeed())
		Expect(api.Create(ctx, s)).To(Succeed())
		s.Data["c"] = []byte("3")
		Expect(api.Update(ctx, s)).To(Succeed())
		s.Labels = nil
		Expect(api.Update(ctx, s)).To(Succeed())
		s.Labels = labels
		Expect(api.Update(ctx, s)).To(Succeed())
		Expect(api.Delete(ctx, s)).To(Succeed())
		for _, expected := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted, watch.Added, watch.Deleted} {
			var event watch.Event
			Eventually(watching.ResultChan()).WithContext(ctx).Should(Receive(&event))
			Expect(event.Type).To(Equal(expected))
			Expect(event.Object.(*corev1.Secret).Name).To(Equal("one"))
		}
	})

	DescribeTable("keeps a cache, with a list at its beginning", func(ctx SpecContext, of string) {
		api := clients[of]
		namespace := newNamespace(ctx, api)
		Expect(api.Create(ctx, newSecret(namespace, "before", nil))).To(Succeed())
		mapper, err := embedded.Mapper(nil, nil)
		Expect(err).NotTo(HaveOccurred())
		held, err := cache.New(rest.CopyConfig(configs[of]), cache.Options{Scheme: scheme, Mapper: mapper})
		Expect(err).NotTo(HaveOccurred())
		running, stop := context.WithCancel(ctx)
		DeferCleanup(stop)
		go func() { _ = held.Start(running) }()
		Eventually(held.WaitForCacheSync).WithContext(ctx).WithArguments(ctx).Should(BeTrue())
		key := types.NamespacedName{Namespace: namespace, Name: "before"}
		Expect(held.Get(ctx, key, &corev1.Secret{})).To(Succeed())
		Expect(api.Create(ctx, newSecret(namespace, "after", nil))).To(Succeed())
		key.Name = "after"
		Eventually(func() error { return held.Get(ctx, key, &corev1.Secret{}) }).WithContext(ctx).Should(Succeed())
	}, Entry(nil, inMemory), Entry(nil, onDisk))
})

// These have no counterpart in an API server, or one that needs a controller manager.
var _ = Describe("the API in memory", func() {
	asUnstructured := func(o any, kind string) *unstructured.Unstructured {
		GinkgoHelper()
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		Expect(err).NotTo(HaveOccurred())
		u := &unstructured.Unstructured{Object: fields}
		u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
		return u
	}

	It("deletes what a deleted object owns", func(ctx SpecContext) {
		api := clients[inMemory]
		c := newClient(newNamespace(ctx, api))
		Expect(api.Create(ctx, c)).To(Succeed())
		yes := true
		s := newSecret(c.Namespace, "s", nil)
		s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "OAuthClient", Name: c.Name, UID: c.UID, Controller: &yes}}
		Expect(api.Create(ctx, s)).To(Succeed())
		Expect(api.Delete(ctx, c)).To(Succeed())
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(s), s))).To(BeTrue())
	})

	It("holds what it is given, and no more of that what it is not given again", func(ctx SpecContext) {
		memory := embedded.New()
		mapper, err := embedded.Mapper(nil, nil)
		Expect(err).NotTo(HaveOccurred())
		api, err := client.New(memory.Serve(ctx), client.Options{Scheme: scheme, Mapper: mapper})
		Expect(err).NotTo(HaveOccurred())
		one, two := newClient("a"), newClient("b")
		Expect(memory.Hold([]*unstructured.Unstructured{asUnstructured(one, "OAuthClient"), asUnstructured(two, "OAuthClient")})).To(Succeed())
		Expect(api.Create(ctx, newSecret("a", "theirs", nil))).To(Succeed())
		Expect(api.Get(ctx, client.ObjectKeyFromObject(one), one)).To(Succeed())
		uid := one.UID
		one.Status.ClientID = "a.web"
		Expect(api.Status().Update(ctx, one)).To(Succeed())

		changed := newClient("a")
		changed.Spec.ClientName = "Web"
		Expect(memory.Hold([]*unstructured.Unstructured{asUnstructured(changed, "OAuthClient")})).To(Succeed())
		Expect(api.Get(ctx, client.ObjectKeyFromObject(one), one)).To(Succeed())
		Expect(one.UID).To(Equal(uid))
		Expect(one.Spec.ClientName).To(Equal("Web"))
		Expect(one.Status.ClientID).To(Equal("a.web"))
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(two), two))).To(BeTrue())
		Expect(api.Get(ctx, types.NamespacedName{Namespace: "a", Name: "theirs"}, &corev1.Secret{})).To(Succeed())
	})

	It("gives an object the same UID in every run", func(ctx SpecContext) {
		uids := map[types.UID]bool{}
		for range 2 {
			memory := embedded.New()
			added, err := memory.Add(asUnstructured(newClient("a"), "OAuthClient"))
			Expect(err).NotTo(HaveOccurred())
			Expect(added).To(BeTrue())
			memory.Follow(cancelled(ctx), v1alpha1.GroupVersion.WithKind("OAuthClient"), func(_, o *unstructured.Unstructured) {
				uids[o.GetUID()] = true
			})
		}
		Expect(uids).To(HaveLen(1))
	})

	It("answers nothing that it does not know", func(ctx SpecContext) {
		mapper, err := embedded.Mapper(nil, nil)
		Expect(err).NotTo(HaveOccurred())
		_, err = mapper.RESTMapping(corev1.SchemeGroupVersion.WithKind("Pod").GroupKind())
		Expect(meta.IsNoMatchError(err)).To(BeTrue())
		transport, err := rest.HTTPClientFor(configs[inMemory])
		Expect(err).NotTo(HaveOccurred())
		for _, path := range []string{"/", "/api/v1/pods", "/apis/apps/v1/deployments", "/api/v1/namespaces/x/secrets/y/status", "/.well-known/openid-configuration"} {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://embedded"+path, http.NoBody)
			Expect(err).NotTo(HaveOccurred())
			response, err := transport.Do(request)
			Expect(err).NotTo(HaveOccurred())
			Expect(response.StatusCode).To(Equal(http.StatusNotFound), path)
			Expect(response.Body.Close()).To(Succeed())
		}
	})
})

func cancelled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
