package device_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("The device code grant", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser()
		b.signIn("alice")
	})
	// allow has the person allow what the device asks for.
	allow := func(a reply) {
		GinkgoHelper()
		done := b.Submit(b.enter(a.Text("user_code")), "allow")
		Expect(done.Text("done")).To(Equal("Your device is connected"), done.Body)
	}
	claims := func(token string) accesstoken.Claims {
		GinkgoHelper()
		c, err := accesstoken.Read(w.Settings, w.Keys.Load(), token, w.Now())
		Expect(err).NotTo(HaveOccurred())
		return c
	}
	granted := func(a reply) grant.Grant {
		GinkgoHelper()
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		c := claims(a.Text("access_token"))
		g, err := w.Grants.Get(context.Background(), grant.Key{ClientID: c.ClientID, ID: c.GrantID})
		Expect(err).NotTo(HaveOccurred())
		return g
	}

	It("RFC 8628 §3.5: is pending until the person has decided, and then gives tokens", func() {
		a := w.begin(0, tv, "scope", "openid email")
		told(w.poll(0, tv, a.Text("device_code")), "authorization_pending")
		allow(a)
		w.Advance(5 * time.Second)
		tokens := w.poll(0, tv, a.Text("device_code"))
		g := granted(tokens)
		Expect(tokens.Header.Get("Cache-Control")).To(Equal("no-store"))
		Expect(tokens.Text("token_type")).To(Equal("Bearer"))
		Expect(tokens.Text("scope")).To(Equal("openid email"))
		Expect(g.Subject).To(Equal(alice))
		Expect(g.Username).To(Equal("alice"))
		Expect(g.AuthTime).To(Equal(epoch))

		refreshed := w.send(1, "/token", tv, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.Text("refresh_token")}})
		Expect(granted(refreshed).ID).To(Equal(g.ID))
	})

	It("OpenID Connect Core §2: the ID token has auth_time and sid", func() {
		a := w.begin(0, tv)
		w.Advance(time.Minute)
		allow(a)
		tokens := w.poll(0, tv, a.Text("device_code"))
		payload, err := w.Keys.Load().Verify(keyring.UseSignES256, keys.TypeIDToken, tokens.Text("id_token"), w.Now())
		Expect(err).NotTo(HaveOccurred())
		var id map[string]any
		Expect(json.Unmarshal(payload, &id)).To(Succeed())
		Expect(id).To(And(HaveKeyWithValue("sub", alice), HaveKeyWithValue("aud", tv),
			HaveKeyWithValue("auth_time", BeNumerically("==", epoch.Unix())), HaveKeyWithValue("sid", granted(tokens).SessionID)))
		Expect(id).NotTo(HaveKey("nonce"))
	})

	It("gives no refresh token to a client that is not registered for it, and no ID token without openid", func() {
		a := w.begin(0, printer, "scope", "films")
		allow(a)
		tokens := w.poll(0, printer, a.Text("device_code"))
		Expect(granted(tokens).Scope).To(Equal(oauth.Scope{"films"}))
		Expect(tokens.Body).NotTo(Or(HaveKey("refresh_token"), HaveKey("id_token")))
	})

	It("RFC 8707 §2: the tokens are for the resources of the request", func() {
		a := w.begin(0, tv, "scope", "films", "resource", files)
		page := b.enter(a.Text("user_code"))
		Expect(page.Text("scopes")).To(ContainSubstring("Do so at The Files"))
		b.Submit(page, "allow")
		Expect(claims(w.poll(0, tv, a.Text("device_code")).Text("access_token")).Audience).To(BeEquivalentTo([]string{files}))
	})

	It("OpenID Connect Core §8: a pairwise client gets a sub of its own", func() {
		w.Change(tv, func(c *registration.Client) {
			c.OpenID = registration.OpenID{SubjectType: "pairwise", Sector: "cinema.example"}
		})
		a := w.begin(0, tv)
		allow(a)
		c := claims(w.poll(0, tv, a.Text("device_code")).Text("access_token"))
		Expect(c.Subject).NotTo(Or(Equal(alice), BeEmpty()))
	})

	It("RFC 8628 §3.5: denial is told as access_denied", func() {
		a := w.begin(0, tv)
		done := b.Submit(b.enter(a.Text("user_code")), "deny")
		Expect(done.Text("done")).To(Equal("Nothing was allowed"))
		told(w.poll(1, tv, a.Text("device_code")), "access_denied")
		w.Advance(5 * time.Second)
		told(w.poll(1, tv, a.Text("device_code")), "access_denied")
	})

	It("replicas: the device polls one, the browser is at the other, which has seen the device", func() {
		a := w.begin(1, tv)
		w.at.Store(1)
		page := b.enter(a.Text("user_code"))
		Expect(page.ByID("consent")).NotTo(BeNil(), "at once")
		Expect(w.Grants.Writes.Load()).To(BeZero())
		w.at.Store(0) // and the answer is sent to yet another
		b.Submit(page, "allow")
		Expect(granted(w.poll(0, tv, a.Text("device_code"))).Subject).To(Equal(alice))
	})

	It("replicas: the device polls one, the browser is at the other, which has not seen the device", func() {
		a := w.begin(0, tv)
		w.at.Store(1)
		page := b.enter(a.Text("user_code"))
		Expect(page.ByID("waiting")).NotTo(BeNil(), page.Body)
		again := page.Attr("again", "href")
		refresh := worldtest.Find(page.Doc, isMeta("refresh"))
		Expect(worldtest.Attr(refresh, "content")).To(Equal("3;url=" + again))
		Expect(b.Do(http.MethodGet, again, "").ByID("waiting")).NotTo(BeNil(), "nobody has polled yet")
		told(w.poll(0, tv, a.Text("device_code")), "authorization_pending")
		page = b.Do(http.MethodGet, again, "")
		Expect(page.Text("user-code")).To(Equal(a.Text("user_code")))
		b.Submit(page, "allow")
		w.Advance(5 * time.Second)
		granted(w.poll(0, tv, a.Text("device_code")))
	})

	It("replicas: a person who enters the code before the device polls anywhere is shown it when it does", func() {
		a := w.begin(0, tv)
		w.at.Store(1)
		page := b.enter(a.Text("user_code"))
		told(w.poll(1, tv, a.Text("device_code")), "authorization_pending")
		Expect(b.Do(http.MethodGet, page.Attr("again", "href"), "").ByID("consent")).NotTo(BeNil())
	})

	It("polls write nothing, and neither do requests, until somebody who has logged in does something", func() {
		for _, client := range []string{tv, printer} {
			a := w.begin(0, client)
			for range 20 {
				w.Advance(5 * time.Second)
				told(w.poll(0, client, a.Text("device_code")), "authorization_pending")
				told(w.poll(1, client, a.Text("device_code")), "authorization_pending")
			}
		}
		told(w.poll(0, tv, "nonsense"), "invalid_grant")
		w.browser().Open("/device?user_code=BCDF-GHJK")
		b.Open("/device?user_code=BCDF-GHJK")
		Expect(w.Grants.Writes.Load()).To(BeZero())
	})

	It("RFC 8628 §3.5: slow_down for a device that polls too often, and not for another", func() {
		a, other := w.begin(0, tv), w.begin(0, tv)
		told(w.poll(0, tv, a.Text("device_code")), "authorization_pending")
		told(w.poll(0, tv, a.Text("device_code")), "slow_down")
		told(w.poll(0, tv, other.Text("device_code")), "authorization_pending")
		w.Advance(5 * time.Second)
		told(w.poll(0, tv, a.Text("device_code")), "slow_down")
		w.Advance(15 * time.Second)
		told(w.poll(0, tv, a.Text("device_code")), "authorization_pending")
	})

	It("unauthenticated flood: an address that polls without end is slowed down before it reaches the store", func() {
		reads := 0
		w.Grants.Before = func(string) error { reads++; return nil }
		for range 5 {
			w.Advance(20 * time.Second) // for as many new codes
			for range 100 {
				w.poll(0, tv, w.begin(0, tv).Text("device_code"))
			}
		}
		reads = 0
		var codes []string
		for range 3 {
			w.Advance(20 * time.Second)
			for range 100 {
				codes = append(codes, w.begin(0, tv).Text("device_code"))
			}
		}
		slow := 0
		for _, code := range codes {
			if w.poll(0, tv, code).Text("error") == "slow_down" {
				slow++
			}
		}
		Expect(slow).To(Equal(100))
		Expect(reads).To(Equal(2 * 200))
	})

	It("a code of another client is no good, for confidential and for public clients", func() {
		a := w.begin(0, tv)
		allow(a)
		told(w.poll(0, printer, a.Text("device_code")), "invalid_grant")
		w.register("home.radio", oauth.AuthMethodNone, oauth.GrantDeviceCode)
		told(w.poll(0, "home.radio", a.Text("device_code")), "invalid_grant")
		told(w.poll(0, web, a.Text("device_code")), "unauthorized_client")
		granted(w.poll(0, tv, a.Text("device_code")))
	})

	It("a code is none of authorization, and the other way round", func() {
		a := w.begin(0, tv)
		w.Change(tv, func(c *registration.Client) { c.GrantTypes = append(c.GrantTypes, oauth.GrantAuthorizationCode) })
		told(w.send(0, "/token", tv, url.Values{"grant_type": {"authorization_code"}, "code": {a.Text("device_code")}}), "invalid_grant")
		code, err := grant.SealCode(w.Keys.Load(), grant.Code{GrantID: grant.NewID(), ExpiresAt: epoch.Add(time.Hour).Unix(), ClientID: tv, ClientUID: "uid of " + tv}, epoch)
		Expect(err).NotTo(HaveOccurred())
		told(w.poll(0, tv, code), "invalid_grant")
		told(w.poll(0, tv, ""), "invalid_request")
	})

	It("RFC 6749 §4.1.2: a code used twice ends the grant", func() {
		a := w.begin(0, tv)
		allow(a)
		tokens := w.poll(0, tv, a.Text("device_code"))
		granted(tokens)
		w.Advance(5 * time.Second)
		told(w.poll(1, tv, a.Text("device_code")), "invalid_grant")
		Expect(granted(tokens).Revoked).To(Equal(grant.CodeReplayed))
		told(w.send(0, "/token", tv, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.Text("refresh_token")}}), "invalid_grant")
	})

	It("100 polls at once after the approval: one gets tokens, and at one replica the others are slowed down", func() {
		a := w.begin(0, tv)
		allow(a)
		won := 0
		for _, r := range atOnce(100, func(int) reply { return w.poll(0, tv, a.Text("device_code")) }) {
			if r.Status == http.StatusOK {
				won++
				Expect(granted(r).Revoked).To(BeEmpty())
				continue
			}
			told(r, "slow_down")
		}
		Expect(won).To(Equal(1))
	})

	It("100 polls at once after the approval, each at a replica of its own: one gets tokens, and they are revoked", func() {
		a := w.begin(0, tv)
		allow(a)
		for len(w.replicas) < 100 {
			w.replicas = append(w.replicas, w.replica())
		}
		var arrived sync.WaitGroup
		arrived.Add(100)
		w.Grants.Before = func(step string) error {
			if step == "create" {
				arrived.Done()
				arrived.Wait()
			}
			return nil
		}
		var winners []reply
		for _, r := range atOnce(100, func(i int) reply { return w.poll(i, tv, a.Text("device_code")) }) {
			if r.Status == http.StatusOK {
				winners = append(winners, r)
				continue
			}
			told(r, "invalid_grant")
		}
		Expect(winners).To(HaveLen(1))
		Expect(granted(winners[0]).Revoked).To(Equal(grant.CodeReplayed))
	})

	It("RFC 8628 §3.5: expired_token, before the person has decided and after, and for its client alone", func() {
		pending, allowed := w.begin(0, tv), w.begin(0, tv)
		allow(allowed)
		w.Advance(10 * time.Minute)
		for _, a := range []reply{pending, allowed} {
			told(w.poll(0, tv, a.Text("device_code")), "expired_token")
			told(w.poll(0, printer, a.Text("device_code")), "invalid_grant")
		}
	})

	It("approval by a person who is then disabled gives nothing", func() {
		a := w.begin(0, tv)
		allow(a)
		delete(w.People, alice)
		told(w.poll(0, tv, a.Text("device_code")), "invalid_grant")
	})

	It("a client that was deleted, or made anew under its name, gets nothing", func() {
		a := w.begin(0, tv)
		allow(a)
		old := w.Clients[tv]
		delete(w.Clients, tv)
		Expect(w.poll(0, tv, a.Text("device_code")).Text("error")).To(Equal("invalid_client"))
		w.Clients[tv] = old
		w.Change(tv, func(c *registration.Client) { c.UID = "made anew" })
		told(w.poll(0, tv, a.Text("device_code")), "invalid_grant")
	})

	It("leaves out what the client is no longer registered for", func() {
		a := w.begin(0, tv, "scope", "openid films")
		allow(a)
		w.Change(tv, func(c *registration.Client) { c.Scope = oauth.Scope{"openid"} })
		Expect(w.poll(0, tv, a.Text("device_code")).Text("scope")).To(Equal("openid"))
	})

	It("gives no more than the person was asked for, though the client may have it by now", func() {
		a := w.begin(0, tv, "scope", "openid films")
		w.Change(tv, func(c *registration.Client) { c.Scope = oauth.Scope{"openid"} })
		page := b.enter(a.Text("user_code"))
		Expect(page.Text("scopes")).NotTo(ContainSubstring("films"))
		b.Submit(page, "allow")
		w.Change(tv, func(c *registration.Client) { c.Scope = oauth.Scope{"openid", "films"} })
		Expect(w.poll(0, tv, a.Text("device_code")).Text("scope")).To(Equal("openid"))
	})

	It("gives no token where the store cannot say what the person has answered, or whether the grant was created", func() {
		a := w.begin(0, tv)
		allow(a)
		for _, step := range []string{"noted", "create"} {
			w.Grants.Before = func(s string) error {
				if s == step {
					return errors.New("the store is away")
				}
				return nil
			}
			w.Advance(5 * time.Second)
			r := w.poll(0, tv, a.Text("device_code"))
			Expect(r.Status).To(Equal(http.StatusServiceUnavailable), step)
			Expect(r.Raw).NotTo(ContainSubstring("away"))
		}
		w.Grants.Before = nil
		w.Advance(5 * time.Second)
		granted(w.poll(0, tv, a.Text("device_code")))
	})

	It("Back-Channel Logout §2.7: a logout ends what was allowed in the session, but for offline_access", func() {
		for scope, reason := range map[string]grant.Reason{"openid": grant.LoggedOut, "openid offline_access": ""} {
			fresh := w.browser()
			fresh.signIn("bob")
			a := w.begin(0, tv, "scope", scope)
			fresh.Submit(fresh.enter(a.Text("user_code")), "allow")
			tokens := w.poll(0, tv, a.Text("device_code"))
			Expect(granted(tokens).Subject).To(Equal(bob))
			fresh.Submit(fresh.Open("/logout"), "leave")
			Expect(granted(tokens).Revoked).To(Equal(reason), scope)
		}
	})

	It("keeps secrets out of the log", func() {
		a := w.begin(0, tv)
		allow(a)
		tokens := w.poll(0, tv, a.Text("device_code"))
		for _, secret := range []string{a.Text("device_code"), a.Text("user_code"), tokens.Text("access_token"), "correct horse", b.Cookie("oauth-session")} {
			Expect(secret).NotTo(BeEmpty())
			Expect(w.Log.String()).NotTo(ContainSubstring(secret))
		}
		Expect(w.Log.String()).To(ContainSubstring("A device was answered."))
	})
})

// atOnce makes that many calls, all released together.
func atOnce(n int, call func(i int) reply) []reply {
	replies := make([]reply, n)
	start := make(chan struct{})
	var calls sync.WaitGroup
	for i := range replies {
		calls.Go(func() {
			<-start
			replies[i] = call(i)
		})
	}
	close(start)
	calls.Wait()
	return replies
}
