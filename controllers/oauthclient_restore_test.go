package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/oauth"
	served "oauth-operator.dev/server/registration"
)

// backup is what the commands of the documentation keep of objects.
type backup []*unstructured.Unstructured

// backedUp reads the objects, and leaves out what the cluster has made of them.
// Without stripping, the owners stay, as they do in many a backup.
func backedUp(strip bool, objects ...client.Object) (b backup) {
	GinkgoHelper()
	for _, o := range objects {
		Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(o), o)).To(Succeed())
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		Expect(err).NotTo(HaveOccurred())
		u := &unstructured.Unstructured{Object: content}
		gvk, err := admin.GroupVersionKindFor(o)
		Expect(err).NotTo(HaveOccurred())
		u.SetGroupVersionKind(gvk)
		delete(u.Object, "status")
		for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"} {
			unstructured.RemoveNestedField(u.Object, "metadata", field)
		}
		if strip {
			u.SetOwnerReferences(nil)
		}
		b = append(b, u)
	}
	return b
}

// restore is kubectl apply: it creates what is missing, and writes what the
// manifest has into what is there.
func (b backup) restore() {
	GinkgoHelper()
	for _, o := range b {
		o = o.DeepCopy()
		manifest, err := json.Marshal(o)
		Expect(err).NotTo(HaveOccurred())
		if admin.Create(suiteCtx, o.DeepCopy()) == nil {
			continue
		}
		Expect(admin.Patch(suiteCtx, o, client.RawPatch("application/merge-patch+json", manifest))).To(Succeed())
	}
}

// gone deletes the objects. Nothing collects garbage here, so nothing else goes.
func gone(objects ...client.Object) {
	GinkgoHelper()
	for _, o := range objects {
		Expect(client.IgnoreNotFound(admin.Delete(suiteCtx, o))).To(Succeed())
	}
}

func verifierSecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNS, Name: keyring.VerifierSecret}}
}

// verifierKeys are those that there are now.
type verifierKeys struct{}

func (verifierKeys) VerifierKey(id string, now time.Time) ([]byte, bool) {
	key, ok := verifierRing().Find(keyring.UseVerifier, id, now)
	return key.Material, ok
}

// authenticatorOf is what the authorization server authenticates clients with,
// over a cache of its own.
func authenticatorOf(as *v1alpha1.AuthorizationServer) *clientauth.Authenticator {
	GinkgoHelper()
	c, err := cluster.New(root, func(o *cluster.Options) {
		o.Scheme, o.Cache.ByObject = newScheme(), served.CacheOptions()
	})
	Expect(err).NotTo(HaveOccurred())
	clients, err := served.NewCluster(c)
	Expect(err).NotTo(HaveOccurred())
	ctx, stop := context.WithCancel(suiteCtx)
	DeferCleanup(stop)
	go func() {
		defer GinkgoRecover()
		Expect(c.Start(ctx)).To(Succeed())
	}()
	Eventually(clients.HasSynced).Should(BeTrue())
	return clientauth.New(clientauth.Options{Registry: clients.For(as.Name), Verifiers: verifierKeys{}, Realm: as.Spec.Issuer})
}

// authenticated asks the server whether the value authenticates the client.
func authenticated(a *clientauth.Authenticator, c *v1alpha1.OAuthClient, value string) error {
	r := httptest.NewRequest(http.MethodPost, "/token", nil)
	r.SetBasicAuth(url.QueryEscape(v1alpha1.ClientID(c.Namespace, c.Name)), url.QueryEscape(value))
	result, err := a.Authenticate(r, oauth.Params{})
	if err == nil && !result.Authenticated {
		return errors.New("it is a public client")
	}
	return err
}

