package kubernetes_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/kubernetes"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

// fixture is one OAuthClient and a Store whose requests are counted.
type fixture struct {
	store    *kubernetes.Store
	counted  *rest.Config
	client   *v1alpha1.OAuthClient
	now      time.Time
	requests atomic.Int64
}

func newFixture(ctx context.Context) *fixture {
	GinkgoHelper()
	f := &fixture{now: time.Now().UTC().Truncate(time.Second)}
	f.counted = rest.CopyConfig(config)
	f.counted.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			f.requests.Add(1)
			return next.RoundTrip(r)
		})
	})
	var err error
	f.store, err = kubernetes.New(f.counted, nil, "default")
	Expect(err).NotTo(HaveOccurred())
	f.client = &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: newNamespace(ctx), Name: "shop.web"},
		Spec:       v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://shop.example/callback"}},
	}
	Expect(api.Create(ctx, f.client)).To(Succeed())
	return f
}

type roundTripper func(*http.Request) (*http.Response, error)

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return rt(r) }

func (f *fixture) create(ctx context.Context) grant.Grant {
	GinkgoHelper()
	g := grant.Grant{
		ID:        grant.NewID(),
		Issuer:    "people",
		ClientID:  v1alpha1.ClientID(f.client.Namespace, f.client.Name),
		ClientUID: string(f.client.UID),
		Subject:   "3f0a/not a label value",
		Username:  "alice",
		Scope:     oauth.Scope{"openid", "profile"},
		AuthTime:  f.now.Add(-time.Minute),
		CreatedAt: f.now,
		EndsAt:    f.now.Add(24 * time.Hour),
		ExpiresAt: f.now.Add(time.Hour),
	}
	Expect(f.store.Create(ctx, g)).To(Succeed())
	return g
}

// object reads the OAuthGrant as kubectl would.
func (f *fixture) object(ctx context.Context, g grant.Grant) *v1alpha1.OAuthGrant {
	GinkgoHelper()
	obj := &v1alpha1.OAuthGrant{}
	Expect(api.Get(ctx, client.ObjectKey{Namespace: f.client.Namespace, Name: g.ID}, obj)).To(Succeed())
	return obj
}

func (f *fixture) advance(ctx context.Context, g grant.Grant, from int64) (grant.Grant, error) {
	return f.store.Advance(ctx, g.Key(), from, f.now.Add(time.Minute), f.now.Add(2*time.Hour))
}

