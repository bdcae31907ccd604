package controllers

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/v1alpha1"
)

// ingress returns an Ingress with these hosts.
func ingress(ns, name string, hosts ...string) *networkingv1.Ingress {
	i := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	i.Spec.DefaultBackend = &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80},
	}}
	i.Spec.Rules = rulesFor(hosts...)
	return i
}

func rulesFor(hosts ...string) []networkingv1.IngressRule {
	rules := make([]networkingv1.IngressRule, len(hosts))
	for i, host := range hosts {
		rules[i].Host = host
	}
	return rules
}

// route returns an HTTPRoute with these hosts.
func route(ns, name string, hosts ...any) *unstructured.Unstructured {
	r := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"hostnames": hosts}}}
	r.SetGroupVersionKind(sourceKinds[v1alpha1.RedirectURISourceHTTPRoute].gvk)
	r.SetNamespace(ns)
	r.SetName(name)
	return r
}

// from has a client take redirect URIs from sources, as in "Ingress web /cb".
func from(sources ...string) func(*v1alpha1.OAuthClient) {
	return func(c *v1alpha1.OAuthClient) {
		c.Spec.RedirectURIs = nil
		for _, text := range sources {
			source := strings.Fields(text)
			c.Spec.RedirectURIsFrom = append(c.Spec.RedirectURIsFrom, v1alpha1.RedirectURISource{
				Kind: v1alpha1.RedirectURISourceKind(source[0]), Name: source[1], Path: source[2],
			})
		}
	}
}

// expectURIs waits until the client, and its Secret, have these redirect URIs
// from elsewhere and no others.
func expectURIs(c *v1alpha1.OAuthClient, uris ...string) {
	GinkgoHelper()
	Eventually(func() []string { _ = conditions(c); return c.Status.RedirectURIs }).Should(Equal(uris))
	Eventually(func() string { return string(secretOf(c).Data[v1alpha1.SecretKeyRedirectURIs]) }).
		Should(Equal(strings.Join(c.AllRedirectURIs(), " ")))
}

