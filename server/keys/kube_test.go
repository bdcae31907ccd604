package keys_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/keys"
)

var _ = Describe("the Secrets with keys", func() {
	var (
		namespace string
		watcher   *keys.Watcher
	)

	// put writes a ring into a Secret, whether that exists or not.
	put := func(ctx context.Context, name string, data []byte) {
		GinkgoHelper()
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		_ = api.Get(ctx, client.ObjectKeyFromObject(secret), secret)
		secret.Data = map[string][]byte{keyring.DataKey: data}
		if secret.UID == "" {
			Expect(api.Create(ctx, secret)).To(Succeed())
		} else {
			Expect(api.Update(ctx, secret)).To(Succeed())
		}
	}
	newRing := func() (keyring.Ring, []byte) {
		GinkgoHelper()
		ring, _, _, err := keyring.Rotate(keyring.Ring{},
			[]keyring.Schedule{{Use: keyring.UseSignES256}, {Use: keyring.UseCode}, {Use: keyring.UseVerifier}}, start)
		Expect(err).NotTo(HaveOccurred())
		data, err := ring.Encode()
		Expect(err).NotTo(HaveOccurred())
		return ring, data
	}
	kids := func(issuer string) func() []string {
		return func() (ids []string) {
			for _, k := range watcher.For(issuer).Load().Public(start).Keys {
				ids = append(ids, k.KeyID)
			}
			return ids
		}
	}

	// run follows the namespace as a server does.
	run := func(ctx context.Context) {
		GinkgoHelper()
		mgr, err := cluster.New(config, func(o *cluster.Options) {
			o.Scheme = scheme.Scheme
			o.Cache.ByObject = map[client.Object]cache.ByObject{&corev1.Secret{}: {Namespaces: map[string]cache.Config{namespace: {}}}}
		})
		Expect(err).NotTo(HaveOccurred())
		watcher, err = keys.NewWatcher(mgr, namespace)
		Expect(err).NotTo(HaveOccurred())
		Expect(watcher.Ready()).To(MatchError(ContainSubstring("not all read")))
		running, stop := context.WithCancel(context.WithoutCancel(ctx))
		stopped := make(chan error, 1)
		go func() { stopped <- mgr.Start(running) }()
		DeferCleanup(func() {
			stop()
			Eventually(stopped).Should(Receive(BeNil()))
		})
	}

	BeforeEach(func(ctx SpecContext) {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "operator-"}}
		Expect(api.Create(ctx, ns)).To(Succeed())
		namespace = ns.Name
	})

	It("are read when they are there, and a server without them is not ready", func(ctx SpecContext) {
		ring, data := newRing()
		put(ctx, keyring.SecretName("people"), data)
		run(ctx)
		Eventually(kids("people")).WithContext(ctx).Should(ConsistOf(active(ring, keyring.UseSignES256, start)))
		Eventually(watcher.Ready).WithContext(ctx).WithArguments().Should(MatchError(ContainSubstring(keyring.VerifierSecret)))
		put(ctx, keyring.VerifierSecret, data)
		Eventually(func() error { return watcher.Ready("people") }).WithContext(ctx).Should(Succeed())
		Expect(watcher.Ready("people", "machines")).To(MatchError(ContainSubstring(keyring.SecretName("machines"))))
		_, ok := watcher.Verifiers().VerifierKey(active(ring, keyring.UseVerifier, start), start)
		Expect(ok).To(BeTrue())
	})

	It("are each one issuer's", func(ctx SpecContext) {
		people, peopleData := newRing()
		machines, machinesData := newRing()
		put(ctx, keyring.SecretName("people"), peopleData)
		put(ctx, keyring.SecretName("machines"), machinesData)
		put(ctx, "something-else", machinesData)
		run(ctx)
		Eventually(kids("machines")).WithContext(ctx).Should(ConsistOf(active(machines, keyring.UseSignES256, start)))
		Eventually(kids("people")).WithContext(ctx).Should(ConsistOf(active(people, keyring.UseSignES256, start)))
		Expect(watcher.For("people")).To(BeIdenticalTo(watcher.For("people")))
		Expect(kids("something-else")()).To(BeEmpty())
	})

	It("are followed without a restart", func(ctx SpecContext) {
		run(ctx)
		held := watcher.For("people")
		ring, data := newRing()
		put(ctx, keyring.SecretName("people"), data)
		Eventually(kids("people")).WithContext(ctx).Should(ConsistOf(active(ring, keyring.UseSignES256, start)))
		next, _, _, err := keyring.Rotate(ring, []keyring.Schedule{{Use: keyring.UseSignES256, Every: day, Ahead: time.Hour, Keep: day}}, start.Add(day))
		Expect(err).NotTo(HaveOccurred())
		data, err = next.Encode()
		Expect(err).NotTo(HaveOccurred())
		put(ctx, keyring.SecretName("people"), data)
		Eventually(kids("people")).WithContext(ctx).Should(HaveLen(2))
		Expect(held.Load().Public(start).Keys).To(HaveLen(2), "also for who has asked before")
	})

	It("may be damaged or deleted, and the keys from before are kept until there are others", func(ctx SpecContext) {
		ring, data := newRing()
		put(ctx, keyring.SecretName("people"), data)
		put(ctx, keyring.VerifierSecret, data)
		run(ctx)
		Eventually(func() error { return watcher.Ready("people") }).WithContext(ctx).Should(Succeed())

		empty, err := keyring.Ring{}.Encode()
		Expect(err).NotTo(HaveOccurred())
		for _, damaged := range [][]byte{nil, []byte("no ring"), data[:len(data)/2], empty} {
			put(ctx, keyring.SecretName("people"), damaged)
			put(ctx, keyring.VerifierSecret, damaged)
		}
		for _, name := range []string{keyring.SecretName("people"), keyring.VerifierSecret} {
			Expect(api.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})).To(Succeed())
		}
		// Events of one kind come in their order: when this one is here, those were.
		_, otherData := newRing()
		put(ctx, keyring.SecretName("zeta"), otherData)
		Eventually(kids("zeta")).WithContext(ctx).Should(HaveLen(1))
		Expect(kids("people")()).To(ConsistOf(active(ring, keyring.UseSignES256, start)))
		_, ok := watcher.Verifiers().VerifierKey(active(ring, keyring.UseVerifier, start), start)
		Expect(ok).To(BeTrue())
		Expect(watcher.Ready("people")).To(Succeed())

		again, data := newRing()
		put(ctx, keyring.SecretName("people"), data)
		Eventually(kids("people")).WithContext(ctx).Should(ConsistOf(active(again, keyring.UseSignES256, start)))
	})
})
