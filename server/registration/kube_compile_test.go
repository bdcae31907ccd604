package registration_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// people is an AuthorizationServer with a catalogue of its own.
func people() *v1alpha1.AuthorizationServer {
	return &v1alpha1.AuthorizationServer{
		ObjectMeta: metav1.ObjectMeta{Name: "people", UID: "1", Generation: 1},
		Spec: v1alpha1.AuthorizationServerSpec{
			Issuer: "https://id.example.com",
			Scopes: []v1alpha1.Scope{
				{Name: "openid", Default: true}, {Name: "orders:read", Default: true}, {Name: "orders:write"},
			},
		},
	}
}

// web is a confidential client of people that has its credentials.
func web() *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web.app", UID: "2"},
		Spec: v1alpha1.OAuthClientSpec{
			AuthorizationServerRef:  &v1alpha1.AuthorizationServerReference{Name: "people"},
			ClientName:              "The Shop",
			RedirectURIs:            []string{"https://shop.example.com/callback"},
			GrantTypes:              []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken},
			Scopes:                  []string{"orders:write", "openid"},
			TokenEndpointAuthMethod: v1alpha1.AuthMethodClientSecretPost,
		},
		Status: v1alpha1.OAuthClientStatus{
			Credentials: []v1alpha1.ClientCredential{{ID: "new", Verifier: "v1.key.sum"}, {ID: "old", Verifier: "v1.key.mus"}},
		},
	}
}

var _ = Describe("compiling a registration", func() {
	lookup := func(ctx SpecContext, as *v1alpha1.AuthorizationServer, oac *v1alpha1.OAuthClient) *registration.Client {
		GinkgoHelper()
		cluster := registration.NewLagging(nil, time.Now)
		cluster.Learn(as)
		cluster.Learn(oac)
		c, err := cluster.For(as.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
		Expect(err).NotTo(HaveOccurred())
		return c
	}

	It("carries over everything that the endpoints ask for", func(ctx SpecContext) {
		ends := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		oac := web()
		oac.Status.Credentials[1].ExpiresAt = &metav1.Time{Time: ends}
		oac.Spec.Lifetimes.AccessToken = &metav1.Duration{Duration: time.Hour}
		Expect(lookup(ctx, people(), oac)).To(Equal(&registration.Client{
			ID:            "shop.web.app",
			UID:           "2",
			Name:          "The Shop",
			AuthMethod:    oauth.AuthMethodPost,
			RedirectURIs:  []registration.RedirectURI{registration.CompileRedirectURI("https://shop.example.com/callback", false)},
			GrantTypes:    []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken},
			ResponseTypes: []string{oauth.ResponseTypeCode},
			Scope:         oauth.Scope{"orders:write", "openid"},
			DefaultScope:  oauth.Scope{"openid"},
			Lifetimes: issuer.Lifetimes{
				Code: time.Minute, DeviceCode: 10 * time.Minute, AccessToken: time.Hour, IDToken: 10 * time.Minute,
				Refresh: 720 * time.Hour, RefreshIdle: 168 * time.Hour, RefreshGrace: 30 * time.Second, Session: 12 * time.Hour,
			},
			Credentials: []registration.Credential{{ID: "new", Verifier: "v1.key.sum"}, {ID: "old", Verifier: "v1.key.mus", ExpiresAt: ends}},
		}))
	})

	It("takes the lifetimes of the issuer where the client asks for none, within the policy", func(ctx SpecContext) {
		as := people()
		as.Spec.Lifetimes.AccessToken = &metav1.Duration{Duration: 2 * time.Hour}
		Expect(lookup(ctx, as, web()).Lifetimes).To(Equal(registration.Settings(as).Lifetimes))

		as.Spec.Policy = &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{{
			Name: "all", MaxLifetimes: v1alpha1.ClientLifetimes{AccessToken: &metav1.Duration{Duration: time.Hour}},
		}}}
		Expect(lookup(ctx, as, web()).Lifetimes.AccessToken).To(Equal(time.Hour))
	})

	It("has the redirect URIs that others came to beside its own", func(ctx SpecContext) {
		oac := web()
		oac.Spec.RedirectURIsFrom = []v1alpha1.RedirectURISource{{Kind: v1alpha1.RedirectURISourceIngress, Name: "shop", Path: "/oauth"}}
		oac.Status.RedirectURIs = []string{"https://shop.example.org/oauth"}
		c := lookup(ctx, people(), oac)
		Expect(c.MatchRedirectURI("https://shop.example.com/callback")).To(BeTrue())
		Expect(c.MatchRedirectURI("https://shop.example.org/oauth")).To(BeTrue())
		Expect(c.MatchRedirectURI("https://shop.example.net/oauth")).To(BeFalse())
	})

	It("fills in what is left out, as the API says", func(ctx SpecContext) {
		oac := web()
		oac.Spec = v1alpha1.OAuthClientSpec{
			AuthorizationServerRef: oac.Spec.AuthorizationServerRef, RedirectURIs: oac.Spec.RedirectURIs,
		}
		c := lookup(ctx, people(), oac)
		Expect(c.Name).To(Equal("shop.web.app"), "people read the client_id")
		Expect(c.AuthMethod).To(Equal(oauth.AuthMethodBasic))
		Expect(c.GrantTypes).To(ConsistOf(oauth.GrantAuthorizationCode))
		Expect(c.ResponseTypes).To(ConsistOf(oauth.ResponseTypeCode))
		Expect(c.Scope).To(Equal(oauth.Scope{"openid", "orders:read"}))
		Expect(c.DefaultScope).To(Equal(c.Scope))
	})

	It("gives no default scope to a client that may ask for none of them", func(ctx SpecContext) {
		oac := web()
		oac.Spec.Scopes = []string{"orders:write"}
		Expect(lookup(ctx, people(), oac).DefaultScope).To(BeEmpty())
	})

	It("leaves the port of a loopback redirect URI open to public clients alone", func(ctx SpecContext) {
		oac := web()
		oac.Spec.RedirectURIs = []string{"http://127.0.0.1/callback"}
		Expect(lookup(ctx, people(), oac).MatchRedirectURI("http://127.0.0.1:4711/callback")).To(BeFalse())
		oac = web()
		oac.Spec.RedirectURIs = []string{"http://127.0.0.1/callback"}
		oac.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
		Expect(lookup(ctx, people(), oac).MatchRedirectURI("http://127.0.0.1:4711/callback")).To(BeTrue())
	})
})

