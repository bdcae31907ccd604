package main_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/installation"
	"oauth-operator.dev/hack/person"
)

// The person of the suite.
const (
	alice    = "alice"
	password = "correct horse battery staple"
)

// applyIssuer makes the issuer and the person that the suite uses.
func applyIssuer(ctx context.Context) {
	hash, err := passwordhash.Generate(password)
	Expect(err).NotTo(HaveOccurred())
	seen.add(password, hash)
	for _, object := range []client.Object{
		&v1alpha1.AuthorizationServer{
			ObjectMeta: metav1.ObjectMeta{Name: "main", Annotations: map[string]string{v1alpha1.AnnotationDefault: "true"}},
			Spec: v1alpha1.AuthorizationServerSpec{
				Issuer: issuer,
				Scopes: []v1alpha1.Scope{
					{Name: "openid", Default: true},
					{Name: "profile", Description: "See your name"},
					{Name: "email", Description: "See your email address"},
					{Name: "groups", Description: "See your groups"},
					{Name: "orders", Description: "Read your orders", Default: true},
				},
				Policy: &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{
					{Name: "teams", NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"team": "true"}}},
				}},
			},
		},
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: installation.Namespace, Name: "alice-password"},
			StringData: map[string]string{"password-hash": hash},
		},
		&v1alpha1.OAuthUser{
			ObjectMeta: metav1.ObjectMeta{Name: alice},
			Spec: v1alpha1.OAuthUserSpec{
				Username: alice, Name: "Alice Liddell", Email: "alice@example.com", Groups: []string{"readers"},
				PasswordSecretRef: v1alpha1.SecretKeyReference{Name: "alice-password", Key: "password-hash"},
			},
		},
	} {
		err := k8s.Create(ctx, object)
		if wanted, ok := object.(*v1alpha1.AuthorizationServer); ok && apierrors.IsAlreadyExists(err) {
			// The controller was told of it: what it was not told is set here.
			edit(ctx, &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Name: wanted.Name}},
				func(as *v1alpha1.AuthorizationServer) { as.Spec = wanted.Spec })
			continue
		}
		Expect(err).NotTo(HaveOccurred())
	}
	for _, object := range []client.Object{
		&v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Name: "main"}},
		&v1alpha1.OAuthUser{ObjectMeta: metav1.ObjectMeta{Name: alice}},
	} {
		eventuallyReady(ctx, object)
	}
}

// conditions returns the conditions of any of our kinds.
func conditions(object client.Object) []metav1.Condition {
	switch o := object.(type) {
	case *v1alpha1.OAuthClient:
		return o.Status.Conditions
	case *v1alpha1.AuthorizationServer:
		return o.Status.Conditions
	case *v1alpha1.OAuthUser:
		return o.Status.Conditions
	}
	return nil
}

func eventuallyReady(ctx context.Context, object client.Object) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
		ready := apimeta.FindStatusCondition(conditions(object), v1alpha1.ConditionReady)
		g.Expect(ready).NotTo(BeNil())
		g.Expect(string(ready.Status)).To(Equal("True"), ready.Message)
	}).WithContext(ctx).Should(Succeed())
}

var namespaces int

// newNamespace makes a namespace that the policy lets register clients.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespaces++
	name := fmt.Sprintf("team-%d", namespaces)
	Expect(k8s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"team": "true"},
	}})).To(Succeed())
	return name
}

const callback = "https://webapp.example.com/callback"

// workload is a client as its workload knows it: by the keys of its Secret.
type workload struct {
	object *v1alpha1.OAuthClient
	secret map[string]string
	oauth  oauth2.Config
	oidc   *oidc.Provider
}

