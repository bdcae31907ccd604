package main_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("A workload behind an Ingress and an HTTPRoute", func() {
	It("gets people back at the hosts that these have", func(ctx SpecContext) {
		loginByHosts(ctx, newNamespace(ctx))
	})
})

// loginByHosts logs a person in with a client whose redirect URIs are made of the
// hosts of an Ingress and an HTTPRoute, and sees them follow.
func loginByHosts(ctx context.Context, namespace string) {
	GinkgoHelper()
	module := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	module.Dir = root
	dir, err := module.Output()
	Expect(err).NotTo(HaveOccurred())
	_, err = in.Apply(ctx, filepath.Join(strings.TrimSpace(string(dir)), "config", "crd", "standard", "gateway.networking.k8s.io_httproutes.yaml"))
	Expect(err).NotTo(HaveOccurred())

	rule := func(host string) []networkingv1.IngressRule { return []networkingv1.IngressRule{{Host: host}} }
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "routed"}}
	ingress.Spec.DefaultBackend = &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "routed", Port: networkingv1.ServiceBackendPort{Number: 80},
	}}
	ingress.Spec.Rules = rule("before.example.com")
	Expect(k8s.Create(ctx, ingress)).To(Succeed())
	route := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"hostnames": []any{"route.example.com"}}}}
	route.SetAPIVersion("gateway.networking.k8s.io/v1")
	route.SetKind("HTTPRoute")
	route.SetNamespace(namespace)
	route.SetName("routed")
	Eventually(func() error { return k8s.Create(ctx, route) }).WithContext(ctx).Should(Succeed())

	routed := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "routed"}}
	routed.Spec.RedirectURIsFrom = []v1alpha1.RedirectURISource{
		{Kind: v1alpha1.RedirectURISourceIngress, Name: "routed", Path: "/callback"},
		{Kind: v1alpha1.RedirectURISourceHTTPRoute, Name: "routed", Path: "/callback"},
	}
	Expect(k8s.Create(ctx, routed)).To(Succeed())
	eventuallyReady(ctx, routed)
	Expect(routed.Status.RedirectURIs).To(Equal([]string{"https://before.example.com/callback", "https://route.example.com/callback"}))

	// callback is not among them until the Ingress has its host.
	w := &workload{object: routed}
	w.mount(ctx)
	address := w.oauth.AuthCodeURL("the state", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	page, err := newPerson().Visit(ctx, address, atCallback)
	Expect(err).NotTo(HaveOccurred())
	Expect(page.Location).To(BeNil(), "nobody is sent there")

	Expect(k8s.Get(ctx, client.ObjectKeyFromObject(ingress), ingress)).To(Succeed())
	ingress.Spec.Rules = rule("webapp.example.com")
	Expect(k8s.Update(ctx, ingress)).To(Succeed())
	// Nobody has to log in for a page that says no: there is one login in the end.
	Eventually(func() (string, error) {
		page, err := newPerson().Visit(ctx, address, atCallback)
		if err != nil || page.Location == nil {
			return "", err
		}
		return page.Location.Query().Get("code"), nil
	}).WithContext(ctx).ShouldNot(BeEmpty())
}
