package registration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/registration"
)

// team is a namespace and an AuthorizationServer for one spec, whose policy
// allows what clients of the namespace ask for while the label is there.
type team struct {
	namespace *corev1.Namespace
	server    *v1alpha1.AuthorizationServer
}

func newTeam(ctx context.Context) *team {
	GinkgoHelper()
	t := &team{namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "team-", Labels: map[string]string{"tier": "trusted"},
	}}}
	Expect(api.Create(ctx, t.namespace)).To(Succeed())
	t.server = people()
	t.server.ObjectMeta = metav1.ObjectMeta{Name: t.namespace.Name}
	t.server.Spec.Issuer = "https://" + t.namespace.Name + ".example.com"
	t.server.Spec.Policy = &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{{
		Name:              "trusted",
		NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"tier": "trusted"}},
		Scopes:            []string{"openid", "orders:read", "orders:write"},
	}}}
	Expect(api.Create(ctx, t.server)).To(Succeed())
	return t
}

// register makes a client as the controller leaves it: with its credentials.
func (t *team) register(ctx context.Context, name string) *v1alpha1.OAuthClient {
	GinkgoHelper()
	oac := web()
	oac.ObjectMeta = metav1.ObjectMeta{Namespace: t.namespace.Name, Name: name}
	oac.Spec.AuthorizationServerRef.Name = t.server.Name
	status := oac.Status
	Expect(api.Create(ctx, oac)).To(Succeed())
	oac.Status = status
	Expect(api.Status().Update(ctx, oac)).To(Succeed())
	return oac
}

// lookup asks the running server for a client.
func (t *team) lookup(ctx context.Context, oac *v1alpha1.OAuthClient) error {
	_, err := server.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
	return err
}

var _ = Describe("the registrations of a cluster", func() {
	var (
		t   *team
		oac *v1alpha1.OAuthClient
	)
	BeforeEach(func(ctx SpecContext) {
		t = newTeam(ctx)
		oac = t.register(ctx, "web")
		// Not through a live lookup: what is in the cache has to be overthrown.
		Eventually(server.Serves).WithContext(ctx).WithArguments(v1alpha1.ClientID(oac.Namespace, oac.Name)).Should(BeTrue())
		Expect(t.lookup(ctx, oac)).To(Succeed())
	})

	It("are bound to the UID of the object, and show its credentials", func(ctx SpecContext) {
		c, err := server.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
		Expect(err).NotTo(HaveOccurred())
		Expect(c.UID).To(Equal(string(oac.UID)))
		Expect(c.Credentials).To(HaveLen(2))
	})

	It("follow a change of the client", func(ctx SpecContext) {
		oac.Spec.RedirectURIs = []string{"https://shop.example.com/new"}
		Expect(api.Update(ctx, oac)).To(Succeed())
		Eventually(func(g Gomega) {
			c, err := server.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(c.MatchRedirectURI("https://shop.example.com/new")).To(BeTrue())
			g.Expect(c.MatchRedirectURI("https://shop.example.com/callback")).To(BeFalse())
		}).WithContext(ctx).Should(Succeed())
	})

	It("are refused when the policy changes, and say why, whatever the status says", func(ctx SpecContext) {
		t.server.Spec.Policy.Rules[0].Scopes = []string{"openid"}
		Expect(api.Update(ctx, t.server)).To(Succeed())
		Eventually(t.lookup).WithContext(ctx).WithArguments(oac).Should(And(
			MatchError(registration.ErrRefused), MatchError(ContainSubstring("spec.scopes[0]")), MatchError(ContainSubstring("trusted"))))
		t.server.Spec.Policy = nil
		Expect(api.Update(ctx, t.server)).To(Succeed())
		Eventually(t.lookup).WithContext(ctx).WithArguments(oac).Should(Succeed())
	})

	It("are refused when the namespace loses the label that the policy asks for", func(ctx SpecContext) {
		t.namespace.Labels = map[string]string{"tier": "other"}
		Expect(api.Update(ctx, t.namespace)).To(Succeed())
		Eventually(t.lookup).WithContext(ctx).WithArguments(oac).Should(MatchError(registration.ErrRefused))
		t.namespace.Labels = map[string]string{"tier": "trusted"}
		Expect(api.Update(ctx, t.namespace)).To(Succeed())
		Eventually(t.lookup).WithContext(ctx).WithArguments(oac).Should(Succeed())
	})

	It("are unknown when the client is deleted, and a new one of the name inherits nothing", func(ctx SpecContext) {
		Expect(api.Delete(ctx, oac)).To(Succeed())
		Eventually(t.lookup).WithContext(ctx).WithArguments(oac).Should(MatchError(registration.ErrUnknown))
		again := t.register(ctx, "web")
		Eventually(func() (*registration.Client, error) {
			return server.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
		}).WithContext(ctx).Should(HaveField("UID", string(again.UID)))
		Expect(again.UID).NotTo(Equal(oac.UID))
	})

	It("are unknown while a client is being deleted", func(ctx SpecContext) {
		oac.Finalizers = []string{"example.org/audit"}
		Expect(api.Update(ctx, oac)).To(Succeed())
		Expect(api.Delete(ctx, oac)).To(Succeed())
		Eventually(t.lookup).WithContext(ctx).WithArguments(oac).Should(MatchError(registration.ErrUnknown))
	})

	It("are unknown when their AuthorizationServer is gone", func(ctx SpecContext) {
		Expect(api.Delete(ctx, t.server)).To(Succeed())
		Eventually(t.lookup).WithContext(ctx).WithArguments(oac).Should(MatchError(registration.ErrUnknown))
	})

	It("are unknown to every other issuer", func(ctx SpecContext) {
		other := newTeam(ctx)
		own := other.register(ctx, "own")
		Eventually(other.lookup).WithContext(ctx).WithArguments(own).Should(Succeed())
		Expect(other.lookup(ctx, oac)).To(MatchError(registration.ErrUnknown))
	})

	It("are held without what the server has no use for", func(ctx SpecContext) {
		kept := &v1alpha1.OAuthClient{}
		Expect(mgr.GetCache().Get(ctx, client.ObjectKeyFromObject(oac), kept)).To(Succeed())
		Expect(kept.ManagedFields).To(BeEmpty())
		Expect(kept.Annotations).To(BeEmpty())
		Expect(kept.Status.Conditions).To(BeEmpty())
		Expect(kept.Spec).To(Equal(oac.Spec))
	})
})