var _ = Describe("the AuthorizationServer of a client", func() {
	var cluster *registration.Cluster
	BeforeEach(func() { cluster = registration.NewLagging(nil, time.Now) })
	learn := func(name string, created int64, isDefault bool) {
		as := people()
		as.Name, as.UID = name, types.UID(name)
		as.CreationTimestamp = metav1.Unix(created, 0)
		if isDefault {
			as.Annotations = map[string]string{v1alpha1.AnnotationDefault: "true", "other": "ballast"}
		}
		cluster.Learn(as)
	}

	It("serves the client, and no other knows it", func(ctx SpecContext) {
		learn("people", 1, false)
		learn("machines", 2, true)
		cluster.Learn(web())
		Expect(cluster.For("people").Lookup(ctx, "shop.web.app")).NotTo(BeNil())
		Expect(cluster.For("machines").Lookup(ctx, "shop.web.app")).Error().To(MatchError(registration.ErrUnknown))
		Expect(cluster.For("nobody").Lookup(ctx, "shop.web.app")).Error().To(MatchError(registration.ErrUnknown))
	})

	It("is the newest default where none is named, and stays what it was", func(ctx SpecContext) {
		learn("people", 1, false)
		learn("machines", 2, true)
		oac := web()
		oac.Spec.AuthorizationServerRef = nil
		cluster.Learn(oac)
		Expect(cluster.For("machines").Lookup(ctx, "shop.web.app")).NotTo(BeNil())

		registered := oac.DeepCopy()
		registered.Status.AuthorizationServer = "machines"
		cluster.Learn(registered)
		learn("newer", 3, true)
		Expect(cluster.For("machines").Lookup(ctx, "shop.web.app")).NotTo(BeNil())
		Expect(cluster.For("newer").Lookup(ctx, "shop.web.app")).Error().To(MatchError(registration.ErrUnknown))
	})
})