// newClient applies an OAuthClient, waits until it is Ready and reads its Secret.
func newClient(ctx context.Context, namespace string, edit func(*v1alpha1.OAuthClientSpec)) *workload {
	GinkgoHelper()
	object := &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "webapp"},
		Spec: v1alpha1.OAuthClientSpec{
			ClientName:   "The web app",
			RedirectURIs: []string{callback},
			GrantTypes:   []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken},
			Scopes:       []string{"openid", "profile", "email", "groups", "orders"},
		},
	}
	if edit != nil {
		edit(&object.Spec)
	}
	Expect(k8s.Create(ctx, object)).To(Succeed())
	eventuallyReady(ctx, object)
	w := &workload{object: object}
	w.mount(ctx)
	return w
}

// mount reads the Secret as it is mounted into the workload.
func (w *workload) mount(ctx context.Context) {
	GinkgoHelper()
	var secret corev1.Secret
	key := types.NamespacedName{Namespace: w.object.Namespace, Name: w.object.Status.Binding.Name}
	Expect(k8s.Get(ctx, key, &secret)).To(Succeed())
	w.secret = map[string]string{}
	for name, value := range secret.Data {
		w.secret[name] = string(value)
	}
	seen.add(w.secret[v1alpha1.SecretKeyClientSecret])

	provider, err := oidc.NewProvider(spied(ctx), w.secret[v1alpha1.SecretKeyIssuerURI])
	Expect(err).NotTo(HaveOccurred())
	w.oidc = provider
	w.oauth = oauth2.Config{
		ClientID:     w.secret[v1alpha1.SecretKeyClientID],
		ClientSecret: w.secret[v1alpha1.SecretKeyClientSecret],
		Endpoint:     provider.Endpoint(),
		RedirectURL:  callback,
		Scopes:       strings.Fields(w.secret[v1alpha1.SecretKeyScopes]),
	}
	if w.secret[v1alpha1.SecretKeyClientSecret] == "" {
		w.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
}

// atCallback stops the browser before it leaves for the client.
func atCallback(u *url.URL) bool { return strings.HasPrefix(u.String(), callback) }

// newPerson returns alice with a fresh browser.
func newPerson() *person.Person {
	GinkgoHelper()
	p, err := person.New(alice, password, &spy{})
	Expect(err).NotTo(HaveOccurred())
	return p
}

// login has the person log in and returns what the client gets at its callback.
func (w *workload) login(ctx context.Context, p *person.Person, options ...oauth2.AuthCodeOption) url.Values {
	GinkgoHelper()
	page, err := p.Visit(ctx, w.oauth.AuthCodeURL("the state", options...), atCallback)
	Expect(err).NotTo(HaveOccurred())
	Expect(page.Location).NotTo(BeNil(), "there is a page instead of a redirect: %d %s", page.Status, page.Body)
	return page.Location.Query()
}

// tokens walks the whole code grant.
func (w *workload) tokens(ctx context.Context, p *person.Person) *oauth2.Token {
	GinkgoHelper()
	verifier := oauth2.GenerateVerifier()
	back := w.login(ctx, p, oauth2.S256ChallengeOption(verifier), oidc.Nonce("n-0S6_WzA2Mj"))
	Expect(back.Get("error")).To(BeEmpty())
	token, err := w.oauth.Exchange(spied(ctx), back.Get("code"), oauth2.VerifierOption(verifier))
	Expect(err).NotTo(HaveOccurred())
	return token
}

func (w *workload) refresh(ctx context.Context, refreshToken string) (*oauth2.Token, error) {
	return w.oauth.TokenSource(spied(ctx), &oauth2.Token{RefreshToken: refreshToken}).Token()
}

// secrets are what must not be in a log.
type secrets struct {
	mutex  sync.Mutex
	values map[string]bool
}

// shortest is the shortest value that counts: what is shorter may be in a log by
// accident.
const shortest = 12

func (s *secrets) add(values ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.values == nil {
		s.values = map[string]bool{}
	}
	for _, value := range values {
		if len(value) >= shortest {
			s.values[value] = true
		}
	}
}

func (s *secrets) all() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Collect(maps.Keys(s.values))
}

// spied has the clients of others use the spy.
func spied(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{Transport: &spy{}})
}
