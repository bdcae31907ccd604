package kubernetes_test

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/kubernetes"
)

var _ = Describe("a server that may do what the role says", func() {
	It("takes every step", func(ctx SpecContext) {
		f := newFixture(ctx)
		role := &rbacv1.ClusterRole{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "grants-"},
			Rules: []rbacv1.PolicyRule{{
				APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"oauthgrants"}, Verbs: []string{"get", "create", "patch"},
			}, {
				APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create", "get"},
			}},
		}
		Expect(api.Create(ctx, role)).To(Succeed())
		user, groups := controlplane.ServiceAccount(f.client.Namespace, "server")
		Expect(api.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "grants-"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
		})).To(Succeed())
		limited, err := plane.User(user, groups)
		Expect(err).NotTo(HaveOccurred())
		f.store, err = kubernetes.New(limited, nil, "default")
		Expect(err).NotTo(HaveOccurred())

		Eventually(func() error { // until the API server has seen the role
			_, err := f.store.Get(ctx, grant.Key{ClientID: "team.app", ID: grant.NewID()})
			return err
		}).WithContext(ctx).Should(MatchError(grant.ErrNotFound))
		g := f.create(ctx)
		Expect(f.advance(ctx, g, 0)).Error().NotTo(HaveOccurred())
		Expect(f.store.Revoke(ctx, g.Key(), grant.CodeReplayed)).To(Succeed())
		Expect(f.store.Get(ctx, g.Key())).To(HaveField("Revoked", grant.CodeReplayed))
		Expect(f.store.Spend(ctx, g.ID, f.now.Add(time.Hour))).To(Succeed())
		Expect(f.store.Spend(ctx, g.ID, f.now.Add(time.Hour))).To(MatchError(grant.ErrSpent))
		Expect(f.store.Note(ctx, g.ID, []byte("a value"), f.now.Add(time.Hour))).To(Succeed())
		Expect(f.store.Noted(ctx, g.ID)).To(Equal([]byte("a value")))
	})

	It("is told why where it may not, and not that there is no grant", func(ctx SpecContext) {
		f := newFixture(ctx)
		nobody, err := plane.User("nobody", nil)
		Expect(err).NotTo(HaveOccurred())
		f.store, err = kubernetes.New(nobody, nil, "default")
		Expect(err).NotTo(HaveOccurred())
		key := grant.Key{ClientID: v1alpha1.ClientID(f.client.Namespace, f.client.Name), ID: grant.NewID()}
		_, err = f.store.Get(ctx, key)
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		_, err = f.store.Advance(ctx, key, 0, f.now, f.now.Add(time.Hour))
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		err = f.store.Spend(ctx, "an id", f.now.Add(time.Hour))
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		err = f.store.Note(ctx, "an id", nil, f.now.Add(time.Hour))
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		_, err = f.store.Noted(ctx, "an id")
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
	})
})

var _ = Describe("a server of named namespaces", func() {
	It("has grants there, and asks for none anywhere else", func(ctx SpecContext) {
		f, elsewhere := newFixture(ctx), newFixture(ctx)
		foreign := elsewhere.create(ctx)
		confined, err := kubernetes.New(f.counted, nil, "default", f.client.Namespace, "another")
		Expect(err).NotTo(HaveOccurred())
		f.store = confined
		g := f.create(ctx)
		Expect(f.store.Get(ctx, g.Key())).To(HaveField("ID", g.ID))

		f.requests.Store(0)
		_, err = f.store.Get(ctx, foreign.Key())
		Expect(err).To(MatchError(grant.ErrNotFound))
		_, err = f.store.Advance(ctx, foreign.Key(), 0, f.now, f.now.Add(time.Hour))
		Expect(err).To(MatchError(grant.ErrNotFound))
		Expect(f.store.Revoke(ctx, foreign.Key(), grant.CodeReplayed)).To(MatchError(grant.ErrNotFound))
		foreign.ID = grant.NewID()
		Expect(f.store.Create(ctx, foreign)).NotTo(Succeed())
		Expect(f.requests.Load()).To(BeZero())
	})
})

func namespaceOf(c *v1alpha1.OAuthClient) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.Namespace}}
}

// BenchmarkRefresh measures the read and the write of one refresh, and what the
// client's side of them allocates.
func BenchmarkRefresh(b *testing.B) {
	RegisterTestingT(b)
	ctx := b.Context()
	startPlane(ctx)
	b.Cleanup(func() { _ = plane.Stop() })
	f := newFixture(ctx)
	g := f.create(ctx)
	b.ReportAllocs()
	for from := int64(0); b.Loop(); from++ {
		if _, err := f.store.Get(ctx, g.Key()); err != nil {
			b.Fatal(err)
		}
		if _, err := f.advance(ctx, g, from); err != nil {
			b.Fatal(err)
		}
	}
}