var _ = Describe("Redirect URIs from an Ingress", func() {
	var as *v1alpha1.AuthorizationServer
	var ns string
	BeforeEach(func() { as, ns = newServer(), newNamespace(nil) })

	It("appear with the Ingress, follow its hosts, and go with it", func() {
		c := newClient(ns, as, from("Ingress web /cb"))
		message := expectNot(c, v1alpha1.ConditionRedirectURIsResolved, v1alpha1.ReasonRedirectSourceNotFound)
		Expect(message).To(And(HavePrefix("spec.redirectURIsFrom[0]: "), ContainSubstring(`no Ingress "web"`)))
		Expect(meta.IsStatusConditionTrue(conditions(c), v1alpha1.ConditionAccepted)).To(BeTrue())

		web := ingress(ns, "web", "a.example.com", "B.example.com")
		web.Spec.Rules[1].Host = "b.example.com"
		Expect(admin.Create(suiteCtx, web)).To(Succeed())
		expectReady(c)
		expectURIs(c, "https://a.example.com/cb", "https://b.example.com/cb")

		change(web, func(i *networkingv1.Ingress) { i.Spec.Rules = rulesFor("c.example.com") })
		expectURIs(c, "https://c.example.com/cb")
		Expect(meta.IsStatusConditionTrue(conditions(c), v1alpha1.ConditionRedirectURIsResolved)).To(BeTrue())

		Expect(admin.Delete(suiteCtx, web)).To(Succeed())
		expectNot(c, v1alpha1.ConditionRedirectURIsResolved, v1alpha1.ReasonRedirectSourceNotFound)
		Expect(c.Status.RedirectURIs).To(BeEmpty())
	})

	It("leave out what has no plain host, and say so where nothing is left", func() {
		Expect(admin.Create(suiteCtx, ingress(ns, "web", "*.example.com", "", "a.example.com"))).To(Succeed())
		Expect(admin.Create(suiteCtx, ingress(ns, "wild", "*.example.com"))).To(Succeed())
		expectURIs(readyClient(ns, as, from("Ingress web /cb")), "https://a.example.com/cb")
		c := newClient(ns, as, from("Ingress wild /cb", "Ingress web /cb"))
		Expect(expectNot(c, v1alpha1.ConditionRedirectURIsResolved, v1alpha1.ReasonRedirectSourceHasNoHost)).
			To(And(ContainSubstring("spec.redirectURIsFrom[0]"), ContainSubstring("wildcard")))
		expectURIs(c, "https://a.example.com/cb")
	})

	It("come from several, beside those of the list, each once", func() {
		Expect(admin.Create(suiteCtx, ingress(ns, "one", "a.example.com", "b.example.com"))).To(Succeed())
		Expect(admin.Create(suiteCtx, ingress(ns, "two", "b.example.com"))).To(Succeed())
		c := readyClient(ns, as, from("Ingress one /cb", "Ingress two /cb", "Ingress two /other?x=y"), func(c *v1alpha1.OAuthClient) {
			c.Spec.RedirectURIs = []string{"https://b.example.com/cb", "http://127.0.0.1/cb"}
		})
		expectURIs(c, "https://a.example.com/cb", "https://b.example.com/cb", "https://b.example.com/other?x=y")
		Expect(complete(c)).To(Succeed())

		change(c, func(c *v1alpha1.OAuthClient) { c.Spec.RedirectURIsFrom = nil })
		expectURIs(c)
		Expect(meta.FindStatusCondition(conditions(c), v1alpha1.ConditionRedirectURIsResolved)).To(BeNil())
	})

	It("do not come from another namespace", func() {
		other := newNamespace(nil)
		Expect(admin.Create(suiteCtx, ingress(other, "web", "a.example.com"))).To(Succeed())
		c := newClient(ns, as, from("Ingress web /cb"))
		expectNot(c, v1alpha1.ConditionRedirectURIsResolved, v1alpha1.ReasonRedirectSourceNotFound)
		Expect(c.Status.RedirectURIs).To(BeEmpty())
	})

	It("are bound by what the policy says of redirect hosts", func() {
		as := newServer(func(as *v1alpha1.AuthorizationServer) {
			as.Spec.Policy = &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{{Name: "ours", RedirectHosts: []string{"*.example.com"}}}}
		})
		web := ingress(ns, "web", "a.example.com")
		Expect(admin.Create(suiteCtx, web)).To(Succeed())
		c := readyClient(ns, as, from("Ingress web /cb"))
		change(web, func(i *networkingv1.Ingress) { i.Spec.Rules = rulesFor("a.example.com", "bank.example") })
		Expect(expectNot(c, v1alpha1.ConditionAccepted, v1alpha1.ReasonNotAllowed)).
			To(And(HavePrefix("spec.redirectURIsFrom: "), ContainSubstring("bank.example"), ContainSubstring("ours")))
		change(web, func(i *networkingv1.Ingress) { i.Spec.Rules = rulesFor("b.example.com") })
		expectReady(c)
		expectURIs(c, "https://b.example.com/cb")
	})

	It("cost nothing while the hosts stay the same", Serial, func() {
		web := ingress(ns, "web", "a.example.com")
		Expect(admin.Create(suiteCtx, web)).To(Succeed())
		c := readyClient(ns, as, from("Ingress web /cb"))
		before, was := looks(), versions(c)
		change(web, func(i *networkingv1.Ingress) { i.Annotations = map[string]string{"a": "b"} })
		Expect(looks()).To(Equal(before))
		restartManager()
		looks()
		Expect(versions(c)).To(Equal(was), "nor when the controller starts anew")
	})
})