var _ = Describe("the object of a grant", func() {
	var f *fixture
	BeforeEach(func(ctx SpecContext) { f = newFixture(ctx) })

	It("shows who has allowed what", func(ctx SpecContext) {
		g := f.create(ctx)
		obj := f.object(ctx, g)
		Expect(obj.Labels).To(Equal(map[string]string{
			v1alpha1.LabelClient:              "shop.web",
			v1alpha1.LabelAuthorizationServer: "people",
			v1alpha1.LabelSubject:             "7a9b2a711cae9d4bd142aea884fa0938",
		}))
		Expect(obj.Spec.ClientID).To(Equal(g.ClientID))
		Expect(obj.Spec.Username).To(Equal("alice"))
		Expect(obj.Spec.Scopes).To(Equal([]string{"openid", "profile"}))
		Expect(obj.Status.ExpiresAt.Time).To(BeTemporally("==", g.ExpiresAt))
		active := apimeta.FindStatusCondition(obj.Status.Conditions, v1alpha1.ConditionActive)
		Expect(active).To(HaveField("Status", metav1.ConditionTrue))
		Expect(active).To(HaveField("Reason", v1alpha1.ReasonGranted))
	})

	It("is selected by the label of a subject", func(ctx SpecContext) {
		g := f.create(ctx)
		list := &v1alpha1.OAuthGrantList{}
		Expect(api.List(ctx, list, client.InNamespace(f.client.Namespace),
			client.MatchingLabels{v1alpha1.LabelSubject: kubernetes.SubjectLabel(g.Subject)})).To(Succeed())
		Expect(list.Items).To(HaveLen(1))
	})

	It("is owned by the OAuthClient, so that it goes with it, and holds nothing up", func(ctx SpecContext) {
		obj := f.object(ctx, f.create(ctx))
		Expect(obj.OwnerReferences).To(Equal([]metav1.OwnerReference{{
			APIVersion: "oauth-operator.dev/v1alpha1", Kind: "OAuthClient", Name: "shop.web", UID: f.client.UID,
		}}))
		Expect(obj.Finalizers).To(BeEmpty())
	})

	It("says which generation of the object its status speaks of, after every step", func(ctx SpecContext) {
		g := f.create(ctx)
		observes := func() {
			GinkgoHelper()
			obj := f.object(ctx, g)
			Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
			Expect(obj.Status.Conditions).To(HaveEach(HaveField("ObservedGeneration", obj.Generation)))
		}
		observes()
		for from := range int64(2) {
			Expect(f.advance(ctx, g, from)).Error().NotTo(HaveOccurred())
			observes()
		}
		Expect(f.store.Revoke(ctx, g.Key(), grant.RefreshTokenReused)).To(Succeed())
		observes()
		Expect(f.object(ctx, g).Status.Conditions).To(ConsistOf(And(
			HaveField("Status", metav1.ConditionFalse),
			HaveField("Reason", v1alpha1.ReasonRefreshTokenReused),
			HaveField("Message", Not(BeEmpty())),
		)))
	})

	It("costs one request to create, one to read and one to advance", func(ctx SpecContext) {
		g := f.create(ctx)
		Expect(f.requests.Load()).To(Equal(int64(1)))
		Expect(f.store.Get(ctx, g.Key())).Error().NotTo(HaveOccurred())
		Expect(f.requests.Load()).To(Equal(int64(2)))
		Expect(f.advance(ctx, g, 0)).Error().NotTo(HaveOccurred())
		Expect(f.requests.Load()).To(Equal(int64(3)))
		Expect(f.advance(ctx, g, 1)).Error().NotTo(HaveOccurred())
		Expect(f.requests.Load()).To(Equal(int64(4)))
	})

	It("costs no request where no grant can be", func(ctx SpecContext) {
		key := grant.Key{ClientID: "team.app", ID: "../../../../api/v1/secrets"}
		Expect(f.store.Get(ctx, key)).Error().To(MatchError(grant.ErrNotFound))
		Expect(f.requests.Load()).To(BeZero())
	})

	It("holds no token, and nothing that one could be made from", func(ctx SpecContext) {
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseRefresh}}, f.now)
		Expect(err).NotTo(HaveOccurred())
		set, err := keys.Compile(ring)
		Expect(err).NotTo(HaveOccurred())
		g := f.create(ctx)
		token, err := grant.SealRefreshToken(set, g, f.now)
		Expect(err).NotTo(HaveOccurred())
		text, err := json.Marshal(f.object(ctx, g))
		Expect(err).NotTo(HaveOccurred())
		for i := 0; i+12 <= len(token); i++ {
			Expect(strings.Contains(string(text), token[i:i+12])).To(BeFalse(), "a part of the refresh token")
		}
	})
})

