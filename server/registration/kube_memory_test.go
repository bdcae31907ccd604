package registration_test

import (
	"fmt"
	"runtime"
	"time"
	"weak"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("what a compiled client was made from", func() {
	It("is not kept by it", func() {
		most := int32(9)
		cluster := registration.NewLagging(nil, time.Now)
		learn := func(name string) weak.Pointer[v1alpha1.OAuthClient] {
			oac := web()
			oac.Name, oac.UID = name, types.UID(name)
			cluster.Learn(oac)
			return weak.Make(oac)
		}
		serve := func(generation int64) weak.Pointer[v1alpha1.AuthorizationServer] {
			as := people()
			as.Generation = generation
			as.Spec.Policy = &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{{Name: "few", MaxClientsPerNamespace: &most}}}
			cluster.Learn(as)
			return weak.Make(as)
		}
		before := serve(1)
		learn("quiet")
		gone := learn("gone")
		Expect(cluster.Serves("shop.quiet")).To(BeTrue())

		cluster.Unlearn(&v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "gone"}})
		serve(2)
		Eventually(func() bool { runtime.GC(); return gone.Value() == nil && before.Value() == nil }).
			WithTimeout(5 * time.Second).Should(BeTrue())
		Expect(cluster.Serves("shop.quiet")).To(BeTrue())
	})
})

var _ = Describe("clients that the policy has come to refuse", func() {
	It("do not use up what a new client needs", func(ctx SpecContext) {
		t := newTeam(ctx)
		t.server.Spec.Policy = nil
		now := time.Now()
		lagged := registration.NewLagging(reader, func() time.Time { return now })
		lagged.Learn(t.server.DeepCopy())
		fresh := t.register(ctx, "fresh")
		for i := range registration.LiveBurst + 1 {
			refused := fresh.DeepCopy()
			refused.Name, refused.UID = fmt.Sprint("refused-", i), types.UID(fmt.Sprint(i))
			refused.Spec.Scopes = []string{"unknown"}
			lagged.Learn(refused)
			_, err := lagged.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(refused.Namespace, refused.Name))
			Expect(err).To(HaveOccurred())
		}
		_, err := lagged.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(fresh.Namespace, fresh.Name))
		Expect(err).NotTo(HaveOccurred())
	})
})
