package keys_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/keys"
)

var _ = Describe("the tokens of a ServiceAccount", func() {
	const server = "https://auth.example.com/main"
	var (
		account  *corev1.ServiceAccount
		requests atomic.Int64
		away     atomic.Bool
		clock    time.Time
		known    *keys.ServiceAccounts
	)
	BeforeEach(func(ctx SpecContext) {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "team-"}}
		Expect(api.Create(ctx, namespace)).To(Succeed())
		account = &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "web"}}
		Expect(api.Create(ctx, account)).To(Succeed())

		requests.Store(0)
		away.Store(false)
		clock = time.Now()
		// As the server's own service account, with the roles that every one has.
		user, groups := controlplane.ServiceAccount("oauth-operator-system", "oauth-operator-server")
		own, err := plane.User(user, groups)
		Expect(err).NotTo(HaveOccurred())
		own = rest.CopyConfig(own)
		own.QPS = -1 // the specs are to count, not to wait
		own.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				requests.Add(1)
				if away.Load() {
					return nil, http.ErrServerClosed
				}
				return next.RoundTrip(r)
			})
		})
		known, err = keys.NewServiceAccounts(own, nil, func() time.Time { return clock })
		Expect(err).NotTo(HaveOccurred())
	})
	token := func(ctx context.Context, audiences ...string) string {
		GinkgoHelper()
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
		Expect(api.SubResource("token").Create(ctx, account, request)).To(Succeed())
		return request.Status.Token
	}
	judge := func(ctx context.Context, token, subject string) error {
		GinkgoHelper()
		issuer, trusted, err := known.Issuer(ctx, false)
		Expect(err).NotTo(HaveOccurred())
		jwt, err := assertion.Parse(token)
		Expect(err).NotTo(HaveOccurred())
		if err := jwt.Verify(trusted); err != nil {
			return err
		}
		return jwt.Check(assertion.Expected{Issuer: issuer, Subject: subject, Audience: server, ArrayAudience: true}, clock)
	}

	It("are verified as the API server issues them, for this server alone", func(ctx SpecContext) {
		subject := "system:serviceaccount:" + account.Namespace + ":web"
		Expect(judge(ctx, token(ctx, server), subject)).To(Succeed())
		Expect(judge(ctx, token(ctx, server), "system:serviceaccount:"+account.Namespace+":other")).To(MatchError(ContainSubstring("sub")))
		Expect(judge(ctx, token(ctx), subject)).To(MatchError(ContainSubstring("aud")), "a token for the API server")
		Expect(judge(ctx, token(ctx, server, "https://other.example.com"), subject)).To(MatchError(ContainSubstring("aud")))
		clock = clock.Add(2 * time.Hour)
		Expect(judge(ctx, token(ctx, server), subject)).To(MatchError(ContainSubstring("expired")))
	})

	It("cost two requests, and no more however often anybody has us look anew", func(ctx SpecContext) {
		for range 20 {
			Expect(known.Issuer(ctx, true)).Error().NotTo(HaveOccurred())
		}
		Expect(requests.Load()).To(Equal(int64(2)))
		clock = clock.Add(time.Minute)
		Expect(known.Issuer(ctx, false)).Error().NotTo(HaveOccurred())
		Expect(requests.Load()).To(Equal(int64(2)))
		Expect(known.Issuer(ctx, true)).Error().NotTo(HaveOccurred())
		Expect(requests.Load()).To(Equal(int64(4)))
		clock = clock.Add(time.Hour)
		Expect(known.Issuer(ctx, false)).Error().NotTo(HaveOccurred())
		Expect(requests.Load()).To(Equal(int64(6)), "keys that are old are read again")
	})

	It("are verified while the API server is away, if it was there before", func(ctx SpecContext) {
		away.Store(true)
		for range 20 {
			Expect(known.Issuer(ctx, false)).Error().To(HaveOccurred())
		}
		Expect(requests.Load()).To(Equal(int64(1)), "who asks in vain does not ask again at once")
		away.Store(false)
		clock = clock.Add(time.Minute)
		issuer, _, err := known.Issuer(ctx, false)
		Expect(err).NotTo(HaveOccurred())
		away.Store(true)
		clock = clock.Add(time.Hour)
		again, trusted, err := known.Issuer(ctx, true)
		Expect(err).NotTo(HaveOccurred())
		Expect(again).To(Equal(issuer))
		Expect(trusted).NotTo(BeEmpty())
	})
})

type roundTripper func(*http.Request) (*http.Response, error)

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return rt(r) }