var _ = Describe("what others do to the object of a grant", func() {
	var f *fixture
	BeforeEach(func(ctx SpecContext) { f = newFixture(ctx) })

	It("is revoked when it is deleted", func(ctx SpecContext) {
		g := f.create(ctx)
		Expect(api.Delete(ctx, f.object(ctx, g))).To(Succeed())
		Expect(f.store.Get(ctx, g.Key())).Error().To(MatchError(grant.ErrNotFound))
		Expect(f.advance(ctx, g, 0)).Error().To(MatchError(grant.ErrNotFound))
		Expect(f.store.Revoke(ctx, g.Key(), grant.CodeReplayed)).To(MatchError(grant.ErrNotFound))
	})

	It("is revoked when it is deleted, also while a finalizer keeps it", func(ctx SpecContext) {
		g := f.create(ctx)
		obj := f.object(ctx, g)
		obj.Finalizers = []string{"example.org/audit"}
		Expect(api.Update(ctx, obj)).To(Succeed())
		Expect(api.Delete(ctx, obj)).To(Succeed())
		Expect(f.store.Get(ctx, g.Key())).Error().To(MatchError(grant.ErrNotFound))
		Expect(f.advance(ctx, g, 0)).Error().To(MatchError(grant.ErrNotFound))
		Expect(f.store.Create(ctx, g)).To(MatchError(grant.ErrExists))
		Expect(f.object(ctx, g).Status.Generation).To(BeZero())
	})

	It("cannot change what was allowed", func(ctx SpecContext) {
		g := f.create(ctx)
		obj := f.object(ctx, g)
		obj.Spec.Scopes = append(obj.Spec.Scopes, "admin")
		Expect(api.Update(ctx, obj)).To(MatchError(ContainSubstring("a grant cannot be edited; delete it to revoke it")))
	})

	It("gives a grant made by hand no refresh token", func(ctx SpecContext) {
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseRefresh}}, f.now)
		Expect(err).NotTo(HaveOccurred())
		set, err := keys.Compile(ring)
		Expect(err).NotTo(HaveOccurred())
		g := f.create(ctx)
		sealed, err := grant.SealRefreshToken(set, g, f.now)
		Expect(err).NotTo(HaveOccurred())
		token, err := grant.OpenRefreshToken(set, sealed, f.now)
		Expect(err).NotTo(HaveOccurred())

		obj := f.object(ctx, g)
		Expect(api.Delete(ctx, obj)).To(Succeed())
		obj.ResourceVersion, obj.UID = "", ""
		obj.Spec.Scopes = append(obj.Spec.Scopes, "admin")
		Expect(api.Create(ctx, obj)).To(Succeed())
		forged, err := f.store.Get(ctx, g.Key())
		Expect(err).NotTo(HaveOccurred())
		Expect(token.Describes(g)).To(BeTrue())
		Expect(token.Describes(forged)).To(BeFalse())
	})

	It("does not stand where it does not say so", func(ctx SpecContext) {
		g := f.create(ctx)
		obj := f.object(ctx, g)
		obj.Status.Conditions = nil
		Expect(api.Update(ctx, obj)).To(Succeed())
		Expect(f.store.Get(ctx, g.Key())).To(HaveField("Revoked", Not(BeEmpty())))
		_, err := f.advance(ctx, g, 0)
		Expect(err).To(MatchError(grant.ErrMoved))
	})

	It("does not stop a refresh where it has nothing to do with it", func(ctx SpecContext) {
		g := f.create(ctx)
		obj := f.object(ctx, g)
		obj.Labels["audit"] = "seen"
		obj.Status.Conditions = append([]metav1.Condition{{
			Type: "Audited", Status: metav1.ConditionTrue, Reason: "Seen", LastTransitionTime: metav1.NewTime(f.now),
		}}, obj.Status.Conditions...)
		Expect(api.Update(ctx, obj)).To(Succeed())
		Expect(f.advance(ctx, g, 0)).To(HaveField("Generation", int64(1)))
		Expect(f.advance(ctx, g, 1)).To(HaveField("Generation", int64(2)))
		obj = f.object(ctx, g)
		Expect(obj.Status.Conditions).To(HaveLen(2))
		Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
	})
})

var _ = Describe("a namespace that takes no grants", func() {
	It("is said to be absent", func(ctx SpecContext) {
		f := newFixture(ctx)
		g := f.create(ctx)
		g.ClientID = "nowhere.app"
		err := f.store.Create(ctx, g)
		Expect(err).To(MatchError(ContainSubstring("namespace of the client does not exist")))
		Expect(errors.Is(err, grant.ErrNotFound)).To(BeFalse())
		Expect(f.store.Get(ctx, g.Key())).Error().To(MatchError(grant.ErrNotFound))
	})

	It("is said to be on its way out", func(ctx SpecContext) {
		f := newFixture(ctx)
		g := f.create(ctx)
		Expect(api.Delete(ctx, namespaceOf(f.client))).To(Succeed())
		g.ID = grant.NewID()
		Expect(f.store.Create(ctx, g)).To(MatchError(ContainSubstring("namespace of the client is being deleted")))
	})
})

var _ = Describe("what is good only once", func() {
	It("is noted by one request, across replicas, and nobody can read there what it was", func(ctx SpecContext) {
		f, namespace := newFixture(ctx), newNamespace(ctx)
		one, err := kubernetes.New(f.counted, nil, namespace)
		Expect(err).NotTo(HaveOccurred())
		two, err := kubernetes.New(config, nil, namespace)
		Expect(err).NotTo(HaveOccurred())
		until := f.now.Add(time.Hour)
		Expect(one.Spend(ctx, "issuer, client and jti", until)).To(Succeed())
		Expect(f.requests.Load()).To(Equal(int64(1)))
		Expect(two.Spend(ctx, "issuer, client and jti", until)).To(MatchError(grant.ErrSpent))

		leases := &coordinationv1.LeaseList{}
		Expect(api.List(ctx, leases, client.InNamespace(namespace))).To(Succeed())
		Expect(leases.Items).To(HaveLen(1))
		Expect(leases.Items[0].Labels).To(HaveKeyWithValue(v1alpha1.LabelSpentUntil, strconv.FormatInt(until.Unix()+1, 10)))
		Expect(json.Marshal(leases.Items[0])).NotTo(ContainSubstring("jti"))
	})
})
