package v1alpha1_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

var _ = Describe("Catalogue", func() {
	It("is the built-in one where there is none", func() {
		var as v1alpha1.AuthorizationServer
		var names, defaults []string
		for _, s := range as.Catalogue() {
			names = append(names, s.Name)
			Expect(s.Description).NotTo(BeEmpty())
			if s.Default {
				defaults = append(defaults, s.Name)
			}
		}
		Expect(names).To(Equal([]string{"openid", "profile", "email", "groups"}))
		Expect(defaults).To(Equal([]string{"openid", "profile"}))
	})

	It("is its own otherwise, with words for the names that have some", func() {
		var as v1alpha1.AuthorizationServer
		as.Spec.Scopes = []v1alpha1.Scope{{Name: "email"}, {Name: "openid", Description: "Mine"}, {Name: "calendar", Default: true}}
		Expect(as.Catalogue()).To(Equal([]v1alpha1.Scope{
			{Name: "email", Description: "Read your email address"}, {Name: "openid", Description: "Mine"}, {Name: "calendar", Default: true},
		}))
		Expect(as.Spec.Scopes[0].Description).To(BeEmpty(), "the object itself is not changed")
	})
})

var _ = Describe("Effective", func() {
	It("has a default for every lifetime, within the bounds", func() {
		var none v1alpha1.Lifetimes
		Expect(none.Effective()).To(Equal(v1alpha1.EffectiveLifetimes{
			Code: time.Minute, DeviceCode: 10 * time.Minute, AccessToken: 10 * time.Minute, IDToken: 10 * time.Minute, Refresh: 720 * time.Hour,
			RefreshIdle: 168 * time.Hour, RefreshGrace: 30 * time.Second, Session: 12 * time.Hour,
		}))
		e, as := none.Effective(), v1alpha1.AuthorizationServer{}
		d := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
		as.Spec.Issuer = "https://id.example.com"
		as.Spec.Lifetimes = v1alpha1.Lifetimes{
			AuthorizationCode: d(e.Code), DeviceCode: d(e.DeviceCode), AccessToken: d(e.AccessToken), IDToken: d(e.IDToken), RefreshToken: d(e.Refresh),
			RefreshTokenIdle: d(e.RefreshIdle), RefreshTokenGrace: d(e.RefreshGrace), Session: d(e.Session),
		}
		Expect(validation.AuthorizationServer(&as)).To(BeEmpty())
		Expect(as.Spec.Lifetimes.Effective()).To(Equal(e))
	})

	It("takes each lifetime from its own field", func() {
		d := func(n int) *metav1.Duration { return &metav1.Duration{Duration: time.Duration(n) * time.Second} }
		l := v1alpha1.Lifetimes{
			AuthorizationCode: d(1), AccessToken: d(2), IDToken: d(3), RefreshToken: d(40), RefreshTokenIdle: d(5), RefreshTokenGrace: d(0), Session: d(7),
			DeviceCode: d(80),
		}
		Expect(l.Effective()).To(Equal(v1alpha1.EffectiveLifetimes{
			Code: time.Second, DeviceCode: 80 * time.Second, AccessToken: 2 * time.Second, IDToken: 3 * time.Second, Refresh: 40 * time.Second,
			RefreshIdle: 5 * time.Second, RefreshGrace: 0, Session: 7 * time.Second,
		}))
	})

	It("lets no grant be idle longer than it lasts", func() {
		l := v1alpha1.Lifetimes{RefreshToken: &metav1.Duration{Duration: time.Hour}}
		Expect(l.Effective().RefreshIdle).To(Equal(time.Hour))
	})
})

var _ = Describe("an OAuthClient that has bypassed the defaults", func() {
	It("means what the defaults say", func() {
		var as v1alpha1.AuthorizationServer
		var c v1alpha1.OAuthClient
		Expect(c.EffectiveGrantTypes()).To(Equal([]v1alpha1.GrantType{"authorization_code"}))
		Expect(c.EffectiveResponseTypes()).To(Equal([]v1alpha1.ResponseType{"code"}))
		Expect(c.EffectiveAuthMethod()).To(Equal(v1alpha1.AuthMethodClientSecretBasic))
		Expect(c.EffectiveScopes(as.Catalogue())).To(Equal([]string{"openid", "profile"}))
	})

	It("keeps what it says", func() {
		var as v1alpha1.AuthorizationServer
		c := v1alpha1.OAuthClient{Spec: v1alpha1.OAuthClientSpec{
			GrantTypes: []v1alpha1.GrantType{"client_credentials"}, Scopes: []string{"email"}, TokenEndpointAuthMethod: "client_secret_post",
		}}
		Expect(c.EffectiveGrantTypes()).To(Equal(c.Spec.GrantTypes))
		Expect(c.EffectiveResponseTypes()).To(BeEmpty())
		Expect(c.EffectiveAuthMethod()).To(Equal(v1alpha1.AuthMethodClientSecretPost))
		Expect(c.EffectiveScopes(as.Catalogue())).To(Equal([]string{"email"}))
	})
})

var _ = Describe("ClientID", func() {
	It("is unique in the cluster, because a namespace holds no dot", func() {
		Expect(v1alpha1.ClientID("demo", "web.app")).To(Equal("demo.web.app"))
	})
})
