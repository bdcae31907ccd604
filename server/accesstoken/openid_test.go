package accesstoken_test

import (
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

var _ = Describe("What a client's OpenID metadata changes", func() {
	settings := &issuer.Settings{Name: "main", Issuer: "https://auth.example.com", IDTokenAlg: "RS256"}
	client := func(sector string) *registration.Client {
		c := &registration.Client{ID: "team.web", Scope: oauth.Scope{"openid", "email"}, Lifetimes: issuer.Lifetimes{IDToken: time.Minute}}
		if sector != "" {
			c.OpenID.SubjectType, c.OpenID.Sector = oauth.SubjectTypePairwise, sector
		}
		return c
	}
	pairwiseSet := func() *keys.Set {
		GinkgoHelper()
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UsePairwise}, {Use: keyring.UseSignES256}}, now)
		Expect(err).NotTo(HaveOccurred())
		set, err := keys.Compile(ring)
		Expect(err).NotTo(HaveOccurred())
		return set
	}
	subject := func(set *keys.Set, sector, person string) string {
		GinkgoHelper()
		s, err := accesstoken.Subject(set, client(sector), person)
		Expect(err).NotTo(HaveOccurred())
		return s
	}

	It("OpenID Connect Core §8.1: a pairwise sub is the sector's, the person's and the issuer's, and always the same", func() {
		set := pairwiseSet()
		one := subject(set, "a.example", "ada-1")
		Expect(one).To(MatchRegexp(`^[A-Za-z0-9_-]{43}$`), "OpenID Connect Core §2: at most 255 ASCII characters")
		Expect(subject(set, "a.example", "ada-1")).To(Equal(one))
		Expect(subject(set, "b.example", "ada-1")).NotTo(Equal(one))
		Expect(subject(set, "a.example", "bob-2")).NotTo(Equal(one))
		Expect(subject(pairwiseSet(), "a.example", "ada-1")).NotTo(Equal(one))
		Expect(subject(set, "", "ada-1")).To(Equal("ada-1"))
		_, err := accesstoken.Subject(&keys.Set{}, client("a.example"), "ada-1")
		Expect(err).To(MatchError(keys.ErrNoKey))
	})

	It("OpenID Connect Core §8.1: the key of pairwise subs stays when all others are replaced", func() {
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UsePairwise}}, now)
		Expect(err).NotTo(HaveOccurred())
		later, changed, _, err := keyring.Rotate(ring, []keyring.Schedule{{Use: keyring.UsePairwise}}, now.AddDate(20, 0, 0))
		Expect(err).NotTo(HaveOccurred())
		Expect(changed).To(BeFalse())
		Expect(later).To(Equal(ring))
	})

	It("OpenID Connect Core §3.1.2.1: an ID token comes back as a hint, for its issuer and no other with the same keys", func() {
		set := pairwiseSet()
		es := *settings
		es.IDTokenAlg = "ES256"
		token, err := accesstoken.IDToken{Client: client(""), Grant: grant.Grant{Subject: "ada-1", SessionID: "s"}, Person: &resourceowner.Person{}}.Sign(&es, set, now)
		Expect(err).NotTo(HaveOccurred())
		Expect(accesstoken.ReadHint(settings, set, token, now.AddDate(1, 0, 0))).To(Equal(accesstoken.Hint{Subject: "ada-1", ClientID: "team.web", SessionID: "s"}))
		_, err = accesstoken.ReadHint(&issuer.Settings{Issuer: "https://other.example.com"}, set, token, now)
		Expect(err).To(MatchError(accesstoken.ErrHint))
	})

	It("Back-Channel Logout §2.6: a logout token is signed as the client's ID tokens are, with RS256 where nobody says", func() {
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseSignES256}, {Use: keyring.UseSignRS256}}, now)
		Expect(err).NotTo(HaveOccurred())
		set, err := keys.Compile(ring)
		Expect(err).NotTo(HaveOccurred())
		for _, c := range []struct {
			ofIssuer, ofClient string
			alg                jose.SignatureAlgorithm
		}{{"", "", jose.RS256}, {"ES256", "", jose.ES256}, {"RS256", "ES256", jose.ES256}, {"ES256", "RS256", jose.RS256}} {
			web := client("")
			web.OpenID.IDTokenAlg = c.ofClient
			token, err := accesstoken.LogoutToken{Client: web, Subject: "ada-1", SessionID: "s"}.Sign(&issuer.Settings{Issuer: settings.Issuer, IDTokenAlg: c.ofIssuer}, set, now)
			Expect(err).NotTo(HaveOccurred())
			header, _ := parse(set, token, c.alg)
			Expect(header.Algorithm).To(BeEquivalentTo(c.alg))
		}
	})

	It("OpenID Connect Core §2, §5.5: the ID token is signed by its algorithm, names its sub, and has what was asked for by name", func() {
		set, c := pairwiseSet(), client("a.example")
		c.OpenID.IDTokenAlg = "ES256"
		token, err := accesstoken.IDToken{
			Client: c, Scope: oauth.Scope{"openid"},
			Grant:  grant.Grant{Subject: "ada-1", Claims: oauth.Claims{"id_token:email", "id_token:groups", "userinfo:name"}},
			Person: &resourceowner.Person{Subject: "ada-1", Name: "Ada", Email: "ada@example.com", Groups: []string{"a"}},
		}.Sign(settings, set, now)
		Expect(err).NotTo(HaveOccurred())
		_, claims := parse(set, token, jose.ES256)
		Expect(claims["sub"]).To(Equal(subject(set, "a.example", "ada-1")))
		Expect(claims["email"]).To(Equal("ada@example.com"))
		Expect(claims).NotTo(HaveKey("groups"), "the client is not registered for it")
		Expect(claims).NotTo(HaveKey("name"), "that was for userinfo")
		Expect(claims).NotTo(HaveKey("acr"), "nothing is claimed that is not so")
	})
})
