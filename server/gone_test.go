package server

import (
	"context"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/resourceowner"
)

// Tokens of who is gone by now, at each endpoint that takes them.
var _ = Describe("Refresh for a locked or deleted user or client", func() {
	// To the server a person who is locked and one who is deleted are the same: the
	// directory has neither (package resourceowner shows that for both).
	lose := map[string]func(*site){
		"user":           func(s *site) { s.person = nil },
		"user, remade":   func(s *site) { s.person = &resourceowner.Person{Subject: "ada-2", Username: "ada", LoginTag: "tag"} },
		"client deleted": func(s *site) { delete(s.clients, siteWeb) },
		"client refused": func(s *site) { s.refused[siteWeb] = true },
		"client remade": func(s *site) {
			again := *s.clients[siteWeb]
			again.UID, again.AuthMethod, again.Credentials = "uid of another", oauth.AuthMethodNone, nil
			s.clients[siteWeb] = &again
		},
	}
	ask := func(s *site, refresh string) reply {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
		if c := s.clients[siteWeb]; c != nil && c.Public() {
			form.Set("client_id", siteWeb)
			return s.send("POST", "/token", form.Encode())
		}
		return s.as(siteWeb, "/token", form)
	}
	active := func(s *site, token string) string {
		return s.as(siteAPI, "/introspect", url.Values{"token": {token}}).body
	}
	userinfo := func(s *site, token string) int {
		return s.send("GET", "/userinfo", "", "Authorization", "Bearer "+token).status
	}

	It("all of it is good before", func() {
		s := newSite(atRoot)
		access, refresh := s.tokens(siteWeb)
		Expect(active(s, access)).To(ContainSubstring(`"active":true`))
		Expect(userinfo(s, access)).To(Equal(200))
		Expect(ask(s, refresh).status).To(Equal(200))
	})

	for name, gone := range lose {
		It("gives nothing and moves nothing: "+name, func() {
			s := newSite(atRoot)
			access, refresh := s.tokens(siteWeb)
			token, err := grant.OpenRefreshToken(s.keys.Load(), refresh, s.options.Now())
			Expect(err).NotTo(HaveOccurred())
			gone(s)
			r := ask(s, refresh)
			Expect(r.status).To(BeElementOf(400, 401), r.body)
			Expect(r.body).To(Or(ContainSubstring(`"invalid_grant"`), ContainSubstring(`"invalid_client"`)))
			Expect(r.body).NotTo(ContainSubstring("token\":"))
			Expect(active(s, access)).To(Equal(`{"active":false}`))
			Expect(userinfo(s, access)).To(Equal(401))
			g, err := s.grants.Get(context.Background(), grant.Key{ClientID: siteWeb, ID: token.GrantID})
			Expect(err).NotTo(HaveOccurred())
			Expect(g.Generation).To(BeZero())
			Expect(g.Revoked).To(BeEmpty(), "who comes back has it back")
		})
	}
})
