package token_test

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

var _ = Describe("The client credentials grant", func() {
	var w *world

	BeforeEach(func() { w = newWorld() })

	ask := func(more ...string) answer {
		return w.post("team.job", pairs(append([]string{"grant_type", "client_credentials"}, more...)...))
	}

	It("RFC 6749 §4.4.3: gives an access token, and neither refresh token nor ID token", func() {
		a := ask("scope", "write read")
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Body).To(HaveLen(4))
		Expect(a.Text("token_type")).To(Equal("Bearer"))
		Expect(a.Body["expires_in"]).To(BeNumerically("==", 600))
		Expect(a.Text("scope")).To(Equal("write read"))
	})

	It("RFC 9068 §2.2: the subject is the client, and there is nothing of a person", func() {
		claims := w.access(ask("scope", "read"))
		Expect(claims.Subject).To(Equal("team.job"))
		Expect(claims.ClientID).To(Equal("team.job"))
		Expect(claims.AuthTime).To(BeZero())
		Expect(claims.SessionID).To(BeEmpty())
		Expect(claims.GrantID).To(BeEmpty())
	})

	It("RFC 6749 §4.4: is for confidential clients", func() {
		w.register("team.open", oauth.AuthMethodNone, oauth.GrantClientCredentials)
		expectError(w.post("team.open", pairs("grant_type", "client_credentials")), http.StatusBadRequest, "unauthorized_client")
	})

	It("RFC 6749 §3.3: has a default scope, without what is about a person", func() {
		Expect(ask().Text("scope")).To(Equal("read"))
		Expect(ask("scope", "").Text("scope")).To(Equal("read"))
		w.Clients["team.job"].DefaultScope = oauth.Scope{"openid", "groups"}
		a := ask()
		Expect(a.Status).To(Equal(http.StatusOK))
		Expect(a.Body).NotTo(HaveKey("scope"))
	})

	It("RFC 6749 §5.2: invalid_scope for what the client is not registered for, in any case, and for bad characters", func() {
		for _, scope := range []string{"admin", "read admin", "READ", "re\"ad", "re\\ad", "read\tread", "lesen£"} {
			expectError(ask("scope", scope), http.StatusBadRequest, "invalid_scope")
		}
	})

	It("refuses the scopes that ask about a person", func() {
		for _, scope := range []string{"openid", "read profile", "email", "groups"} {
			expectError(ask("scope", scope), http.StatusBadRequest, "invalid_scope")
		}
	})

	It("touches no store", func() {
		w.Grants.Before = func(step string) error {
			Fail("a step: " + step)
			return nil
		}
		Expect(ask().Status).To(Equal(http.StatusOK))
	})
})