var _ = Describe("the settings of an issuer", func() {
	It("say everything that the resource says", func() {
		as := people()
		as.Spec.DisplayName = "Example"
		as.Spec.IDTokenSigningAlg = v1alpha1.SigningAlgES256
		as.Spec.Lifetimes.Session = &metav1.Duration{Duration: time.Hour}
		as.Spec.Scopes[2].Description = "Change your orders"
		s := registration.Settings(as)
		Expect(s.Name).To(Equal("people"))
		Expect(s.Issuer).To(Equal("https://id.example.com"))
		Expect(s.DisplayName).To(Equal("Example"))
		Expect(s.IDTokenAlg).To(Equal("ES256"))
		Expect(s.Lifetimes.Session).To(Equal(time.Hour))
		Expect(s.Catalogue).To(HaveLen(3))
		Expect(s.Catalogue[2]).To(Equal(issuer.Scope{Name: "orders:write", Description: "Change your orders"}))
		Expect(s.DefaultScope()).To(Equal(oauth.Scope{"openid", "orders:read"}))
	})

	It("leave nothing open that the resource leaves out", func() {
		s := registration.Settings(&v1alpha1.AuthorizationServer{
			ObjectMeta: metav1.ObjectMeta{Name: "people"},
			Spec:       v1alpha1.AuthorizationServerSpec{Issuer: "https://id.example.com"},
		})
		Expect(s.DisplayName).To(Equal("people"))
		Expect(s.IDTokenAlg).To(Equal("RS256"))
		Expect(s.Lifetimes).To(Equal(issuer.Lifetimes{
			Code: time.Minute, DeviceCode: 10 * time.Minute, AccessToken: 10 * time.Minute, IDToken: 10 * time.Minute,
			Refresh: 720 * time.Hour, RefreshIdle: 168 * time.Hour, RefreshGrace: 30 * time.Second, Session: 12 * time.Hour,
		}))
		Expect(s.DefaultScope()).To(Equal(oauth.Scope{"openid", "profile"}))
		Expect(s.Catalogue).To(HaveEach(HaveField("Description", Not(BeEmpty()))))
	})
})

var _ = Describe("the OpenID metadata of a client", func() {
	lookup := func(ctx SpecContext, as *v1alpha1.AuthorizationServer, oac *v1alpha1.OAuthClient) *registration.Client {
		GinkgoHelper()
		cluster := registration.NewLagging(nil, time.Now)
		cluster.Learn(as)
		cluster.Learn(oac)
		c, err := cluster.For(as.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
		Expect(err).NotTo(HaveOccurred())
		return c
	}

	It("is compiled as it was registered", func(ctx SpecContext) {
		oac := web()
		oac.Spec.OpenIDClientMetadata = v1alpha1.OpenIDClientMetadata{
			ClientURI: "https://shop.example.com", PolicyURI: "https://shop.example.com/p", TOSURI: "https://shop.example.com/t",
			SubjectType: v1alpha1.SubjectTypePairwise, IDTokenSignedResponseAlg: "ES256", UserinfoSignedResponseAlg: "RS256",
			DefaultMaxAge: &metav1.Duration{}, PostLogoutRedirectURIs: []string{"https://shop.example.com/bye"},
			BackchannelLogoutURI: "https://shop.example.com/out", BackchannelLogoutSessionRequired: true,
		}
		c := lookup(ctx, people(), oac)
		Expect(c.OpenID).To(Equal(registration.OpenID{
			ClientURI: "https://shop.example.com", PolicyURI: "https://shop.example.com/p", TOSURI: "https://shop.example.com/t",
			SubjectType: "pairwise", Sector: "shop.example.com", IDTokenAlg: "ES256", UserinfoAlg: "RS256",
			HasDefaultMaxAge: true, PostLogoutRedirectURIs: []string{"https://shop.example.com/bye"},
			BackchannelLogoutURI: "https://shop.example.com/out", BackchannelLogoutSessionRequired: true,
		}))
		Expect(c.Pairwise()).To(BeTrue())
		Expect(c.MatchPostLogoutRedirectURI("https://shop.example.com/bye")).To(BeTrue())
		Expect(c.MatchPostLogoutRedirectURI("https://shop.example.com/bye/")).To(BeFalse())
		Expect(lookup(ctx, people(), web()).OpenID).To(BeZero())
	})
})
