package e2e_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

func theRelease() {
	var (
		config oauth2.Config
		token  *oauth2.Token
		secret map[string][]byte
		keeper *v1alpha1.OAuthClient
		webapp corev1.Pod
	)

	BeforeAll(func(ctx SpecContext) {
		startLoad(ctx)
		keeper = &v1alpha1.OAuthClient{
			ObjectMeta: metav1.ObjectMeta{Namespace: demoNamespace, Name: "keeper"},
			Spec: v1alpha1.OAuthClientSpec{
				RedirectURIs: []string{"https://keeper.example.com/callback"},
				GrantTypes:   []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken},
				Scopes:       []string{"openid"},
			},
		}
		config = register(ctx, keeper)
		token = logIn(ctx, &config)
		secret = secretOf(ctx, keeper)
		webapp = k8s.podsWith(ctx, demoNamespace, client.MatchingLabels{"app.kubernetes.io/name": "webapp"})[0]
	})

	// stillValid shows that what the client and its people have is worth what it was.
	stillValid := func(ctx context.Context) {
		GinkgoHelper()
		Expect(secretOf(ctx, keeper)).To(Equal(secret), "the Secret is the same")
		var err error
		token, err = config.TokenSource(outward(ctx), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		Expect(err).NotTo(HaveOccurred(), "a refresh token from before")
		Expect(logIn(ctx, &config).AccessToken).NotTo(BeEmpty(), "a login with the same client secret")
		everyoneSucceeds(ctx, now(ctx))
		now := webapp.DeepCopy()
		Expect(k8s.Get(ctx, client.ObjectKeyFromObject(now), now)).To(Succeed(), "the workload's Pod is the same")
		Expect(now.UID).To(Equal(webapp.UID))
		Expect(now.Status.ContainerStatuses[0].RestartCount).To(Equal(webapp.Status.ContainerStatuses[0].RestartCount))
	}

	It("leaves every client behind when it is uninstalled, and finds it again", func(ctx SpecContext) {
		uninstall(ctx)
		Expect(k8s.crds(ctx)).To(HaveLen(4))
		Expect(k8s.Get(ctx, client.ObjectKeyFromObject(keeper), &v1alpha1.OAuthClient{})).To(Succeed())
		Expect(secretOf(ctx, keeper)).To(Equal(secret))
		Expect(statusOfIssuer(ctx)).NotTo(Succeed(), "there is no server any more")

		began := time.Now()
		helmDo(ctx, "install", chart, present())
		discovered(ctx)
		say("the issuer was back %s after helm install", time.Since(began).Round(100*time.Millisecond))
		stillValid(ctx)
	}, SpecTimeout(8*time.Minute))

	It("is upgraded from the version before, and rolled back, while people log in", func(ctx SpecContext) {
		uninstall(ctx)
		previous := previousChart()
		helmDo(ctx, "install", previous, past())
		discovered(ctx)
		stillValid(ctx)

		say("from %s to the present chart", filepath.Base(previous))
		since := now(ctx)
		helmDo(ctx, "upgrade", chart, present())
		undisturbed(ctx, since, 5)
		stillValid(ctx)

		say("and back")
		since = now(ctx)
		k8s.helm(ctx, "rollback", release, "1", "--namespace", operatorNamespace, "--wait", "--timeout", "3m")
		undisturbed(ctx, since, 5)
		stillValid(ctx)

		say("and to the present chart again")
		since = now(ctx)
		helmDo(ctx, "upgrade", chart, present())
		undisturbed(ctx, since, 5)
		stillValid(ctx)
	}, SpecTimeout(12*time.Minute))
}

func uninstall(ctx context.Context) {
	GinkgoHelper()
	k8s.helm(ctx, "uninstall", release, "--namespace", operatorNamespace, "--wait", "--timeout", "2m")
	Eventually(func() []corev1.Pod { return append(k8s.pods(ctx, "server"), k8s.pods(ctx, "controller")...) }).
		WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(BeEmpty())
}

func statusOfIssuer(ctx context.Context) error {
	_, err := get(ctx, issuer+"/.well-known/openid-configuration", "") //nolint:bodyclose // get has closed it
	return err
}

// previousChart is the chart of the last release, as it was published.
func previousChart() string {
	GinkgoHelper()
	kept, err := filepath.Glob(filepath.Join(root, "charts", "testdata", "oauth-operator-*.tgz"))
	Expect(err).NotTo(HaveOccurred())
	Expect(kept).NotTo(BeEmpty(), "no released chart is kept in charts/testdata")
	slices.SortFunc(kept, func(a, b string) int {
		of := func(path string) *version.Version {
			name := strings.TrimSuffix(filepath.Base(path), ".tgz")
			return version.MustParseGeneric(strings.TrimPrefix(name, "oauth-operator-"))
		}
		if of(a).LessThan(of(b)) {
			return -1
		}
		return 1
	})
	path, err := filepath.Abs(kept[len(kept)-1])
	Expect(err).NotTo(HaveOccurred())
	return path
}
