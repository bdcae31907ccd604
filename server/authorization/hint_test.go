package authorization_test

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// idToken returns an ID token of the client for the person, as the token endpoint
// makes it.
func (w *world) idToken(client, subject string) string {
	GinkgoHelper()
	settings := *w.Settings
	settings.IDTokenAlg = "ES256"
	token, err := accesstoken.IDToken{
		Client: w.Clients[client], Grant: grant.Grant{Subject: subject, SessionID: "s"},
		Person: &resourceowner.Person{Subject: subject}, Scope: oauth.Scope{"openid"},
	}.Sign(&settings, w.Keys.Load(), w.Now())
	Expect(err).NotTo(HaveOccurred())
	return token
}

// OpenID Connect Core §3.1.2.1.
var _ = Describe("id_token_hint", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser()
	})
	none := func(token string) answer {
		GinkgoHelper()
		return b.visit(request("prompt", "none", "id_token_hint", token))
	}

	It("of the person who is logged in changes nothing, also when it has expired", func() {
		w.code(b.Submit(b.signIn().visit(request()), "allow"))
		token := w.idToken(confidential, alice)
		w.code(none(token))
		w.Advance(time.Hour)
		w.code(none(token))
	})

	It("of another person is answered with login_required where no page may be shown", func() {
		w.code(b.Submit(b.signIn().visit(request()), "allow"))
		Expect(none(w.idToken(confidential, bob)).Query.Get("error")).To(Equal("login_required"))
		Expect(none(w.idToken(confidential, "gone")).Query.Get("error")).To(Equal("login_required"))
	})

	It("of another person has that one log in, and nobody else gets through", func() {
		w.code(b.Submit(b.signIn().visit(request()), "allow"))
		page := b.visit(request("id_token_hint", w.idToken(confidential, bob)))
		Expect(page.Attr("username", "value")).To(Equal("bob"))
		a := b.Login(page, "alice", "correct horse")
		Expect(a.Query.Get("error")).To(Equal("login_required"), "and not round in circles")
		Expect(a.Query.Has("code")).To(BeFalse())

		page = b.visit(request("id_token_hint", w.idToken(confidential, bob)))
		Expect(w.code(b.Submit(b.Login(page, "bob", "battery staple"), "allow")).Subject).To(Equal(bob))
	})

	It("that is tampered with, foreign or no ID token is refused", func() {
		b.signIn()
		good := w.idToken(confidential, alice)
		parts := strings.Split(good, ".")
		other := newWorld("")
		access, err := w.Keys.Load().Sign(keyring.UseSignES256, keys.TypeAccessToken, []byte(`{"iss":"`+w.Settings.Issuer+`","sub":"`+alice+`","aud":"`+confidential+`"}`), w.Now())
		Expect(err).NotTo(HaveOccurred())
		for name, token := range map[string]string{
			"no JWT":             "not.a.jwt",
			"changed":            parts[0] + "." + parts[1] + "x." + parts[2],
			"unsigned":           "eyJhbGciOiJub25lIn0." + parts[1] + ".",
			"another issuer's":   other.idToken(confidential, alice),
			"another client's":   w.idToken(several, alice),
			"an access token":    access,
			"signed by a string": "eyJhbGciOiJIUzI1NiJ9." + parts[1] + "." + parts[2],
		} {
			a := b.visit(request("id_token_hint", token))
			Expect(a.Query.Get("error")).To(Equal("invalid_request"), name)
			Expect(a.Query.Has("code")).To(BeFalse())
		}
		Expect(w.browser().visit(request("id_token_hint", "not.a.jwt")).ByID("login")).NotTo(BeNil(), "the login comes first")
	})

	It("of a pairwise client is understood, and gives no username away", func() {
		w.Change(confidential, func(c *registration.Client) {
			c.OpenID = registration.OpenID{SubjectType: oauth.SubjectTypePairwise, Sector: "shop.example"}
		})
		sub, err := accesstoken.Subject(w.Keys.Load(), w.Clients[confidential], alice)
		Expect(err).NotTo(HaveOccurred())
		Expect(sub).NotTo(ContainSubstring(alice))
		page := b.visit(request("id_token_hint", w.idToken(confidential, alice)))
		Expect(page.Attr("username", "value")).To(BeEmpty())
		w.code(b.Submit(b.Login(page, "alice", "correct horse"), "allow"))
		w.code(none(w.idToken(confidential, alice)))
		Expect(none(w.idToken(confidential, bob)).Query.Get("error")).To(Equal("login_required"))
	})
})

// OpenID Connect Registration §2.
var _ = Describe("default_max_age", func() {
	It("counts where a request has no max_age", func() {
		w := newWorld("")
		b := w.browser()
		w.code(b.Submit(b.signIn().visit(request()), "allow"))
		w.Change(confidential, func(c *registration.Client) {
			c.OpenID.HasDefaultMaxAge, c.OpenID.DefaultMaxAge = true, 10*time.Second
		})
		w.Advance(11 * time.Second)
		Expect(b.visit(request("prompt", "none")).Query.Get("error")).To(Equal("login_required"))
		w.code(b.visit(request("prompt", "none", "max_age", "11")))
		w.Change(confidential, func(c *registration.Client) { c.OpenID.DefaultMaxAge = 0 })
		Expect(b.visit(request()).ByID("login")).NotTo(BeNil(), "0 is a value")
	})
})
