package controllers

import (
	"fmt"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

var serial atomic.Int64

// unique returns a name that no other spec has.
func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, serial.Add(1)) }

// newNamespace makes a namespace for one spec. Its clients go with the spec: every
// controller that starts later would look at them again.
func newNamespace(labels map[string]string) string {
	GinkgoHelper()
	name := unique("team")
	Expect(admin.Create(suiteCtx, namespace(name, labels))).To(Succeed())
	DeferCleanup(func() {
		Expect(admin.DeleteAllOf(suiteCtx, &v1alpha1.OAuthClient{}, client.InNamespace(name))).To(Succeed())
	})
	return name
}

// server returns an AuthorizationServer with an issuer of its own.
func server(change ...func(*v1alpha1.AuthorizationServer)) *v1alpha1.AuthorizationServer {
	as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Name: unique("issuer")}}
	as.Spec.Issuer = "https://" + as.Name + ".example.com"
	for _, c := range change {
		c(as)
	}
	return as
}

func newServer(change ...func(*v1alpha1.AuthorizationServer)) *v1alpha1.AuthorizationServer {
	GinkgoHelper()
	as := server(change...)
	Expect(admin.Create(suiteCtx, as)).To(Succeed())
	DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(suiteCtx, as))).To(Succeed()) })
	expectReady(as)
	return as
}

// oauthClient returns a client of the AuthorizationServer.
func oauthClient(ns string, as *v1alpha1.AuthorizationServer, change ...func(*v1alpha1.OAuthClient)) *v1alpha1.OAuthClient {
	c := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: unique("web")}}
	c.Spec.RedirectURIs = []string{"https://web.example.com/callback"}
	if as != nil {
		c.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: as.Name}
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func newClient(ns string, as *v1alpha1.AuthorizationServer, change ...func(*v1alpha1.OAuthClient)) *v1alpha1.OAuthClient {
	GinkgoHelper()
	c := oauthClient(ns, as, change...)
	Expect(admin.Create(suiteCtx, c)).To(Succeed())
	return c
}

func readyClient(ns string, as *v1alpha1.AuthorizationServer, change ...func(*v1alpha1.OAuthClient)) *v1alpha1.OAuthClient {
	GinkgoHelper()
	c := newClient(ns, as, change...)
	expectReady(c)
	return c
}

// conditions reads the object and returns its conditions, without those that
// speak of an earlier generation.
func conditions(o client.Object) []metav1.Condition {
	if err := admin.Get(suiteCtx, client.ObjectKeyFromObject(o), o); err != nil {
		return nil
	}
	var all, current []metav1.Condition
	switch o := o.(type) {
	case *v1alpha1.OAuthClient:
		all = o.Status.Conditions
	case *v1alpha1.AuthorizationServer:
		all = o.Status.Conditions
	case *v1alpha1.OAuthUser:
		all = o.Status.Conditions
	}
	for _, c := range all {
		if c.ObservedGeneration == o.GetGeneration() {
			current = append(current, c)
		}
	}
	return current
}

// expectReady waits until the object is Ready, and leaves its state in o.
func expectReady(o client.Object) {
	GinkgoHelper()
	Eventually(func() bool { return meta.IsStatusConditionTrue(conditions(o), v1alpha1.ConditionReady) }).
		Should(BeTrue(), func() string { return fmt.Sprintf("Ready of %s: %+v", o.GetName(), conditions(o)) })
}

// expectNot waits until a condition is False for the reason, and returns what it
// says.
func expectNot(o client.Object, condition, reason string) string {
	GinkgoHelper()
	var found *metav1.Condition
	Eventually(func() string {
		found = meta.FindStatusCondition(conditions(o), condition)
		if found == nil || found.Status != metav1.ConditionFalse {
			return ""
		}
		return found.Reason
	}).Should(Equal(reason), func() string { return fmt.Sprintf("%+v", conditions(o)) })
	ready := meta.FindStatusCondition(conditions(o), v1alpha1.ConditionReady)
	Expect(ready).NotTo(BeNil())
	Expect(ready.Status).To(Equal(metav1.ConditionFalse))
	return found.Message
}