var _ = Describe("Redirect URIs from an HTTPRoute", Ordered, Serial, func() {
	It("wait for the kind to be installed, and hold nothing up till then", func() {
		as, ns := newServer(), newNamespace(nil)
		c := newClient(ns, as, from("HTTPRoute web /cb", "Ingress web /cb"))
		Expect(admin.Create(suiteCtx, ingress(ns, "web", "a.example.com"))).To(Succeed())
		Expect(expectNot(c, v1alpha1.ConditionRedirectURIsResolved, v1alpha1.ReasonRedirectSourceNotFound)).
			To(ContainSubstring("does not know the kind HTTPRoute"))
		expectURIs(c, "https://a.example.com/cb")
		readyClient(ns, as)

		module, err := exec.CommandContext(suiteCtx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
		Expect(err).NotTo(HaveOccurred())
		applyFile(filepath.Join(strings.TrimSpace(string(module)), "config", "crd", "standard", "gateway.networking.k8s.io_httproutes.yaml"))
		web := route(ns, "web", "r.example.com", "*.example.com")
		Eventually(func() error { return admin.Create(suiteCtx, web) }).Should(Succeed())
		expectReady(c)
		expectURIs(c, "https://r.example.com/cb", "https://a.example.com/cb")

		change(web, func(r *unstructured.Unstructured) {
			Expect(unstructured.SetNestedStringSlice(r.Object, []string{"s.example.com"}, "spec", "hostnames")).To(Succeed())
		})
		expectURIs(c, "https://s.example.com/cb", "https://a.example.com/cb")
		Expect(admin.Delete(suiteCtx, web)).To(Succeed())
		expectURIs(c, "https://a.example.com/cb")
	})

	It("do not exist where the route takes every host of its Gateway", func() {
		as, ns := newServer(), newNamespace(nil)
		Expect(admin.Create(suiteCtx, route(ns, "web"))).To(Succeed())
		c := newClient(ns, as, from("HTTPRoute web /cb"))
		expectNot(c, v1alpha1.ConditionRedirectURIsResolved, v1alpha1.ReasonRedirectSourceHasNoHost)
	})
})

var _ = Describe("Sources of redirect URIs that may not be read", func() {
	It("are a fault and no error, and are read as soon as they may be", func() {
		ns := newNamespace(nil)
		Expect(admin.Create(suiteCtx, ingress(ns, "web", "a.example.com"))).To(Succeed())
		live, err := client.New(stranger, client.Options{Scheme: newScheme()})
		Expect(err).NotTo(HaveOccurred())
		queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
		waiting := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: ns, Name: "waiting"}}
		s := &redirectSources{
			live: live, namespaces: []string{ns}, poll: 50 * time.Millisecond,
			cache: func() (cache.Cache, error) {
				return cache.New(stranger, cache.Options{
					Scheme: sourceScheme, Mapper: live.RESTMapper(), DefaultNamespaces: map[string]cache.Config{ns: {}},
				})
			},
			clients: func(context.Context, v1alpha1.RedirectURISourceKind, types.NamespacedName) []reconcile.Request {
				return []reconcile.Request{waiting}
			},
		}
		Expect(s.watch(suiteCtx, queue)).To(Succeed())
		key := types.NamespacedName{Namespace: ns, Name: "web"}
		_, err = s.hosts(suiteCtx, v1alpha1.RedirectURISourceIngress, key)
		Expect(err).To(MatchError(ContainSubstring("may not read Ingress objects")))

		Expect(admin.Create(suiteCtx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "stranger"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "oauth-operator-controller-clients"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNS, Name: "stranger"}},
		})).To(Succeed())
		told, _ := queue.Get()
		Expect(told).To(Equal(waiting))
		Expect(s.hosts(suiteCtx, v1alpha1.RedirectURISourceIngress, key)).To(Equal([]string{"a.example.com"}))
	})

	It("keep what the status has of them, and of nothing else", func() {
		c := oauthClient("team", nil, from("Ingress web /cb", "HTTPRoute web /r", "Ingress gone /g"))
		c.Status.RedirectURIs = []string{
			"https://a.example.com/cb", "https://a.example.com/r", "https://a.example.com/g", "https://a.example.com/elsewhere",
			"http://a.example.com/cb", "https://evil.example/x/cb",
		}
		got := resolveRedirects(c, []sourceHosts{
			{fault: &sourceError{message: "may not be read", unread: true}},
			{hosts: []string{"b.example.com"}},
			{fault: &sourceError{message: "is not there"}},
		})
		Expect(got.uris).To(Equal([]string{"https://a.example.com/cb", "https://b.example.com/r"}))
		Expect(got.resolved.Message).To(And(ContainSubstring("[0]: may not be read"), ContainSubstring("[2]: is not there")))
	})

	It("never come to more than the status has room for", func() {
		c := oauthClient("team", nil, from("Ingress web /cb"))
		var hosts []string
		for range maxResolved + 1 {
			hosts = append(hosts, unique("host")+".example.com")
		}
		got := resolveRedirects(c, []sourceHosts{{hosts: hosts}})
		Expect(got.uris).To(HaveLen(maxResolved))
		Expect(got.resolved.Reason).To(Equal(v1alpha1.ReasonInvalid))
	})

	It("make no URI of a host that is more than one", func() {
		c := oauthClient("team", nil, from("Ingress web /cb"))
		got := resolveRedirects(c, []sourceHosts{{hosts: []string{
			"a.example.com:8443", "u@a.example.com", "a.example.com/x", "a.example.com#x", "a.example.com?x", `a.example.com\x`, "a b", "",
		}}})
		Expect(got.uris).To(BeEmpty())
		Expect(got.resolved.Reason).To(Equal(v1alpha1.ReasonRedirectSourceHasNoHost))
	})
})
