package token_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

const (
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccess    = "urn:ietf:params:oauth:token-type:access_token"
	typeJWT       = "urn:ietf:params:oauth:token-type:jwt"

	orders = "https://orders.example.com" // team.orders serves it
	stock  = "https://stock.example.com"  // team.stock serves it
)

var _ = Describe("Token exchange", func() {
	var (
		w     *world
		steps []string // of the store
	)
	BeforeEach(func() {
		w = newWorld()
		for _, id := range []string{"team.orders", "team.stock"} {
			w.register(id, oauth.AuthMethodBasic, oauth.GrantTokenExchange)
		}
		w.Settings.Resources = []issuer.Resource{
			{Identifier: orders, ServedBy: []string{"team.orders"}, Scope: oauth.Scope{"read", "write", "openid"}},
			{Identifier: stock, ServedBy: []string{"team.stock"}, Scope: oauth.Scope{"read", "write", "stock:read"}},
		}
		for _, c := range w.Clients {
			c.Resources = []string{orders, stock}
		}
		w.Clients["team.orders"].Exchanges = []registration.Exchange{{
			From: []string{orders}, To: []string{stock}, Scope: oauth.Scope{"read", "openid"}, Additional: oauth.Scope{"stock:read"},
		}}
		w.Clients["team.stock"].Exchanges = []registration.Exchange{
			{From: []string{stock}, To: []string{orders, stock}, Scope: oauth.Scope{"read"}},
		}
		steps = nil
		w.Grants.Before = func(step string) error { steps = append(steps, step); return nil }
	})

	read := func(token string) accesstoken.Claims {
		GinkgoHelper()
		claims, err := accesstoken.Read(w.Settings, w.Keys.Load(), token, w.Now())
		Expect(err).NotTo(HaveOccurred())
		return claims
	}
	// subjectOf returns an access token of a person for resources.
	subjectOf := func(clientID string, resources ...string) string {
		GinkgoHelper()
		a := w.redeem(clientID, w.code(clientID, func(c *grant.Code) { c.Resources = resources }))
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		steps = nil
		return a.Text("access_token")
	}
	form := func(subject string, change ...string) url.Values {
		f := pairs("grant_type", tokenExchange, "subject_token", subject, "subject_token_type", typeAccess, "resource", stock)
		for i := 0; i < len(change); i += 2 {
			f.Del(change[i])
			if change[i+1] != "" {
				f.Set(change[i], change[i+1])
			}
		}
		return f
	}
	swap := func(clientID, subject string, change ...string) answer {
		return w.post(clientID, form(subject, change...))
	}
	sign := func(claims accesstoken.Claims) string {
		GinkgoHelper()
		token, err := claims.Sign(w.Keys.Load(), w.Now())
		Expect(err).NotTo(HaveOccurred())
		return token
	}

	It("RFC 8693 §2.2.1: gives who serves the resource a token for another, and no refresh token", func() {
		old := subjectOf("team.web", orders)
		a := swap("team.orders", old)
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
		Expect(a.Body).To(HaveLen(5), a.Raw)
		Expect(a.Text("issued_token_type")).To(Equal(typeAccess))
		Expect(a.Text("token_type")).To(Equal("Bearer"))
		Expect(a.Text("scope")).To(Equal("read stock:read"))
		was, is := read(old), read(a.Text("access_token"))
		Expect(is.Audience).To(BeEquivalentTo([]string{stock}))
		Expect(is.Subject).To(Equal(subject))
		Expect(is.ClientID).To(Equal("team.orders"))
		Expect(is.GrantID).To(Equal(was.GrantID))
		Expect(is.OriginID).To(Equal("team.web"))
		Expect(is.ID).NotTo(Equal(was.ID))
		Expect(is.AuthTime).To(Equal(was.AuthTime))
		Expect(is.Act).To(Equal(&accesstoken.Actor{Subject: "team.orders"}))
		Expect(payloadOf(a)).NotTo(ContainSubstring("may_act"))
		Expect(steps).To(Equal([]string{"get"}), "nothing is written")
		Expect(w.Log.String()).NotTo(ContainSubstring(old))
	})

	It("RFC 8693 §3: takes and gives what is called a JWT as such", func() {
		a := swap("team.orders", subjectOf("team.web", orders), "subject_token_type", typeJWT, "requested_token_type", typeJWT)
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Text("issued_token_type")).To(Equal(typeJWT))
	})

	It("RFC 8693 §2.1: knows the target by resource and by audience, and one that is named twice is one", func() {
		old := subjectOf("team.web", orders)
		Expect(swap("team.orders", old, "resource", "", "audience", stock).Status).To(Equal(http.StatusOK))
		f := form(old)
		f["audience"], f["resource"] = []string{stock, stock}, []string{stock, stock}
		Expect(w.post("team.orders", f).Status).To(Equal(http.StatusOK))
	})

	It("RFC 8693 §4.1: puts who acts before those who did, and ends that after four", func() {
		token := subjectOf("team.web", orders)
		a := swap("team.orders", token)
		a = swap("team.stock", a.Text("access_token"), "resource", orders)
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(payloadOf(a)).To(ContainSubstring(`"act":{"sub":"team.stock","act":{"sub":"team.orders"}}`))
		Expect(read(a.Text("access_token")).OriginID).To(Equal("team.web"))
		a = swap("team.orders", a.Text("access_token"))
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		a = swap("team.stock", a.Text("access_token"), "resource", orders)
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(read(a.Text("access_token")).Act.Depth()).To(Equal(accesstoken.MaxActors))
		expectError(swap("team.orders", a.Text("access_token")), http.StatusBadRequest, "invalid_request")
	})

	It("gives no token that is good for longer than the one that it was exchanged for", func() {
		old := subjectOf("team.web", orders)
		w.Clients["team.orders"].Lifetimes.AccessToken = time.Hour
		w.Advance(4 * time.Minute)
		a := swap("team.orders", old)
		Expect(read(a.Text("access_token")).ExpiresAt).To(Equal(read(old).ExpiresAt))
		Expect(a.Body["expires_in"]).To(BeNumerically("==", 360))
		w.Clients["team.orders"].Lifetimes.AccessToken = time.Minute
		Expect(swap("team.orders", old).Body["expires_in"]).To(BeNumerically("==", 60))
	})

	It("knows the person as the client that gets the token does", func() {
		w.Clients["team.orders"].OpenID = registration.OpenID{SubjectType: oauth.SubjectTypePairwise, Sector: "orders.example.com"}
		old := subjectOf("team.web", orders)
		a := swap("team.orders", old)
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		want, err := accesstoken.Subject(w.Keys.Load(), w.Clients["team.orders"], subject)
		Expect(err).NotTo(HaveOccurred())
		Expect(read(a.Text("access_token")).Subject).To(And(Equal(want), Not(Equal(subject))))
		a = swap("team.stock", a.Text("access_token"), "resource", orders)
		Expect(read(a.Text("access_token")).Subject).To(Equal(subject), "and from there back")
	})

	It("exchanges a client's own token too, and one of a client for itself", func() {
		own := w.Clients["team.web"]
		own.GrantTypes = append(own.GrantTypes, oauth.GrantTokenExchange)
		own.Exchanges = []registration.Exchange{{From: []string{w.Settings.Issuer}, To: []string{stock}, Scope: oauth.Scope{"read"}}}
		a := swap("team.web", subjectOf("team.web"))
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(read(a.Text("access_token")).OriginID).To(Equal("team.web"))

		a = w.post("team.job", pairs("grant_type", "client_credentials", "scope", "read write", "resource", orders))
		a = swap("team.orders", a.Text("access_token"))
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		claims := read(a.Text("access_token"))
		Expect(claims.Subject).To(Equal("team.job"))
		Expect(claims.ClientID).To(Equal("team.orders"))
		Expect(claims.GrantID).To(BeEmpty())
		Expect(claims.Scope).To(Equal("read stock:read"))
		a = swap("team.stock", a.Text("access_token"), "resource", orders)
		Expect(read(a.Text("access_token")).Subject).To(Equal("team.job"))
		delete(w.Clients, "team.job")
		expectError(swap("team.orders", a.Text("access_token")), http.StatusBadRequest, "invalid_request")
	})

	It("RFC 6749 §5.2: unauthorized_client without the grant type, and for a public client", func() {
		old := subjectOf("team.web", orders)
		expectError(swap("team.job", old), http.StatusBadRequest, "unauthorized_client")
		w.register("team.open", oauth.AuthMethodNone, oauth.GrantTokenExchange)
		w.Clients["team.open"].Exchanges = w.Clients["team.orders"].Exchanges
		w.Settings.Resources[0].ServedBy = append(w.Settings.Resources[0].ServedBy, "team.open")
		expectError(swap("team.open", old), http.StatusBadRequest, "unauthorized_client")
		expectError(w.do(w.request("nobody", form(old))), http.StatusUnauthorized, "invalid_client")
	})

	DescribeTable("RFC 8693 §2.1: invalid_request for", func(change ...string) {
		expectError(swap("team.orders", subjectOf("team.web", orders), change...), http.StatusBadRequest, "invalid_request")
		Expect(steps).To(BeEmpty())
	},
		Entry("no subject_token", "subject_token", ""),
		Entry("no subject_token_type", "subject_token_type", ""),
		Entry("an ID token", "subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
		Entry("a refresh token", "subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
		Entry("SAML", "subject_token_type", "urn:ietf:params:oauth:token-type:saml2"),
		Entry("an ID token asked for", "requested_token_type", "urn:ietf:params:oauth:token-type:id_token"),
		Entry("a refresh token asked for", "requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
		Entry("an actor_token", "actor_token", "x", "actor_token_type", typeAccess),
		Entry("an actor_token without its type", "actor_token", "x"),
		Entry("an actor_token_type alone", "actor_token_type", typeAccess),
	)

	DescribeTable("RFC 6749 §3.2: invalid_request for a second", func(name string) {
		f := form(subjectOf("team.web", orders), "requested_token_type", typeAccess, "scope", "read")
		f.Add(name, f.Get(name))
		expectError(w.post("team.orders", f), http.StatusBadRequest, "invalid_request")
	},
		Entry(nil, "subject_token"), Entry(nil, "subject_token_type"), Entry(nil, "requested_token_type"),
		Entry(nil, "scope"), Entry(nil, "grant_type"),
	)

	It("RFC 8693 §2.1: a second audience is for this grant alone", func() {
		f := pairs("grant_type", "client_credentials", "audience", "x")
		f.Add("audience", "y")
		expectError(w.post("team.job", f), http.StatusBadRequest, "invalid_request")
	})

	DescribeTable("RFC 8693 §2.2.2: invalid_request, and no word why, for a subject_token that", func(token func() string) {
		a := swap("team.orders", token())
		expectError(a, http.StatusBadRequest, "invalid_request")
		Expect(a.Text("error_description")).To(HavePrefix("The subject_token is not an access token of this issuer that is meant for the client"))
	},
		Entry("is none", func() string { return "x" }),
		Entry("is too long", func() string { return strings.Repeat("x", oauth.MaxToken+1) }),
		Entry("was changed", func() string { return subjectOf("team.web", orders) + "A" }),
		Entry("has expired", func() string {
			token := subjectOf("team.web", orders)
			w.Advance(10 * time.Minute)
			return token
		}),
		Entry("is an ID token", func() string { return w.redeem("team.web", w.code("team.web")).Text("id_token") }),
		Entry("is a refresh token", func() string { return w.redeem("team.web", w.code("team.web")).Text("refresh_token") }),
		Entry("is of another issuer", func() string {
			claims := read(subjectOf("team.web", orders))
			claims.Issuer = "https://auth.example.com/other"
			return sign(claims)
		}),
		Entry("is for another resource", func() string { return subjectOf("team.web", stock) }),
		Entry("is for the issuer, and another client's", func() string { return subjectOf("team.web") }),
		Entry("is of a grant that was revoked", func() string {
			token := subjectOf("team.web", orders)
			claims := read(token)
			Expect(w.Grants.Revoke(context.Background(), grant.Key{ClientID: "team.web", ID: claims.GrantID}, grant.RevokedByClient)).To(Succeed())
			return token
		}),
		Entry("is of a grant that is nowhere", func() string {
			claims := read(subjectOf("team.web", orders))
			claims.GrantID = grant.NewID()
			return sign(claims)
		}),
		Entry("is of somebody else than the grant", func() string {
			claims := read(subjectOf("team.web", orders))
			claims.Subject = "5a6e2b1c-0000-4000-8000-000000000002"
			return sign(claims)
		}),
		Entry("is of somebody who may not log in any more", func() string {
			token := subjectOf("team.web", orders)
			delete(w.People, subject)
			return token
		}),
		Entry("is of a client that was deleted", func() string {
			token := subjectOf("team.web", orders)
			delete(w.Clients, "team.web")
			return token
		}),
		Entry("is of a client that was deleted and made anew", func() string {
			token := subjectOf("team.web", orders)
			w.Change("team.web", func(c *registration.Client) { c.UID = "another" })
			return token
		}),
		Entry("was exchanged, by a client that was deleted", func() string {
			token := swap("team.orders", subjectOf("team.web", orders)).Text("access_token")
			token = swap("team.stock", token, "resource", orders).Text("access_token")
			delete(w.Clients, "team.stock")
			return token
		}),
		Entry("was exchanged, and its grant revoked", func() string {
			token := swap("team.orders", subjectOf("team.web", orders)).Text("access_token")
			token = swap("team.stock", token, "resource", orders).Text("access_token")
			Expect(w.Grants.Revoke(context.Background(), grant.Key{ClientID: "team.web", ID: read(token).GrantID}, grant.LoggedOut)).To(Succeed())
			return token
		}),
	)

	DescribeTable("RFC 8693 §2.2.2, RFC 8707 §2: invalid_target for", func(resources ...string) {
		f := form(subjectOf("team.web", orders))
		f["resource"] = resources
		expectError(w.post("team.orders", f), http.StatusBadRequest, "invalid_target")
	},
		Entry("none"),
		Entry("two", stock, orders),
		Entry("one that is not there", "https://nowhere.example.com"),
		Entry("one that no rule allows", orders),
		Entry("the issuer", "https://auth.example.com/main"),
		Entry("none that is a URI", "stock"),
		Entry("one with a fragment", stock+"#x"),
		Entry("another spelling", stock+"/"),
	)

	It("RFC 8693 §2.2.2: invalid_target without a rule, or where the rule is for tokens for something else", func() {
		old := subjectOf("team.web", orders, stock)
		w.Clients["team.orders"].Exchanges[0].From = []string{stock}
		expectError(swap("team.orders", old), http.StatusBadRequest, "invalid_target")
		w.Clients["team.orders"].Exchanges = nil
		expectError(swap("team.orders", old), http.StatusBadRequest, "invalid_target")
	})

	It("invalid_target for a resource that a rule allows and that is gone, and for the issuer in any case", func() {
		old := subjectOf("team.web", orders)
		w.Clients["team.orders"].Exchanges[0].To = []string{stock, w.Settings.Issuer}
		expectError(swap("team.orders", old, "resource", w.Settings.Issuer), http.StatusBadRequest, "invalid_target")
		w.Settings.Resources = append(w.Settings.Resources, issuer.Resource{Identifier: w.Settings.Issuer})
		expectError(swap("team.orders", old, "resource", w.Settings.Issuer), http.StatusBadRequest, "invalid_target")
		w.Settings.Resources = w.Settings.Resources[:1]
		expectError(swap("team.orders", old), http.StatusBadRequest, "invalid_target")
	})

	DescribeTable("RFC 8693 §2.1: the scope is no more than token, rule and resource give:", func(scope, want string) {
		a := swap("team.orders", subjectOf("team.web", orders), "scope", scope)
		if want == "" {
			expectError(a, http.StatusBadRequest, "invalid_scope")
			return
		}
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Text("scope")).To(Equal(want))
	},
		Entry("less", "read", "read"), Entry("what the rule adds", "stock:read", "stock:read"),
		Entry("all", "stock:read read", "stock:read read"),
		Entry("what the token does not have", "write", ""), Entry("and not in part", "read write", ""),
		Entry("what the resource does not understand", "openid", ""),
		Entry("what the rule does not have", "profile", ""), Entry("what nobody has", "admin", ""),
	)

	It("gives nothing that the token was narrowed by, or that its client lost since", func() {
		w.Clients["team.orders"].Exchanges[0].Scope = oauth.Scope{"read", "write"}
		w.Clients["team.orders"].Exchanges[0].Additional = nil
		a := w.redeem("team.web", w.code("team.web", func(c *grant.Code) { c.Resources, c.Scope = []string{orders}, oauth.Scope{"read", "write"} }))
		Expect(swap("team.orders", a.Text("access_token")).Text("scope")).To(Equal("read write"))
		narrow := w.refresh("team.web", a.Text("refresh_token"), "scope", "write")
		Expect(swap("team.orders", narrow.Text("access_token")).Text("scope")).To(Equal("write"))
		expectError(swap("team.orders", narrow.Text("access_token"), "scope", "read"), http.StatusBadRequest, "invalid_scope")
		w.Clients["team.web"].Scope = oauth.Scope{"read"}
		Expect(swap("team.orders", a.Text("access_token")).Text("scope")).To(Equal("read"))
		expectError(swap("team.orders", narrow.Text("access_token")), http.StatusBadRequest, "invalid_scope")
	})

	It("adds up what several rules allow, and only those for this target", func() {
		rules := &w.Clients["team.orders"].Exchanges
		*rules = append(*rules,
			registration.Exchange{From: []string{orders}, To: []string{stock}, Additional: oauth.Scope{"write"}},
			registration.Exchange{From: []string{orders}, To: []string{orders}, Additional: oauth.Scope{"openid"}})
		Expect(swap("team.orders", subjectOf("team.web", orders)).Text("scope")).To(Equal("read stock:read write"))
		*rules = []registration.Exchange{{From: []string{orders}, To: []string{stock}}}
		a := swap("team.orders", subjectOf("team.web", orders))
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Body).NotTo(HaveKey("scope"))
	})

	It("is 503 while the store cannot be asked, and without keys", func() {
		old := subjectOf("team.web", orders)
		w.Grants.Before = func(string) error { return errors.New("away") }
		expectError(swap("team.orders", old), http.StatusServiceUnavailable, "temporarily_unavailable")
		w.Grants.Before = nil
		w.Keys.Store(&keys.Set{})
		expectError(swap("team.orders", old), http.StatusServiceUnavailable, "temporarily_unavailable")
	})

	It("RFC 9068 §4: is nothing to the issuer's own endpoints", func() {
		a := swap("team.orders", subjectOf("team.web", orders))
		_, err := accesstoken.Verify(w.Settings, w.Keys.Load(), a.Text("access_token"), w.Now())
		Expect(err).To(MatchError(accesstoken.ErrInvalid))
	})
})
