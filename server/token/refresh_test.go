package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

var _ = Describe("Refreshing", func() {
	var (
		w     *world
		first answer
		rt    string
	)

	BeforeEach(func() {
		w = newWorld()
		first = w.redeem("team.web", w.code("team.web"))
		rt = first.Text("refresh_token")
		w.Advance(time.Hour)
	})

	// The access token of the first answer has expired by now, so its grant is
	// looked up at the time at which it was made.
	theGrant := func() grant.Grant {
		GinkgoHelper()
		now := w.Now()
		w.Set(epoch)
		defer w.Set(now)
		return w.grantOf(w.access(first))
	}

	It("RFC 6749 §6: gives new tokens for the whole scope, and a new refresh token", func() {
		a := w.refresh("team.web", rt)
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
		Expect(a.Text("scope")).To(Equal("openid profile read"))
		Expect(a.Text("refresh_token")).NotTo(Or(BeEmpty(), Equal(rt)))
		claims := w.access(a)
		Expect(claims.Subject).To(Equal(subject))
		Expect(claims.AuthTime).To(Equal(epoch.Add(-time.Hour).Unix()))
		g := theGrant()
		Expect(g.Generation).To(BeEquivalentTo(1))
		Expect(g.ExpiresAt).To(BeTemporally("~", w.Now().Add(7*24*time.Hour), time.Second))
	})

	It("OpenID Connect Core §12.2: the ID token has the same iss, sub, aud and auth_time, and no nonce", func() {
		payload, err := w.Keys.Load().Verify(keyring.UseSignRS256, keys.TypeIDToken, w.refresh("team.web", rt).Text("id_token"), w.Now())
		Expect(err).NotTo(HaveOccurred())
		var claims map[string]any
		Expect(json.Unmarshal(payload, &claims)).To(Succeed())
		Expect(claims).To(And(
			HaveKeyWithValue("iss", w.Settings.Issuer), HaveKeyWithValue("sub", subject), HaveKeyWithValue("aud", "team.web"),
			HaveKeyWithValue("auth_time", float64(epoch.Add(-time.Hour).Unix())), HaveKeyWithValue("iat", float64(w.Now().Unix())),
			Not(HaveKey("nonce"))))
	})

	It("RFC 6749 §6: a missing refresh token is invalid_request, and one that we have not made invalid_grant", func() {
		expectError(w.refresh("team.web", ""), http.StatusBadRequest, "invalid_request")
		for _, bad := range []string{"x", rt + "A", rt[:len(rt)-2], strings.ToLower(rt), first.Text("access_token"), w.code("team.web"), "é\x00"} {
			expectError(w.refresh("team.web", bad), http.StatusBadRequest, "invalid_grant")
		}
		Expect(w.refresh("team.web", rt).Status).To(Equal(http.StatusOK))
	})

	It("RFC 6749 §6: the refresh token is bound to its client", func() {
		expectError(w.refresh("team.form", rt), http.StatusBadRequest, "invalid_grant")
		expectError(w.refresh("team.spa", rt), http.StatusBadRequest, "invalid_grant")
		Expect(w.refresh("team.web", rt).Status).To(Equal(http.StatusOK), "none of that was held against it")
	})

	It("the refresh token is bound to the very client, not to its successor of the same name", func() {
		w.Clients["team.web"].UID = "another"
		w.Clients["team.web"].AuthMethod = oauth.AuthMethodNone
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
	})

	It("RFC 6749 §6: narrows the access token, and the next refresh token has the whole scope again", func() {
		a := w.refresh("team.web", rt, "scope", "read")
		Expect(a.Text("scope")).To(Equal("read"))
		Expect(w.access(a).Scope).To(Equal("read"))
		Expect(a.Body).NotTo(HaveKey("id_token"))
		w.Advance(time.Hour)
		Expect(w.refresh("team.web", a.Text("refresh_token")).Text("scope")).To(Equal("openid profile read"))
	})

	It("RFC 6749 §6: refuses a scope that was not granted, and keeps the refresh token good", func() {
		for _, scope := range []string{"read write", "READ", "unheard-of", "re\"ad", "é"} {
			expectError(w.refresh("team.web", rt, "scope", scope), http.StatusBadRequest, "invalid_scope")
		}
		Expect(theGrant().Generation).To(BeZero())
		Expect(w.refresh("team.web", rt, "scope", " ").Text("scope")).To(Equal("openid profile read"))
	})

	It("leaves out what the client is no longer registered for", func() {
		w.Clients["team.web"].Scope = oauth.Scope{"openid"}
		expectError(w.refresh("team.web", rt, "scope", "read"), http.StatusBadRequest, "invalid_scope")
		Expect(w.refresh("team.web", rt).Text("scope")).To(Equal("openid"))
	})

	It("RFC 9700 §4.14.2: a used refresh token ends the grant", func() {
		second := w.refresh("team.web", rt)
		w.Advance(31 * time.Second)
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
		Expect(theGrant().Revoked).To(Equal(grant.RefreshTokenReused))
		expectError(w.refresh("team.web", second.Text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})

	It("revocation that ignores a store error: a refresh token used twice is 503 while the grant cannot be revoked, and ends it then", func() {
		second := w.refresh("team.web", rt)
		w.Advance(31 * time.Second)
		w.Grants.Before = func(step string) error {
			if step == "revoke" {
				return errors.New("10.0.0.7: connection refused")
			}
			return nil
		}
		a := w.refresh("team.web", rt)
		expectError(a, http.StatusServiceUnavailable, "temporarily_unavailable")
		Expect(a.Header.Get("Retry-After")).NotTo(BeEmpty())
		Expect(a.Raw).NotTo(ContainSubstring("10.0.0.7"))
		Expect(theGrant().Revoked).To(BeEmpty())
		w.Grants.Before = nil
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
		Expect(theGrant().Revoked).To(Equal(grant.RefreshTokenReused))
		expectError(w.refresh("team.web", second.Text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})

	It("RFC 9700 §4.14.2: a refresh token from before the last one ends the grant at any time", func() {
		second := w.refresh("team.web", rt)
		w.refresh("team.web", second.Text("refresh_token"))
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
		Expect(theGrant().Revoked).To(Equal(grant.RefreshTokenReused))
	})

	It("gives the same refresh token again to a retry within the grace, and writes nothing", func() {
		second := w.refresh("team.web", rt)
		w.Advance(29 * time.Second)
		before := theGrant()
		w.Grants.Before = func(step string) error {
			Expect(step).To(Equal("get"))
			return nil
		}
		again := w.refresh("team.web", rt)
		w.Grants.Before = nil
		Expect(again.Status).To(Equal(http.StatusOK))
		Expect(again.Text("refresh_token")).To(Equal(second.Text("refresh_token")))
		Expect(again.Text("access_token")).NotTo(Equal(second.Text("access_token")))
		Expect(theGrant()).To(Equal(before))
		Expect(w.refresh("team.web", again.Text("refresh_token")).Status).To(Equal(http.StatusOK))
	})

	It("knows no retries where the grace is zero", func() {
		w.Clients["team.web"].Lifetimes.RefreshGrace = 0
		w.refresh("team.web", rt)
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
		Expect(theGrant().Revoked).To(Equal(grant.RefreshTokenReused))
	})

	It("does not believe a token that is ahead of its grant, and revokes nothing for it", func() {
		set := w.Keys.Load()
		g := theGrant()
		g.Generation = 7
		ahead, err := grant.SealRefreshToken(set, g, w.Now())
		Expect(err).NotTo(HaveOccurred())
		expectError(w.refresh("team.web", ahead), http.StatusBadRequest, "invalid_grant")
		Expect(w.refresh("team.web", rt).Status).To(Equal(http.StatusOK))
	})

	It("does not believe a grant that was changed in the store", func() {
		g := theGrant()
		g.ID = grant.NewID()
		token, err := grant.SealRefreshToken(w.Keys.Load(), g, w.Now())
		Expect(err).NotTo(HaveOccurred())
		g.Scope = oauth.Scope{"openid", "profile", "read", "write"}
		Expect(w.Grants.Create(context.Background(), g)).To(Succeed())
		expectError(w.refresh("team.web", token), http.StatusBadRequest, "invalid_grant")
	})

	It("is over when the grant is idle for too long, or has had its time", func() {
		w.Advance(6 * 24 * time.Hour)
		for range 4 {
			a := w.refresh("team.web", rt)
			Expect(a.Status).To(Equal(http.StatusOK))
			rt = a.Text("refresh_token")
			w.Advance(6 * 24 * time.Hour)
		}
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")

		idle := w.redeem("team.web", w.code("team.web")).Text("refresh_token")
		w.Advance(7 * 24 * time.Hour)
		expectError(w.refresh("team.web", idle), http.StatusBadRequest, "invalid_grant")
	})

	It("gives no access token that outlives the grant", func() {
		w.Set(epoch.Add(6 * 24 * time.Hour))
		rt = w.refresh("team.web", rt).Text("refresh_token")
		for range 4 {
			w.Advance(6*24*time.Hour - time.Minute)
			if left := epoch.Add(30 * 24 * time.Hour).Sub(w.Now()); left < 10*time.Minute {
				break
			}
			rt = w.refresh("team.web", rt).Text("refresh_token")
		}
		w.Set(epoch.Add(30*24*time.Hour - 2*time.Minute))
		a := w.refresh("team.web", rt)
		Expect(a.Status).To(Equal(http.StatusOK))
		Expect(a.Body["expires_in"]).To(BeNumerically("~", 120, 1))
		g := theGrant()
		Expect(w.access(a).ExpiresAt).To(Equal(g.EndsAt.Unix()))
		Expect(g.ExpiresAt).To(Equal(g.EndsAt))
	})

	It("keeps the grant for as long as the access token is good, however short the idle time is", func() {
		w.Clients["team.web"].Lifetimes.RefreshIdle = time.Second
		a := w.refresh("team.web", rt)
		Expect(theGrant().ExpiresAt.Unix()).To(BeNumerically(">=", w.access(a).ExpiresAt))
	})

	It("refuses a person who may no longer log in, and works again when they may", func() {
		ada := w.People[subject]
		delete(w.People, subject)
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
		w.People[subject] = ada
		Expect(w.refresh("team.web", rt).Status).To(Equal(http.StatusOK))
	})

	It("RFC 6749 §5.2: a revoked grant is invalid_grant", func() {
		Expect(w.Grants.Revoke(context.Background(), theGrant().Key(), "Somehow")).To(Succeed())
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
	})

	It("gives no token where nobody knows whether the grant moved; the same token is then a retry", func() {
		w.Grants.After = func(step string) error {
			if step == "advance" {
				return errors.New("timeout")
			}
			return nil
		}
		expectError(w.refresh("team.web", rt), http.StatusServiceUnavailable, "temporarily_unavailable")
		w.Grants.After = nil
		Expect(theGrant().Generation).To(BeEquivalentTo(1))
		Expect(w.refresh("team.web", rt).Status).To(Equal(http.StatusOK))
	})

	It("gives no token for a grant that is revoked while the request is under way", func() {
		w.Grants.Before = func(step string) error {
			if step == "advance" {
				return w.Grants.Store.Revoke(context.Background(), theGrant().Key(), "Meanwhile")
			}
			return nil
		}
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
	})

	It("gives no token for a grant that another request has moved and a third one revoked in the meantime", func() {
		w.Grants.Before = func(step string) error {
			if step != "advance" {
				return nil
			}
			g := theGrant()
			if _, err := w.Grants.Store.Advance(context.Background(), g.Key(), 0, w.Now(), g.ExpiresAt); err != nil {
				return err
			}
			return w.Grants.Store.Revoke(context.Background(), g.Key(), "Meanwhile")
		}
		expectError(w.refresh("team.web", rt), http.StatusBadRequest, "invalid_grant")
	})
})
