package main_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/installation"
)

// doEverything has specs that together need every permission that the controller
// and the server have. The first namespace has a client that all of them know; the
// second one has no more than a client.
func doEverything(namespace, second string) {
	var webapp *workload
	secretOf := func(name string) *corev1.Secret { return object(&corev1.Secret{}, namespace, name) }
	read := func(ctx context.Context, o client.Object) error {
		return k8s.Get(ctx, client.ObjectKeyFromObject(o), o)
	}

	It("registers clients", func(ctx SpecContext) {
		webapp = newClient(ctx, namespace, func(s *v1alpha1.OAuthClientSpec) {
			s.Rotation = &v1alpha1.Rotation{RolloutRestart: true}
		})
		newClient(ctx, second, nil)
	})

	It("logs people in, refreshes, and revokes", func(ctx SpecContext) {
		verifier := oauth2.GenerateVerifier()
		code := webapp.login(ctx, newPerson(), oauth2.S256ChallengeOption(verifier)).Get("code")
		token, err := webapp.oauth.Exchange(spied(ctx), code, oauth2.VerifierOption(verifier))
		Expect(err).NotTo(HaveOccurred())
		token, err = webapp.refresh(ctx, token.RefreshToken)
		Expect(err).NotTo(HaveOccurred())
		_, err = webapp.oidc.UserInfo(spied(ctx), oauth2.StaticTokenSource(token))
		Expect(err).NotTo(HaveOccurred())
		_, err = webapp.oauth.Exchange(spied(ctx), code, oauth2.VerifierOption(verifier))
		Expect(errorCode(err)).To(Equal("invalid_grant"))
		_, err = webapp.oidc.UserInfo(spied(ctx), oauth2.StaticTokenSource(token))
		Expect(err).To(HaveOccurred())
	})

	authenticatesWithoutSecrets(namespace)
	connectsADevice(namespace)

	It("records when a client secret was last used", func(ctx SpecContext) {
		Eventually(func(g Gomega) {
			g.Expect(read(ctx, webapp.object)).To(Succeed())
			g.Expect(webapp.object.Status.Credentials).To(ContainElement(HaveField("LastUsedAt", Not(BeNil()))))
		}).WithContext(ctx).Should(Succeed())
	})

	It("looks up a client that the server has not heard of", func(ctx SpecContext) {
		unknown := get(ctx, issuer+"/authorize?client_id="+namespace+".nobody") //nolint:bodyclose // get has closed it
		Expect(unknown.StatusCode).To(BeNumerically("<", 500))
		// One that is applied and asked for at once may be read from the API server.
		late := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "late"}}
		late.Spec.RedirectURIs = []string{callback}
		Expect(k8s.Create(ctx, late)).To(Succeed())
		answer := get(ctx, issuer+"/authorize?client_id="+namespace+".late") //nolint:bodyclose // get has closed it
		Expect(answer.StatusCode).To(BeNumerically("<", 500))
		eventuallyReady(ctx, late)
	})

	It("clears a grant away that has ended", func(ctx SpecContext) {
		long := metav1.NewTime(time.Now().Add(-24 * time.Hour))
		grant := &v1alpha1.OAuthGrant{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "ended"},
			Spec: v1alpha1.OAuthGrantSpec{
				AuthorizationServer: "main", ClientID: namespace + ".webapp", ClientUID: string(webapp.object.UID),
				Subject: "somebody", AuthTime: long, CreatedAt: long, EndsAt: metav1.NewTime(long.Add(time.Hour)),
			},
		}
		Expect(k8s.Create(ctx, grant)).To(Succeed())
		Eventually(func() bool { return apierrors.IsNotFound(read(ctx, grant)) }).WithContext(ctx).Should(BeTrue())
	})

	It("rotates, and restarts the workloads that use the Secret", func(ctx SpecContext) {
		pod := corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "webapp"}},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "webapp", Image: "webapp",
				EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: webapp.object.SecretName()},
				}}},
			}}},
		}
		selector := &metav1.LabelSelector{MatchLabels: pod.Labels}
		meta := metav1.ObjectMeta{Namespace: namespace, Name: "webapp"}
		deployment := &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: pod}}
		statefulSet := &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: pod}}
		daemonSet := &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: pod}}
		for _, o := range []client.Object{deployment, statefulSet, daemonSet} {
			Expect(k8s.Create(ctx, o)).To(Succeed())
		}
		edit(ctx, webapp.object, func(c *v1alpha1.OAuthClient) {
			c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "now"}
		})
		before := webapp.secret[v1alpha1.SecretKeyClientSecret]
		Eventually(func(g Gomega) {
			for _, o := range []client.Object{deployment, statefulSet, daemonSet} {
				g.Expect(read(ctx, o)).To(Succeed())
			}
			for _, template := range []corev1.PodTemplateSpec{deployment.Spec.Template, statefulSet.Spec.Template, daemonSet.Spec.Template} {
				g.Expect(template.Annotations).To(HaveKey(v1alpha1.AnnotationRestartedFor))
			}
		}).WithContext(ctx).Should(Succeed())
		eventuallyReady(ctx, webapp.object)
		webapp.mount(ctx)
		Expect(webapp.secret[v1alpha1.SecretKeyClientSecret]).NotTo(Equal(before))
	})

	It("repairs a Secret, and takes the old one away when it gets another name", func(ctx SpecContext) {
		secret := secretOf(webapp.object.SecretName())
		for range 2 {
			edit(ctx, secret, func(s *corev1.Secret) { delete(s.Data, v1alpha1.SecretKeyIssuerURI) })
			Eventually(func(g Gomega) {
				g.Expect(read(ctx, secret)).To(Succeed())
				g.Expect(secret.Data).To(HaveKey(v1alpha1.SecretKeyIssuerURI))
			}).WithContext(ctx).Should(Succeed())
		}
		eventuallyRepeats(ctx, namespace, webapp.object.Name, "SecretRepaired")
		edit(ctx, webapp.object, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = "renamed" })
		Eventually(func() bool { return apierrors.IsNotFound(read(ctx, secret)) }).WithContext(ctx).Should(BeTrue())
	})

	It("leaves the Secret of others alone, until its namespace says otherwise", func(ctx SpecContext) {
		theirs := secretOf("adopted-oauth")
		theirs.StringData = map[string]string{"something": "else"}
		Expect(k8s.Create(ctx, theirs)).To(Succeed())
		adopts := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "adopted"}}
		adopts.Spec.RedirectURIs = []string{callback}
		Expect(k8s.Create(ctx, adopts)).To(Succeed())
		eventuallySays(ctx, adopts, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonSecretConflict)
		edit(ctx, object(&corev1.Namespace{}, "", namespace), func(n *corev1.Namespace) {
			n.Annotations = map[string]string{v1alpha1.AnnotationAdoptSecrets: theirs.Name}
		})
		eventuallyReady(ctx, adopts)
	})

	It("uses a client secret that people bring", func(ctx SpecContext) {
		brought := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "brought"}}
		brought.Spec.RedirectURIs = []string{callback}
		brought.Spec.Secret.Ref = &v1alpha1.ClientSecretReference{Name: "from-elsewhere"}
		Expect(k8s.Create(ctx, brought)).To(Succeed())
		eventuallySays(ctx, brought, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonReferencedSecretNotFound)
		value := credential.NewSecret()
		seen.add(value)
		source := secretOf("from-elsewhere")
		source.StringData = map[string]string{v1alpha1.SecretKeyClientSecret: value}
		Expect(k8s.Create(ctx, source)).To(Succeed())
		eventuallyReady(ctx, brought)
	})

	It("takes redirect URIs from an Ingress and an HTTPRoute", func(ctx SpecContext) {
		ingress := object(&networkingv1.Ingress{}, namespace, "shop")
		ingress.Spec.Rules = []networkingv1.IngressRule{{Host: "shop.example.com"}}
		Expect(k8s.Create(ctx, ingress)).To(Succeed())
		module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
		Expect(err).NotTo(HaveOccurred())
		_, err = in.Apply(ctx, filepath.Join(strings.TrimSpace(string(module)),
			"config", "crd", "standard", "gateway.networking.k8s.io_httproutes.yaml"))
		Expect(err).NotTo(HaveOccurred())
		route := object(&unstructured.Unstructured{}, namespace, "shop")
		route.SetAPIVersion("gateway.networking.k8s.io/v1")
		route.SetKind("HTTPRoute")
		Expect(unstructured.SetNestedStringSlice(route.Object, []string{"route.example.com"}, "spec", "hostnames")).To(Succeed())
		Eventually(func() error { return k8s.Create(ctx, route) }).WithContext(ctx).Should(Succeed(), "once the API server serves the kind")

		shop := object(&v1alpha1.OAuthClient{}, namespace, "shop")
		shop.Spec.RedirectURIsFrom = []v1alpha1.RedirectURISource{
			{Kind: v1alpha1.RedirectURISourceIngress, Name: "shop", Path: "/callback"},
			{Kind: v1alpha1.RedirectURISourceHTTPRoute, Name: "shop", Path: "/callback"},
		}
		Expect(k8s.Create(ctx, shop)).To(Succeed())
		eventuallyReady(ctx, shop)
		Expect(shop.Status.RedirectURIs).To(ConsistOf("https://shop.example.com/callback", "https://route.example.com/callback"))
	})

	It("says of an issuer and of a person that they cannot be used", func(ctx SpecContext) {
		twin := object(&v1alpha1.AuthorizationServer{}, "", "twin")
		twin.Spec.Issuer = issuer
		Expect(k8s.Create(ctx, twin)).To(Succeed())
		eventuallySays(ctx, twin, v1alpha1.ConditionReady, v1alpha1.ReasonIssuerConflict)

		user := object(&v1alpha1.OAuthUser{}, "", alice)
		edit(ctx, user, func(u *v1alpha1.OAuthUser) { u.Spec.Disabled = true })
		eventuallySays(ctx, user, v1alpha1.ConditionReady, v1alpha1.ReasonDisabled)
	})

	It("repairs the operator's own keys, and says when it cannot", func(ctx SpecContext) {
		keys := object(&corev1.Secret{}, installation.Namespace, keyring.VerifierSecret)
		edit(ctx, keys, func(s *corev1.Secret) { delete(s.Labels, v1alpha1.LabelManaged) })
		Eventually(func(g Gomega) {
			g.Expect(read(ctx, keys)).To(Succeed())
			g.Expect(keys.Labels).To(HaveKey(v1alpha1.LabelManaged))
		}).WithContext(ctx).Should(Succeed())
		for _, damage := range []string{"no keys", "no keys again"} {
			edit(ctx, keys, func(s *corev1.Secret) { s.Data[keyring.DataKey] = []byte(damage) })
			Eventually(func(g Gomega) {
				var events corev1.EventList
				g.Expect(k8s.List(ctx, &events, client.InNamespace(installation.Namespace))).To(Succeed())
				g.Expect(events.Items).To(ContainElement(HaveField("Reason", v1alpha1.ReasonKeysUnusable)))
			}).WithContext(ctx).Should(Succeed())
		}
		eventuallyRepeats(ctx, installation.Namespace, keyring.VerifierSecret, v1alpha1.ReasonKeysUnusable)
	})
}