// What a backup holds are the manifests and the Secrets: the status is not
// restored, and every object has another UID.
var _ = Describe("Clients that are restored from a backup", Serial, func() {
	var as *v1alpha1.AuthorizationServer
	var ns string
	var clients []*v1alpha1.OAuthClient
	var values []string
	BeforeEach(func() {
		as, ns = newServer(), newNamespace(nil)
		taken := brought(ns, "taken-over", v1alpha1.SecretKeyClientSecret, strongValue())
		vault := brought(ns, "vault", v1alpha1.SecretKeyClientSecret, strongValue())
		Expect(admin.Create(suiteCtx, taken)).To(Succeed())
		Expect(admin.Create(suiteCtx, vault)).To(Succeed())
		allow(ns, taken.Name)
		clients = []*v1alpha1.OAuthClient{
			readyClient(ns, as),
			readyClient(ns, as, wants("another-name")),
			readyClient(ns, as, func(c *v1alpha1.OAuthClient) { c.Spec.Secret.DeletionPolicy = v1alpha1.DeletionPolicyRetain }),
			readyClient(ns, as, templates(v1alpha1.SecretTemplate{Type: "Opaque", Data: texts{"env": "{{ .ClientSecret }}"}})),
			readyClient(ns, as, rotation30m),
			readyClient(ns, as, wants(taken.Name)),
			readyClient(ns, as, refers(vault.Name, "")),
			readyClient(ns, as, refers(vault.Name, "")), // and no more, below
		}
		change(clients[0], func(c *v1alpha1.OAuthClient) { c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "1"} })
		change(clients[len(clients)-1], func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Ref = nil })
		Eventually(func() *v1alpha1.RotationStatus { _ = conditions(clients[0]); return clients[0].Status.Rotation }).ShouldNot(BeNil())
		values = nil
		for _, c := range clients {
			Eventually(func() error { return complete(c) }).Should(Succeed())
			values = append(values, held(c))
		}
		allow(ns, "")
	})

	// emptied is the cluster after its loss, with what is left of it in a backup: the
	// manifests of the clients, and the Secrets.
	emptied := func(strip, withKey bool) (manifests, secrets backup) {
		GinkgoHelper()
		var owners, held []client.Object
		for _, c := range clients {
			owners, held = append(owners, c.DeepCopy()), append(held, secretOf(c))
		}
		held = append(held, brought(ns, "vault", "", ""))
		stopManager()
		manifests, secrets = backedUp(true, owners...), backedUp(strip, held...)
		gone(append(owners, held...)...)
		if !withKey {
			gone(verifierSecret())
		}
		return manifests, secrets
	}
	again := func(c *v1alpha1.OAuthClient) *v1alpha1.OAuthClient {
		again := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: c.Name}}
		_ = conditions(again)
		return again
	}
	// expectSame holds that a client has its client_id and its client secret, and
	// that nothing of it was replaced.
	expectSame := func(i int, replaced bool) {
		GinkgoHelper()
		by, before := fmt.Sprintf("client %d", i), clients[i]
		Eventually(func() string { return held(again(before)) }).Should(Equal(values[i]), by)
		Eventually(func() error { return complete(again(before)) }).Should(Succeed(), by)
		c := again(before)
		Expect(c.UID).NotTo(Equal(before.UID))
		Expect(c.Status.ClientID).To(Equal(before.Status.ClientID))
		Expect(acceptedAs(c, values[i])).To(HaveExactElements(v1alpha1.CredentialCurrent), by)
		Expect(c.Status.Credentials[0].ID).To(Equal(secretOf(c).Annotations[v1alpha1.AnnotationCredential]), by)
		if !replaced {
			Expect(c.Status.Credentials).To(HaveLen(1), by)
			Expect(c.Status.Credentials[0].ID).To(Equal(before.Status.Credentials[0].ID), by)
			Expect(c.Status.Rotation).To(Or(BeNil(), HaveField("LastAt", BeNil())), by)
		}
	}
	expectStill := func() {
		GinkgoHelper()
		all := func() (all [][]string) {
			for _, c := range clients {
				all = append(all, versions(again(c)))
			}
			return all
		}
		before := all()
		Consistently(all).Should(Equal(before))
	}

	DescribeTable("have the same client_ids and client secrets if their Secrets are there first", func(strip, withKey bool) {
		ring := verifierRing()
		manifests, secrets := emptied(strip, withKey)
		secrets.restore()
		stopManager = startManager()
		manifests.restore()
		a := authenticatorOf(as)
		for i, c := range clients {
			expectSame(i, false)
			Eventually(func() error { return authenticated(a, c, values[i]) }).Should(Succeed(), c.Name)
			Expect(authenticated(a, c, strongValue())).NotTo(Succeed())
		}
		if withKey {
			Expect(verifierRing()).To(Equal(ring))
		} else {
			Expect(verifierRing()).NotTo(Equal(ring))
		}
		expectStill()
	},
		Entry("with the verifier key", true, true),
		Entry("without the verifier key", true, false),
		Entry("with owners that are no more, before the garbage collector comes by", false, true),
		Entry("with owners that are no more, and without the verifier key", false, false),
	)

	DescribeTable("have the same client_ids and client secrets if they are there first, once their Secrets are", func(withKey bool) {
		manifests, secrets := emptied(true, withKey)
		stopManager = startManager()
		manifests.restore()
		const takenOver, refersTo = 5, 6
		for i, c := range clients {
			if i == refersTo {
				expectNot(again(c), v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonReferencedSecretNotFound)
				continue
			}
			Eventually(func() error { return complete(again(c)) }).Should(Succeed())
			Expect(held(again(c))).NotTo(Equal(values[i]), "nobody knows the old one yet")
		}
		// The type of a Secret cannot be changed: see the documentation.
		secrets = slices.Delete(secrets, takenOver, takenOver+1)
		secrets.restore()
		for i := range clients {
			if i != takenOver {
				expectSame(i, i != refersTo)
			}
		}
		expectStill()
	},
		Entry("with the verifier key", true),
		Entry("without the verifier key", false),
	)

	It("do not get a client secret back that was replaced, while that is known", func() {
		c := clients[0]
		secrets := backedUp(true, secretOf(c))
		change(c, func(c *v1alpha1.OAuthClient) { c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "leak"} })
		Eventually(func() string { return held(c) }).ShouldNot(Equal(values[0]))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		current := held(c)
		secrets.restore()
		Eventually(func() string { return held(c) }).ShouldNot(Equal(values[0]))
		Eventually(func() error { return complete(c) }).Should(Succeed())
		Expect(acceptedAs(c, values[0])).NotTo(ContainElement(v1alpha1.CredentialCurrent))
		Expect(acceptedAs(c, current)).NotTo(BeEmpty())
	})
})
