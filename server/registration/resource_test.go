package registration_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("Resources", func() {
	as := people()
	as.Spec.Resources = []v1alpha1.Resource{
		{
			Identifier: "https://orders.example.com", DisplayName: "Orders", Scopes: []string{"orders:read"},
			ServedBy: []v1alpha1.OAuthClientReference{{Namespace: "shop", Name: "orders.api"}},
		},
		{Identifier: "urn:files"},
	}
	settings := registration.Settings(as)

	It("are compiled into the settings, those who serve them by their client_id", func() {
		Expect(settings.Resources).To(Equal([]issuer.Resource{
			{Identifier: "https://orders.example.com", Name: "Orders", Scope: oauth.Scope{"orders:read"}, ServedBy: []string{"shop.orders.api"}},
			{Identifier: "urn:files"},
		}))
	})

	It("are compiled into the clients that may ask for them; a client that asks for one that is gone is refused", func(ctx SpecContext) {
		cluster := registration.NewLagging(nil, time.Now)
		oac := web()
		oac.Spec.Resources = []string{"urn:files"}
		cluster.Learn(as.DeepCopy())
		cluster.Learn(oac)
		c, err := cluster.For("people").Lookup(ctx, "shop.web.app")
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Resources).To(Equal([]string{"urn:files"}))

		without := as.DeepCopy()
		without.Generation++
		without.Spec.Resources = without.Spec.Resources[:1]
		cluster.Learn(without)
		Expect(cluster.Serves("shop.web.app")).To(BeFalse())
	})

	It("are exchanged by the clients that a rule is for, from the moment that it is there", func(ctx SpecContext) {
		cluster := registration.NewLagging(nil, time.Now)
		oac := web()
		oac.Spec.GrantTypes = append(oac.Spec.GrantTypes, v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeTokenExchange)
		cluster.Learn(as.DeepCopy())
		cluster.Learn(oac)
		c, err := cluster.For("people").Lookup(ctx, "shop.web.app")
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Exchanges).To(BeEmpty())

		with := as.DeepCopy()
		with.Generation++
		with.Spec.TokenExchange = &v1alpha1.TokenExchange{Rules: []v1alpha1.TokenExchangeRule{{
			Name: "a", Clients: v1alpha1.TokenExchangeClients{Refs: []v1alpha1.OAuthClientReference{{Namespace: "shop", Name: "web.app"}}},
			From: []string{"https://orders.example.com"}, To: []string{"urn:files"}, Scopes: []string{"orders:read"},
		}}}
		cluster.Learn(with)
		c, err = cluster.For("people").Lookup(ctx, "shop.web.app")
		Expect(err).NotTo(HaveOccurred())
		rule := registration.Exchange{From: []string{"https://orders.example.com"}, To: []string{"urn:files"}, Scope: oauth.Scope{"orders:read"}}
		Expect(c.Exchanges).To(Equal([]registration.Exchange{rule}))
		Expect(c.Exchangeable([]string{"x", "https://orders.example.com"}, "urn:files")).To(Equal(c.Exchanges))
		Expect(c.Exchangeable([]string{"x"}, "urn:files")).To(BeEmpty())
		Expect(c.Exchangeable([]string{"https://orders.example.com"}, "x")).To(BeEmpty())
		Expect(c.Exchangeable(nil, "urn:files")).To(BeEmpty())
	})

	It("serve whom they name, and nobody else", func() {
		all := []string{"https://orders.example.com", "urn:files", "https://id.example.com", "urn:unknown"}
		Expect(settings.Served("shop.orders.api", all)).To(Equal(all[:1]))
		Expect(settings.Served("shop.web.app", all)).To(BeEmpty())
		Expect(settings.Served("", all)).To(BeEmpty())
	})

	It("understand what they say, or everything", func() {
		scope := oauth.Scope{"orders:write", "orders:read", "openid"}
		Expect(settings.Understood(scope, []string{"https://orders.example.com"})).To(Equal(oauth.Scope{"orders:read"}))
		Expect(settings.Understood(scope, []string{"https://orders.example.com", "urn:files"})).To(Equal(scope))
		Expect(settings.Understood(scope, []string{settings.Issuer})).To(Equal(scope))
		Expect(settings.Understood(scope, nil)).To(BeEmpty())
	})

	It("have words for people", func() {
		Expect(settings.DescribeResource("https://orders.example.com")).To(Equal("Orders"))
		Expect(settings.DescribeResource("urn:files")).To(Equal("urn:files"))
		Expect(settings.DescribeResource(settings.Issuer)).To(Equal(settings.SiteName()))
	})
})
