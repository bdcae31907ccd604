package registration_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("the registrations of named namespaces", func() {
	It("are served by one who may read clients nowhere else, and all others are unknown", func(ctx SpecContext) {
		here, alsoHere, elsewhere := newTeam(ctx), newTeam(ctx), newTeam(ctx)
		oac := here.register(ctx, "web")
		foreign := elsewhere.register(ctx, "web")

		user, groups := controlplane.ServiceAccount("operator", here.namespace.Name)
		subject := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}
		read := []string{"get", "list", "watch"}
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: here.namespace.Name}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"authorizationservers"}, Verbs: read},
			{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: read},
		}}
		Expect(api.Create(ctx, role)).To(Succeed())
		Expect(api.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name}, Subjects: subject,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		})).To(Succeed())
		for _, t := range []*team{here, alsoHere} {
			at := metav1.ObjectMeta{Namespace: t.namespace.Name, Name: "clients"}
			Expect(api.Create(ctx, &rbacv1.Role{ObjectMeta: at, Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"oauthclients"}, Verbs: read},
			}})).To(Succeed())
			Expect(api.Create(ctx, &rbacv1.RoleBinding{
				ObjectMeta: at, Subjects: subject, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: at.Name},
			})).To(Succeed())
		}
		limited, err := plane.User(user, groups)
		Expect(err).NotTo(HaveOccurred())

		names := []string{here.namespace.Name, alsoHere.namespace.Name}
		var confined *registration.Cluster
		newReplica(ctx, limited, func(mgr cluster.Cluster) {
			confined, err = registration.NewCluster(mgr, names...)
			Expect(err).NotTo(HaveOccurred())
		}, names...)
		Eventually(confined.HasSynced).WithContext(ctx).Should(BeTrue())

		id := v1alpha1.ClientID(oac.Namespace, oac.Name)
		Eventually(confined.Serves).WithContext(ctx).WithArguments(id).Should(BeTrue())
		late := alsoHere.register(ctx, "late")
		Expect(confined.For(alsoHere.server.Name).Lookup(ctx, v1alpha1.ClientID(late.Namespace, late.Name))).NotTo(BeNil())

		liveRequests.Store(0)
		_, err = confined.For(elsewhere.server.Name).Lookup(ctx, v1alpha1.ClientID(foreign.Namespace, foreign.Name))
		Expect(err).To(MatchError(registration.ErrUnknown))
		Expect(confined.For(elsewhere.server.Name).Renew(ctx, &registration.Client{
			ID: v1alpha1.ClientID(foreign.Namespace, foreign.Name),
		})).To(BeNil())
		Expect(liveRequests.Load()).To(BeZero(), "the API server is not asked")
	})
})
