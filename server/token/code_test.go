package token_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

var _ = Describe("The authorization code grant", func() {
	var w *world

	BeforeEach(func() { w = newWorld() })

	for _, clientID := range []string{"team.web", "team.form", "team.spa"} {
		It("RFC 6749 §4.1.4, §5.1: gives tokens to "+clientID, func() {
			a := w.redeem(clientID, w.code(clientID))
			Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
			Expect(a.Header.Get("Content-Type")).To(Equal("application/json"))
			Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
			Expect(a.Header.Get("Pragma")).To(Equal("no-cache"))
			Expect(a.Text("token_type")).To(Equal("Bearer"))
			Expect(a.Body["expires_in"]).To(BeNumerically("==", 600))
			Expect(a.Text("scope")).To(Equal("openid profile read"))
			Expect(a.Text("refresh_token")).NotTo(BeEmpty())
			Expect(a.Text("id_token")).NotTo(BeEmpty())
		})
	}

	It("RFC 9068 §2: the access token says on whose behalf it is, and which grant it rests on", func() {
		a := w.redeem("team.web", w.code("team.web"))
		claims := w.access(a)
		Expect(claims.Issuer).To(Equal(w.Settings.Issuer))
		Expect(claims.Audience).To(BeEquivalentTo([]string{w.Settings.Issuer}))
		Expect(claims.Subject).To(Equal(subject))
		Expect(claims.ClientID).To(Equal("team.web"))
		Expect(claims.Scope).To(Equal("openid profile read"))
		Expect(claims.IssuedAt).To(Equal(w.Now().Unix()))
		Expect(claims.ExpiresAt).To(Equal(w.Now().Unix() + 600))
		Expect(claims.AuthTime).To(Equal(w.Now().Add(-time.Hour).Unix()))
		Expect(claims.SessionID).To(Equal("session-1"))
		Expect(claims.ID).NotTo(Equal(w.access(w.redeem("team.web", w.code("team.web"))).ID))

		g := w.grantOf(claims)
		Expect(g.Active(w.Now())).To(BeTrue())
		Expect(g.ClientUID).To(Equal("uid-of-team.web"))
		Expect(g.Issuer).To(Equal("main"))
		Expect(g.Username).To(Equal("ada"))
		Expect(g.EndsAt).To(BeTemporally("~", w.Now().Add(30*24*time.Hour), time.Second))
		Expect(g.ExpiresAt).To(BeTemporally("~", w.Now().Add(7*24*time.Hour), time.Second))
	})

	It("OpenID Connect Core §3.1.3.6: the ID token has nonce, auth_time and at_hash, and the claims of the scope", func() {
		a := w.redeem("team.web", w.code("team.web"))
		payload, err := w.Keys.Load().Verify(keyring.UseSignRS256, keys.TypeIDToken, a.Text("id_token"), w.Now())
		Expect(err).NotTo(HaveOccurred())
		var claims map[string]any
		Expect(json.Unmarshal(payload, &claims)).To(Succeed())
		half := sha256.Sum256([]byte(a.Text("access_token")))
		Expect(claims).To(Equal(map[string]any{
			"iss": w.Settings.Issuer, "sub": subject, "aud": "team.web", "sid": "session-1",
			"iat": float64(w.Now().Unix()), "exp": float64(w.Now().Unix() + 300), "auth_time": float64(w.Now().Add(-time.Hour).Unix()),
			"nonce": "n-0S6_WzA2Mj&=\"<é>", "at_hash": base64.RawURLEncoding.EncodeToString(half[:16]),
			"name": "Ada Lovelace", "preferred_username": "ada",
		}))
	})

	It("OpenID Connect Core §3.1.2.1: no ID token without the scope openid", func() {
		a := w.redeem("team.web", w.code("team.web", func(c *grant.Code) { c.Scope = oauth.Scope{"read"} }))
		Expect(a.Status).To(Equal(http.StatusOK))
		Expect(a.Body).NotTo(HaveKey("id_token"))
	})

	It("RFC 6749 §5.1: no refresh token for a client that is not registered for it, and the grant is remembered", func() {
		a := w.redeem("team.brief", w.code("team.brief"))
		Expect(a.Status).To(Equal(http.StatusOK))
		Expect(a.Body).NotTo(HaveKey("refresh_token"))
		g := w.grantOf(w.access(a))
		Expect(g.ExpiresAt).To(BeTemporally(">=", time.Unix(w.access(a).ExpiresAt, 0)))
	})

	It("remembers the grant for longer than the code and the access token, however short the rest is", func() {
		w.Settings.Lifetimes.Code = 10 * time.Minute
		for _, clientID := range []string{"team.web", "team.brief"} {
			w.Clients[clientID].Lifetimes = issuer.Lifetimes{AccessToken: time.Minute, Refresh: time.Second, RefreshIdle: time.Second}
			claims := w.access(w.redeem(clientID, w.code(clientID)))
			Expect(claims.ExpiresAt).To(Equal(w.Now().Unix() + 60))
			g := w.grantOf(claims)
			Expect(g.ExpiresAt).To(BeTemporally(">", w.Now().Add(10*time.Minute)))
			Expect(g.EndsAt).To(BeTemporally(">=", g.ExpiresAt))
		}
	})

	It("RFC 6749 §4.1.2: a code is good once, and its second use ends the grant", func() {
		code := w.code("team.web")
		first := w.redeem("team.web", code)
		Expect(first.Status).To(Equal(http.StatusOK))
		expectError(w.redeem("team.web", code), http.StatusBadRequest, "invalid_grant")
		Expect(w.grantOf(w.access(first)).Revoked).To(Equal(grant.CodeReplayed))
		expectError(w.refresh("team.web", first.Text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})

	It("RFC 6749 §4.1.2: who hangs up cannot keep a replay from ending the grant", func() {
		code := w.code("team.web")
		first := w.redeem("team.web", code)
		ctx, cancel := context.WithCancel(context.Background())
		w.Grants.Before = func(step string) error {
			if step == "revoke" {
				cancel()
			}
			return nil
		}
		w.do(w.request("team.web", pairs("grant_type", "authorization_code", "code", code,
			"redirect_uri", callback, "code_verifier", verifier)).WithContext(ctx))
		Expect(w.grantOf(w.access(first)).Revoked).To(Equal(grant.CodeReplayed))
	})

	It("RFC 6749 §4.1.2: says so when a replay could not end the grant", func() {
		code := w.code("team.web")
		w.redeem("team.web", code)
		w.Grants.Before = func(step string) error {
			if step == "revoke" {
				return errors.New("the store is away")
			}
			return nil
		}
		expectError(w.redeem("team.web", code), http.StatusServiceUnavailable, "temporarily_unavailable")
	})

	It("RFC 6749 §4.1.2: a code expires", func() {
		code := w.code("team.web")
		w.Advance(time.Minute)
		expectError(w.redeem("team.web", code), http.StatusBadRequest, "invalid_grant")
	})

	It("RFC 6749 §4.1.3: a missing code is invalid_request, and one that we have not made invalid_grant", func() {
		expectError(w.redeem("team.web", ""), http.StatusBadRequest, "invalid_request")
		good := w.code("team.web")
		for _, code := range []string{"x", good + "A", good[:len(good)-1], strings.ToUpper(good), good + "=", " " + good, strings.Repeat("A", 20_000), "é\x00"} {
			expectError(w.redeem("team.web", code), http.StatusBadRequest, "invalid_grant")
		}
		Expect(w.redeem("team.web", good).Status).To(Equal(http.StatusOK), "none of that used it up")
	})

	It("RFC 6749 §4.1.3: the code is bound to its client", func() {
		code := w.code("team.web")
		expectError(w.redeem("team.form", code), http.StatusBadRequest, "invalid_grant")
		expectError(w.redeem("team.spa", code), http.StatusBadRequest, "invalid_grant")
		renamed := w.code("team.web", func(c *grant.Code) { c.ClientID = "team.other" })
		expectError(w.redeem("team.web", renamed), http.StatusBadRequest, "invalid_grant")
		Expect(w.redeem("team.web", code).Status).To(Equal(http.StatusOK), "none of that used it up")
	})

	It("the code is bound to the very client, not to its successor of the same name", func() {
		expectError(w.redeem("team.web", w.code("team.web", func(c *grant.Code) { c.ClientUID = "an earlier one" })),
			http.StatusBadRequest, "invalid_grant")
	})

	DescribeTable("RFC 6749 §4.1.3: the redirect_uri is repeated identically if it was sent",
		func(sent bool, repeated string, status int) {
			code := w.code("team.web", func(c *grant.Code) { c.RedirectURISent = sent })
			a := w.redeem("team.web", code, "redirect_uri", repeated)
			Expect(a.Status).To(Equal(status))
			if status != http.StatusOK {
				expectError(a, status, "invalid_grant")
			}
		},
		Entry("sent, the same", true, callback, 200),
		Entry("sent, missing", true, "", 400),
		Entry("sent, another", true, callback+"/", 400),
		Entry("sent, in another case", true, strings.ToUpper(callback), 400),
		Entry("not sent, missing", false, "", 200),
		Entry("not sent, the same", false, callback, 200),
		Entry("not sent, another", false, callback+"?a=b", 400),
	)

	DescribeTable("RFC 7636 §4.5, §4.6: the code_verifier is that of the challenge",
		func(send string) {
			code := w.code("team.web")
			expectError(w.redeem("team.web", code, "code_verifier", send), http.StatusBadRequest, "invalid_grant")
			Expect(w.redeem("team.web", code).Status).To(Equal(http.StatusOK), "that did not use the code up")
		},
		Entry("missing", ""),
		Entry("wrong", strings.Repeat("a", 43)),
		Entry("the challenge itself", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
		Entry("too short", verifier[:42]),
		Entry("too long", strings.Repeat(verifier, 3)),
		Entry("with a space behind it", verifier+" "),
		Entry("in the wrong alphabet", verifier[:42]+"+"),
	)

	It("RFC 7636 §4.1: a verifier of 42 or 129 characters is refused even where its hash is right, 43 and 128 are good", func() {
		for length, status := range map[int]int{42: 400, 43: 200, 128: 200, 129: 400} {
			long := strings.Repeat("-._~", 33)[:length]
			sum := sha256.Sum256([]byte(long))
			code := w.code("team.web", func(c *grant.Code) { c.Challenge = base64.RawURLEncoding.EncodeToString(sum[:]) })
			Expect(w.redeem("team.web", code, "code_verifier", long).Status).To(Equal(status), "%d characters", length)
		}
	})

	It("RFC 9700 §2.1.1: a code_verifier without a code_challenge is refused: somebody has taken the challenge away", func() {
		code := w.code("team.web", func(c *grant.Code) { c.Challenge = "" })
		expectError(w.redeem("team.web", code), http.StatusBadRequest, "invalid_grant")
		Expect(w.redeem("team.web", code, "code_verifier", "").Status).To(Equal(http.StatusOK))
	})

	It("RFC 9700 §2.1.1: no public client without PKCE", func() {
		code := w.code("team.spa", func(c *grant.Code) { c.Challenge = "" })
		expectError(w.redeem("team.spa", code, "code_verifier", ""), http.StatusBadRequest, "invalid_grant")
	})

	It("RFC 6749 §3.2.1, §5.2: failed client authentication does not use the code up", func() {
		code := w.code("team.web")
		r := w.request("", pairs("grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier))
		r.SetBasicAuth("team.web", "wrong")
		expectError(w.do(r), http.StatusUnauthorized, "invalid_client")
		Expect(w.redeem("team.web", code).Status).To(Equal(http.StatusOK))
	})

	It("refuses a person who may no longer log in", func() {
		code := w.code("team.web")
		delete(w.People, subject)
		expectError(w.redeem("team.web", code), http.StatusBadRequest, "invalid_grant")
	})

	It("leaves out what the client is no longer registered for", func() {
		w.Clients["team.web"].Scope = oauth.Scope{"read", "openid"}
		a := w.redeem("team.web", w.code("team.web"))
		Expect(a.Text("scope")).To(Equal("openid read"))
		w.Clients["team.web"].Scope = oauth.Scope{"write"}
		expectError(w.redeem("team.web", w.code("team.web")), http.StatusBadRequest, "invalid_scope")
	})

	It("gives no token where nobody knows whether the grant was created", func() {
		code := w.code("team.web")
		w.Grants.After = func(string) error { return errors.New("timeout") }
		expectError(w.redeem("team.web", code), http.StatusServiceUnavailable, "temporarily_unavailable")
		w.Grants.After = nil
		expectError(w.redeem("team.web", code), http.StatusBadRequest, "invalid_grant")
	})
})
