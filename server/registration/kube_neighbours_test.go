package registration_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("a policy that counts the clients of a namespace", func() {
	var (
		cluster *registration.Cluster
		as      *v1alpha1.AuthorizationServer
		born    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	)
	// bound lets a namespace have that many clients.
	bound := func(most int32) {
		as = as.DeepCopy()
		as.Generation++
		as.Spec.Policy = &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{{Name: "few", MaxClientsPerNamespace: &most}}}
		cluster.Learn(as)
	}
	client := func(namespace, name string, age int) *v1alpha1.OAuthClient {
		oac := web()
		oac.Namespace, oac.Name, oac.UID = namespace, name, types.UID(namespace+"/"+name)
		oac.CreationTimestamp = metav1.NewTime(born.Add(-time.Duration(age) * time.Hour))
		return oac
	}
	BeforeEach(func() {
		cluster = registration.NewLagging(nil, time.Now)
		as = people()
		bound(1)
		cluster.Learn(client("shop", "young", 1))
		cluster.Learn(client("shop", "old", 2))
		cluster.Learn(client("other", "youngest", 0))
	})

	It("serves the oldest, in each namespace", func() {
		Expect(cluster.Serves("shop.old")).To(BeTrue())
		Expect(cluster.Serves("shop.young")).To(BeFalse())
		Expect(cluster.Serves("other.youngest")).To(BeTrue())
	})

	It("has others judged anew when a client comes, moves or goes", func() {
		Expect(cluster.Serves("shop.young")).To(BeFalse())

		moved := client("shop", "old", 2)
		moved.Spec.AuthorizationServerRef.Name = "machines"
		machines := people()
		machines.Name, machines.UID = "machines", "machines"
		cluster.Learn(machines)
		cluster.Learn(moved)
		Expect(cluster.Serves("shop.young")).To(BeTrue())

		cluster.Learn(client("shop", "older", 3))
		Expect(cluster.Serves("shop.young")).To(BeFalse())
		cluster.Unlearn(client("shop", "older", 3))
		Expect(cluster.Serves("shop.young")).To(BeTrue())

		leaving := client("shop", "older", 3)
		leaving.DeletionTimestamp = &metav1.Time{Time: born}
		cluster.Learn(leaving)
		Expect(cluster.Serves("shop.young")).To(BeTrue())
	})

	It("follows the number, and does not count where there is none", func() {
		bound(2)
		Expect(cluster.Serves("shop.young")).To(BeTrue())
		bound(0)
		Expect(cluster.Serves("shop.old")).To(BeFalse())
		as = as.DeepCopy()
		as.Generation++
		as.Spec.Policy.Rules[0].MaxClientsPerNamespace = nil
		cluster.Learn(as)
		Expect(cluster.Serves("shop.old")).To(BeTrue())
		Expect(cluster.Serves("shop.young")).To(BeTrue())
	})

	It("compiles nobody anew for a change of a status", func(ctx SpecContext) {
		old, err := cluster.For("people").Lookup(ctx, "shop.old")
		Expect(err).NotTo(HaveOccurred())
		used := client("shop", "young", 1)
		used.Status.Credentials[0].LastUsedAt = &metav1.Time{Time: born}
		cluster.Learn(used)
		Expect(cluster.For("people").Lookup(ctx, "shop.old")).To(BeIdenticalTo(old))
	})
})