// secretOf reads the Secret of a client, which may not be there.
func secretOf(c *v1alpha1.OAuthClient) *corev1.Secret {
	s := &corev1.Secret{}
	if err := admin.Get(suiteCtx, client.ObjectKey{Namespace: c.Namespace, Name: c.SecretName()}, s); err != nil {
		return nil
	}
	if value := string(s.Data[v1alpha1.SecretKeyClientSecret]); wellFormed(value) {
		issued.add(value)
	}
	return s
}

func verifierRing() keyring.Ring {
	s := &corev1.Secret{}
	if err := admin.Get(suiteCtx, client.ObjectKey{Namespace: operatorNS, Name: keyring.VerifierSecret}, s); err != nil {
		return keyring.Ring{}
	}
	ring, err := keyring.Decode(s.Data[keyring.DataKey])
	if err != nil {
		return keyring.Ring{}
	}
	return ring
}

// complete reports what the client's Secret and status lack, as the server and a
// workload would find out: the secret authenticates the client.
func complete(c *v1alpha1.OAuthClient) error {
	if !meta.IsStatusConditionTrue(conditions(c), v1alpha1.ConditionReady) {
		return fmt.Errorf("not ready: %+v", c.Status.Conditions)
	}
	s := secretOf(c)
	switch {
	case s == nil:
		return fmt.Errorf("there is no Secret %s", c.SecretName())
	case metav1.IsControlledBy(s, c) == c.RetainsSecret():
		return fmt.Errorf("the Secret is not owned")
	case c.Spec.Secret.Template == nil && string(s.Data[v1alpha1.SecretKeyClientID]) != c.Namespace+"."+c.Name, c.Status.ClientID != c.Namespace+"."+c.Name:
		return fmt.Errorf("the client_id is wrong")
	case c.Status.Binding == nil || c.Status.Binding.Name != s.Name:
		return fmt.Errorf("the binding is wrong")
	case len(c.Status.Credentials) == 0 || c.Status.Credentials[0].State != v1alpha1.CredentialCurrent:
		return fmt.Errorf("no current credential")
	}
	for _, other := range c.Status.Credentials[1:] {
		if other.State != v1alpha1.CredentialRetiring || other.ExpiresAt == nil {
			return fmt.Errorf("the credential %s is %s", other.ID, other.State)
		}
	}
	published := c.Status.Credentials[0]
	if s.Annotations[v1alpha1.AnnotationCredential] != published.ID {
		return fmt.Errorf("the Secret holds another credential")
	}
	keyID, err := credential.KeyID(published.Verifier)
	if err != nil {
		return err
	}
	key, ok := verifierRing().Find(keyring.UseVerifier, keyID, metav1.Now().Time)
	if !ok {
		return fmt.Errorf("the key of the verifier is gone")
	}
	subject := credential.Subject{ClientUID: string(c.UID), CredentialID: published.ID}
	if !credential.Matches(published.Verifier, key.Material, subject, string(s.Data[v1alpha1.SecretKeyClientSecret])) {
		return fmt.Errorf("the secret does not authenticate the client")
	}
	return nil
}

// change edits the object as it is now.
func change[T client.Object](o T, edit func(T)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := admin.Get(suiteCtx, client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		edit(o)
		return admin.Update(suiteCtx, o)
	}).Should(Succeed())
}

// versions returns the resourceVersions of a client and its Secret.
func versions(c *v1alpha1.OAuthClient) []string {
	_ = conditions(c)
	s := secretOf(c)
	if s == nil {
		return []string{c.ResourceVersion, ""}
	}
	return []string{c.ResourceVersion, s.ResourceVersion}
}
