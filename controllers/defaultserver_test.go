package controllers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/cmd/oauth-operator/alive"
)

var _ = Describe("The AuthorizationServer that the controller is told", Ordered, func() {
	var file, issuer string

	// tell writes the file as the kubelet does, which brings the values there.
	tell := func(spec string) {
		GinkgoHelper()
		text := fmt.Sprintf("apiVersion: oauth-operator.dev/v1alpha1\nkind: AuthorizationServer\nmetadata: {name: main}\nspec: %s\n", spec)
		next := file + ".next"
		Expect(os.WriteFile(next, []byte(text), 0o600)).To(Succeed())
		Expect(os.Rename(next, file)).To(Succeed())
	}
	there := func(g Gomega) v1alpha1.AuthorizationServer {
		var as v1alpha1.AuthorizationServer
		g.Expect(admin.Get(suiteCtx, client.ObjectKey{Name: "main"}, &as)).To(Succeed())
		return as
	}

	BeforeAll(func() {
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: unique("told")},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "oauth-operator-controller-default-authorization-server"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNS, Name: "oauth-operator-controller"}},
		}
		Expect(admin.Create(suiteCtx, binding)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(suiteCtx, binding)).To(Succeed()) })
		file = filepath.Join(GinkgoT().TempDir(), "authorizationserver.yaml")
		issuer = "https://" + unique("told") + ".example.com"
		tell(`{issuer: "` + issuer + `", lifetimes: {accessToken: 5m}}`)
		stopManager()
		stopManager = startManager(func(o *Options) { o.DefaultAuthorizationServer = file })
		DeferCleanup(func() {
			restartManager()
			Expect(client.IgnoreNotFound(admin.Delete(suiteCtx, &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Name: "main"}}))).To(Succeed())
		})
	})

	It("is made", func() {
		Eventually(there).Should(And(HaveField("Spec.Issuer", issuer), HaveField("Spec.Lifetimes.AccessToken.Duration", 5*time.Minute)))
		Expect(testutil.ToFloat64(defaultServerPending)).To(BeZero())
	})

	It("has the fields of others, and keeps its own", func() {
		as := there(Default)
		patch := `{"spec":{"issuer":"https://changed.example.com","displayName":"Mine"}}`
		Expect(admin.Patch(suiteCtx, &as, client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
		Eventually(there).Should(And(HaveField("Spec.Issuer", issuer), HaveField("Spec.DisplayName", "Mine")))
	})

	It("loses what is taken out of the file, and nothing else", func() {
		tell(`{issuer: "` + issuer + `"}`)
		Eventually(there).Should(HaveField("Spec.Lifetimes", Or(BeNil(), HaveField("AccessToken", BeNil()))))
		Expect(there(Default).Spec.DisplayName).To(Equal("Mine"))
	})

	It("does not move while nothing changes, and comes again when it was deleted", func() {
		Eventually(there).Should(HaveField("Status.ObservedGeneration", there(Default).Generation))
		before := there(Default).ResourceVersion
		Consistently(there).Should(HaveField("ResourceVersion", before))
		gone := there(Default)
		Expect(admin.Delete(suiteCtx, &gone)).To(Succeed())
		Eventually(there).Should(And(HaveField("Spec.Issuer", issuer), HaveField("UID", Not(Equal(gone.UID)))))
	})

	It("is told of when it is refused, and applied once it is right", func() {
		tell(`{issuer: "` + issuer + `", unheardOf: 1}`)
		Eventually(func() float64 { return testutil.ToFloat64(defaultServerPending) }).Should(Equal(1.0))
		Expect(there(Default).Spec.Issuer).To(Equal(issuer))
		tell(`{issuer: "` + issuer + `", displayName: "Theirs"}`)
		Eventually(there).Should(HaveField("Spec.DisplayName", "Theirs"))
		Eventually(func() float64 { return testutil.ToFloat64(defaultServerPending) }).Should(BeZero())
	})
})

var _ = DescribeTable("A file that holds no AuthorizationServer ends the controller at its start",
	func(text, why string) {
		file := filepath.Join(GinkgoT().TempDir(), "authorizationserver.yaml")
		Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
		options := Options{OperatorNamespace: operatorNS, SkipNameValidation: true, DefaultAuthorizationServer: file}
		mgr, err := ctrl.NewManager(operator, ctrl.Options{
			Scheme: newScheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Cache: CacheOptions(options),
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(SetupWithManager(mgr, options)).To(MatchError(ContainSubstring(why)))
	},
	Entry("another kind", "apiVersion: v1\nkind: Secret\nmetadata: {name: main}\n", "not an AuthorizationServer"),
	Entry("without a name", "apiVersion: oauth-operator.dev/v1alpha1\nkind: AuthorizationServer\n", "with a name"),
	Entry("no YAML", "{", "yaml"),
)

var _ = Describe("Probes", func() {
	It("know a worker that waits for a lock which nobody releases", func() {
		watchdog := alive.New(time.Second, nil)
		locked, release := make(chan struct{}), make(chan struct{})
		var working atomic.Int64
		var hold atomic.Bool
		stopManager()
		stopManager = startManager(func(o *Options) {
			o.Watch = func(work string) func() {
				working.Add(1)
				done := watchdog.Watch(work)
				return func() { working.Add(-1); done() }
			}
			o.Now = func() time.Time {
				if working.Load() > 0 && hold.CompareAndSwap(true, false) {
					close(locked)
					<-release // whatever the context says
				}
				return time.Now()
			}
		})
		DeferCleanup(restartManager)
		released := sync.OnceFunc(func() { close(release) })
		DeferCleanup(released)
		Consistently(func() error { return watchdog.Check(nil) }).Should(Succeed(), "nothing takes so long by itself")

		hold.Store(true)
		as := server()
		Expect(admin.Create(suiteCtx, as)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(suiteCtx, as)).To(Succeed()) })
		Eventually(locked).Should(BeClosed())
		Eventually(func() error { return watchdog.Check(nil) }).Should(MatchError(ContainSubstring("the controller authorizationserver")))
		released()
		Eventually(func() error { return watchdog.Check(nil) }).Should(Succeed())
	})

	It("say that a controller is not ready before its caches are filled, and is afterwards", func() {
		unfilled, err := ctrl.NewManager(operator, ctrl.Options{Scheme: newScheme(), Metrics: metricsserver.Options{BindAddress: "0"}})
		Expect(err).NotTo(HaveOccurred())
		check := synced(unfilled.GetCache())
		request := httptest.NewRequest(http.MethodGet, "/readyz", nil)
		Expect(check(request)).To(MatchError(ContainSubstring("not filled")))

		_, err = unfilled.GetCache().GetInformer(suiteCtx, &v1alpha1.OAuthUser{}, cache.BlockUntilSynced(false))
		Expect(err).NotTo(HaveOccurred())
		ctx, stop := context.WithCancel(suiteCtx)
		defer stop()
		go func() { _ = unfilled.GetCache().Start(ctx) }()
		Eventually(func() error { return check(request) }).Should(Succeed())
	})
})
