package authorization_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

// OpenID Connect Core §5.5.
var _ = Describe("The parameter claims", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser().signIn()
	})

	It("asks for claims one by one, within what the client may ask for, and the person is told", func() {
		a := b.visit(request("claims", `{"id_token":{"email":{"essential":true,"purpose":"x"},"groups":null,"unknown":null},"userinfo":{"email":null,"email_verified":null},"other":{}}`))
		Expect(a.Text("scopes")).To(ContainSubstring("See your e-mail address"))
		c := w.code(b.Submit(a, "allow"))
		Expect(c.Claims).To(Equal(oauth.Claims{"id_token:email", "userinfo:email", "userinfo:email_verified"}))
		Expect(c.Scope).To(Equal(oauth.Scope{"openid"}), "and no scope more")
	})

	It("is not covered by a consent to less", func() {
		w.code(b.Submit(b.visit(request()), "allow"))
		Expect(b.visit(request("prompt", "none", "claims", `{"userinfo":{"email":null}}`)).Query.Get("error")).To(Equal("consent_required"))
		w.code(b.Submit(b.visit(request("scope", "openid email")), "allow"))
		w.code(b.visit(request("prompt", "none", "claims", `{"userinfo":{"email":null}}`)))
	})

	It("with a sub is a demand: nobody else is logged in (§3.1.2.1, §5.5.1)", func() {
		w.code(b.Submit(b.visit(request()), "allow"))
		none := func(claims string) answer { return b.visit(request("prompt", "none", "claims", claims)) }
		w.code(none(`{"id_token":{"sub":{"value":"` + alice + `"}}}`))
		w.code(none(`{"id_token":{"sub":{"values":["` + bob + `","` + alice + `"]}}}`))
		w.code(none(`{"id_token":{"sub":null}}`))
		Expect(none(`{"id_token":{"sub":{"value":"` + bob + `"}}}`).Query.Get("error")).To(Equal("login_required"))
		page := b.visit(request("claims", `{"userinfo":{"sub":{"value":"`+bob+`"}}}`))
		Expect(w.code(b.Submit(b.Login(page, "bob", "battery staple"), "allow")).Subject).To(Equal(bob))
	})

	It("with an essential acr cannot be met, and is told so; as a wish it is ignored (§5.5.1.1)", func() {
		for claims, code := range map[string]string{
			`{"id_token":{"acr":{"essential":true,"values":["urn:mace:incommon:iap:silver"]}}}`: "unmet_authentication_requirements",
			`{"id_token":{"acr":{"essential":true,"value":"1"}}}`:                               "unmet_authentication_requirements",
			`{"id_token":{"acr":{"values":["1"]}}}`:                                             "",
			`{"id_token":{"acr":{"essential":true}}}`:                                           "",
		} {
			Expect(b.visit(request("claims", claims)).Query.Get("error")).To(Equal(code), claims)
		}
		Expect(b.visit(request("acr_values", "1 2")).ByID("consent")).NotTo(BeNil())
	})

	It("that is no such object is invalid_request", func() {
		for _, claims := range []string{`{`, `[]`, `"x"`, `{"id_token":[]}`, `{"userinfo":{"email":true}}`, `{"id_token":{"sub":{"values":"x"}}}`} {
			Expect(b.visit(request("claims", claims)).Query.Get("error")).To(Equal("invalid_request"), claims)
		}
	})

	It("is ignored without openid", func() {
		c := w.code(b.Submit(b.visit(request("scope", "email", "claims", `{`)), "allow"))
		Expect(c.Claims).To(BeEmpty())
	})
})