var _ = Describe("a client that the cache does not know yet", func() {
	var (
		t      *team
		lagged *registration.Cluster
		now    time.Time
	)
	BeforeEach(func(ctx SpecContext) {
		t = newTeam(ctx)
		now = time.Now()
		lagged = registration.NewLagging(reader, func() time.Time { return now })
		lagged.Learn(t.server.DeepCopy())
		liveRequests.Store(0)
	})
	lookup := func(ctx context.Context, clientID string) error {
		_, err := lagged.For(t.server.Name).Lookup(ctx, clientID)
		return err
	}

	It("works from the moment in which it exists", func(ctx SpecContext) {
		oac := t.register(ctx, "web")
		Expect(lookup(ctx, v1alpha1.ClientID(oac.Namespace, "web"))).To(Succeed())
	})

	It("works though the cache has it without credentials", func(ctx SpecContext) {
		oac := t.register(ctx, "web")
		early := oac.DeepCopy()
		early.Status = v1alpha1.OAuthClientStatus{}
		lagged.Learn(early)
		c, err := lagged.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, "web"))
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Credentials).To(HaveLen(2))
	})

	It("works though the cache has it in a form that is refused", func(ctx SpecContext) {
		oac := t.register(ctx, "web")
		early := oac.DeepCopy()
		early.Spec.Scopes = []string{"unknown"}
		lagged.Learn(early)
		Expect(lookup(ctx, v1alpha1.ClientID(oac.Namespace, "web"))).To(Succeed())
	})

	It("is judged by the live labels of its namespace", func(ctx SpecContext) {
		oac := t.register(ctx, "web")
		t.namespace.Labels = nil
		Expect(api.Update(ctx, t.namespace)).To(Succeed())
		Expect(lookup(ctx, v1alpha1.ClientID(oac.Namespace, "web"))).To(MatchError(registration.ErrRefused))
	})

	It("is unknown as soon as the cache has seen it go", func(ctx SpecContext) {
		oac := t.register(ctx, "web")
		id := v1alpha1.ClientID(oac.Namespace, "web")
		Expect(lookup(ctx, id)).To(Succeed())
		Expect(api.Delete(ctx, oac)).To(Succeed())
		lagged.Unlearn(oac)
		Expect(lookup(ctx, id)).To(MatchError(registration.ErrUnknown))
	})

	It("costs one request, however many ask, and none once the cache has it", func(ctx SpecContext) {
		t.server.Spec.Policy = nil
		t.server.Generation++
		lagged.Learn(t.server.DeepCopy())
		oac := t.register(ctx, "web")
		id := v1alpha1.ClientID(oac.Namespace, "web")
		errs := make(chan error)
		for range 100 {
			go func() { errs <- lookup(ctx, id) }()
		}
		for range 100 {
			Expect(<-errs).To(Succeed())
		}
		Expect(liveRequests.Load()).To(Equal(int64(1)))
		lagged.Learn(oac.DeepCopy())
		now = now.Add(time.Hour)
		Expect(lookup(ctx, id)).To(Succeed())
		Expect(liveRequests.Load()).To(Equal(int64(1)))
	})

	It("is asked for again when an answer has become old", func(ctx SpecContext) {
		id := v1alpha1.ClientID(t.namespace.Name, "web")
		for range 10 {
			Expect(lookup(ctx, id)).To(MatchError(registration.ErrUnknown))
		}
		Expect(liveRequests.Load()).To(Equal(int64(1)))
		t.register(ctx, "web")
		now = now.Add(registration.LiveMemory)
		Expect(lookup(ctx, id)).To(Succeed())
	})

	It("is not asked for where its name cannot be one", func(ctx SpecContext) {
		for _, id := range []string{
			"", ".", "team", "team.", ".web", "Team.web", "team.Web", "team/../kube-system.web", "team.web/status", "team.web?watch=true",
			"team.web%2Fstatus", "team.web\x00", "team.web\n", "team.\xff", "team." + strings.Repeat("w", 64), strings.Repeat("t", 64) + ".web",
			strings.Repeat("a.", 100_000),
		} {
			Expect(lookup(ctx, id)).To(MatchError(registration.ErrUnknown), id)
		}
		Expect(liveRequests.Load()).To(BeZero())
	})

	It("is asked for within bounds that strangers cannot move", func(ctx SpecContext) {
		oac := t.register(ctx, "web")
		known := v1alpha1.ClientID(oac.Namespace, "web")
		early := oac.DeepCopy()
		early.Status = v1alpha1.OAuthClientStatus{}
		lagged.Learn(early)
		namespace := metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: oac.Namespace, Labels: t.namespace.Labels}}
		lagged.Learn(&namespace)
		turnedAway := 0
		for i := range 4 * registration.LiveBurst {
			err := lookup(ctx, v1alpha1.ClientID(t.namespace.Name, fmt.Sprintf("stranger-%d", i)))
			if !errors.Is(err, registration.ErrUnknown) {
				Expect(err).To(MatchError(ContainSubstring("temporarily_unavailable")))
				turnedAway++
			}
		}
		Expect(liveRequests.Load()).To(Equal(int64(registration.LiveBurst)))
		Expect(turnedAway).To(Equal(3 * registration.LiveBurst))

		const second = 1 // look at the one that the cache knows, which strangers cannot use up
		Expect(lookup(ctx, known)).To(Succeed())
		lagged.Learn(oac.DeepCopy())
		Expect(lookup(ctx, known)).To(Succeed())
		Expect(liveRequests.Load()).To(Equal(int64(registration.LiveBurst + second)))

		now = now.Add(time.Second)
		for i := range registration.LiveBurst {
			_ = lookup(ctx, v1alpha1.ClientID(t.namespace.Name, fmt.Sprintf("later-%d", i)))
		}
		Expect(liveRequests.Load()).To(Equal(int64(registration.LiveBurst + second + 20)))
	})

	It("is not waited for by one who has gone", func(ctx SpecContext) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		Expect(lookup(gone, v1alpha1.ClientID(t.namespace.Name, "web"))).To(MatchError(context.Canceled))
	})
})
