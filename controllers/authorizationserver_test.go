package controllers

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// eventsOf returns what was reported about an object: type, reason and note.
func eventsOf(ns, name string) []string {
	var list eventsv1.EventList
	Expect(admin.List(suiteCtx, &list, client.InNamespace(ns))).To(Succeed())
	var texts []string
	for _, e := range list.Items {
		if e.Regarding.Name == name {
			texts = append(texts, e.Type+" "+e.Reason+" "+e.Note)
		}
	}
	return texts
}

func ringSecretOf(as *v1alpha1.AuthorizationServer) *corev1.Secret {
	s := &corev1.Secret{}
	if err := admin.Get(suiteCtx, client.ObjectKey{Namespace: operatorNS, Name: keyring.SecretName(as.Name)}, s); err != nil {
		return nil
	}
	return s
}

func ringOf(as *v1alpha1.AuthorizationServer) keyring.Ring {
	s := ringSecretOf(as)
	if s == nil {
		return keyring.Ring{}
	}
	ring, err := keyring.Decode(s.Data[keyring.DataKey])
	if err != nil {
		return keyring.Ring{}
	}
	return ring
}

var _ = Describe("An AuthorizationServer", func() {
	uses := []keyring.Use{
		keyring.UseSignES256, keyring.UseSignRS256, keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser,
	}

	It("gets a key for each use, and stands still then", func() {
		as := newServer()
		s := ringSecretOf(as)
		Expect(s.Labels).To(Equal(map[string]string{
			v1alpha1.LabelManaged:             "true",
			v1alpha1.LabelKeys:                v1alpha1.KeysServer,
			v1alpha1.LabelAuthorizationServer: as.Name,
		}))
		Expect(metav1.IsControlledBy(s, as)).To(BeTrue())
		for _, use := range uses {
			_, ok := ringOf(as).Active(use, time.Now())
			Expect(ok).To(BeTrue(), string(use))
		}
		Expect(as.Status.ObservedGeneration).To(Equal(as.Generation))
		Consistently(func() []string {
			_ = conditions(as)
			return []string{as.ResourceVersion, ringSecretOf(as).ResourceVersion}
		}).Should(Equal([]string{as.ResourceVersion, s.ResourceVersion}))
	})

	It("gets new keys when they were deleted", func() {
		as := newServer()
		old := ringOf(as)
		Expect(admin.Delete(suiteCtx, ringSecretOf(as))).To(Succeed())
		Eventually(func() keyring.Ring { return ringOf(as) }).ShouldNot(Or(Equal(keyring.Ring{}), Equal(old)))
		expectReady(as)
	})

	DescribeTable("keeps its keys when the Secret around them is damaged", func(damage func(*corev1.Secret)) {
		as := newServer()
		before := ringSecretOf(as)
		damaged := ringSecretOf(as)
		change(damaged, damage)
		Eventually(func() string { return ringSecretOf(as).ResourceVersion }).ShouldNot(Equal(damaged.ResourceVersion))
		after := ringSecretOf(as)
		Expect(after.Data).To(Equal(before.Data))
		Expect(after.Labels).To(Equal(before.Labels))
		Expect(metav1.IsControlledBy(after, as)).To(BeTrue())
	},
		Entry("a label is gone", func(s *corev1.Secret) { delete(s.Labels, v1alpha1.LabelKeys) }),
		Entry("the label is gone by which it is cached", func(s *corev1.Secret) { s.Labels = nil }),
		Entry("the owner is gone", func(s *corev1.Secret) { s.OwnerReferences = nil }),
	)

	DescribeTable("does not overwrite keys that cannot be read", func(damage func([]byte) []byte) {
		as := newServer()
		s := ringSecretOf(as)
		intact := s.Data[keyring.DataKey]
		change(s, func(s *corev1.Secret) { s.Data[keyring.DataKey] = damage(intact) })
		Expect(expectNot(as, v1alpha1.ConditionKeysReady, v1alpha1.ReasonKeysUnusable)).To(ContainSubstring(s.Name))
		Consistently(func() string { return ringSecretOf(as).ResourceVersion }).Should(Equal(s.ResourceVersion))
		Eventually(func() []string { return eventsOf("default", as.Name) }).
			Should(ContainElement(HavePrefix("Warning KeysUnusable")))

		change(s, func(s *corev1.Secret) { s.Data[keyring.DataKey] = intact })
		expectReady(as)
	},
		Entry("cut off", func(b []byte) []byte { return b[:len(b)/2] }),
		Entry("emptied", func([]byte) []byte { return nil }),
		Entry("of a version to come", func([]byte) []byte { return []byte(`{"version":2,"keys":[]}`) }),
		Entry("with a signing key that is none", func([]byte) []byte {
			return []byte(`{"version":1,"keys":[{"id":"abcdefghijkl","use":"sign-es256","notBefore":"2026-01-01T00:00:00Z","material":"AAAA"}]}`)
		}),
	)

	It("has its keys replaced when their time comes, and keeps the old ones", func() {
		as := newServer()
		old := ringOf(as)
		aged := keyring.Ring{}
		for _, k := range old.Keys {
			k.NotBefore = k.NotBefore.Add(-90*day + 12*time.Hour) // the successor is due for publication
			aged.Keys = append(aged.Keys, k)
		}
		data, err := aged.Encode()
		Expect(err).NotTo(HaveOccurred())
		change(ringSecretOf(as), func(s *corev1.Secret) { s.Data[keyring.DataKey] = data })
		Eventually(func() []keyring.Key { return ringOf(as).Published(keyring.UseSignES256, time.Now()) }).Should(HaveLen(2))

		active, _ := ringOf(as).Active(keyring.UseSignES256, time.Now())
		was, _ := old.Active(keyring.UseSignES256, time.Now())
		Expect(active.ID).To(Equal(was.ID), "the successor is published before it is used")
		refresh := ringOf(as).Published(keyring.UseRefresh, time.Now())
		Expect(refresh).To(HaveLen(1), "refresh keys live for 180 days")
		expectReady(as)
	})

	DescribeTable("says so when the API server refuses the Secret with its keys", func(obstacle func(*v1alpha1.AuthorizationServer) client.Object) {
		as := server()
		o := obstacle(as)
		Expect(admin.Create(suiteCtx, o)).To(Succeed())
		Expect(admin.Create(suiteCtx, as)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(suiteCtx, as)).To(Succeed()) })
		Expect(expectNot(as, v1alpha1.ConditionKeysReady, v1alpha1.ReasonSecretRejected)).To(ContainSubstring(keyring.SecretName(as.Name)))
		Consistently(func() string { _ = conditions(as); return as.ResourceVersion }).Should(Equal(as.ResourceVersion))

		Expect(admin.Delete(suiteCtx, o)).To(Succeed())
		// That something is not refused any more is not watched.
		change(as, func(as *v1alpha1.AuthorizationServer) { as.Spec.DisplayName = "Again" })
		expectReady(as)
	},
		Entry("which is of another type", func(as *v1alpha1.AuthorizationServer) client.Object {
			ring := ringSecretOf(newServer())
			return &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: operatorNS, Name: keyring.SecretName(as.Name)},
				Type:       "example.com/other",
				Data:       ring.Data,
			}
		}),
		Entry("which is a predecessor's that is not collected yet", func(as *v1alpha1.AuthorizationServer) client.Object {
			ring := ringSecretOf(newServer())
			predecessor := as.DeepCopy()
			predecessor.UID = "00000000-0000-0000-0000-000000000000"
			return &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: operatorNS, Name: keyring.SecretName(as.Name), Labels: ring.Labels,
					OwnerReferences: []metav1.OwnerReference{*controllerReference(predecessor, "AuthorizationServer")},
				},
				Data: ring.Data,
			}
		}),
	)

	It("is not accepted while an older one has its issuer", func() {
		first := newServer()
		second := server(func(as *v1alpha1.AuthorizationServer) { as.Spec.Issuer = first.Spec.Issuer })
		Expect(admin.Create(suiteCtx, second)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(suiteCtx, second)).To(Succeed()) })
		Expect(expectNot(second, v1alpha1.ConditionAccepted, v1alpha1.ReasonIssuerConflict)).To(ContainSubstring(first.Name))
		Expect(ringSecretOf(second)).To(BeNil())
		expectReady(first)

		change(first, func(as *v1alpha1.AuthorizationServer) {
			as.Spec.Issuer = "https://elsewhere." + as.Name + ".example.com"
		})
		expectReady(second)
	})
})
