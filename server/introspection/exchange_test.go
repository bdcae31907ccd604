package introspection_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("Introspection of a token that another was exchanged for", func() {
	var (
		w         *world
		g         grant.Grant
		exchanged accesstoken.Claims
	)
	BeforeEach(func() {
		w = newWorld()
		g = w.grant(web)
		first := accesstoken.ForGrant(w.Settings, w.Clients[web], g, g.Scope, w.Now()).For(w.Settings, []string{calendarAPI})
		exchanged = first.Exchanged(w.Settings, w.Clients[calendar], first.Subject, filesAPI, oauth.Scope{"files:read"}, w.Now())
	})

	It("RFC 8693 §4.1: says who acts, to those who serve the target and to the client that acts", func() {
		for _, caller := range []string{files, calendar} {
			members := expectActive(w.introspect(caller, w.Sign(exchanged)))
			Expect(members).To(HaveKeyWithValue("act", map[string]any{"sub": calendar}))
			Expect(members).To(HaveKeyWithValue("client_id", calendar))
			Expect(members).To(HaveKeyWithValue("aud", filesAPI))
			Expect(members).NotTo(HaveKey("ocid"))
		}
		expectInactive(w.introspect(job, w.Sign(exchanged)), "nobody else")
		again := exchanged.Exchanged(w.Settings, w.Clients[files], exchanged.Subject, calendarAPI, nil, w.Now())
		Expect(expectActive(w.introspect(calendar, w.Sign(again)))).
			To(HaveKeyWithValue("act", map[string]any{"sub": files, "act": map[string]any{"sub": calendar}}))
	})

	It("is not active from the moment that the grant of the first token is revoked", func() {
		Expect(w.Grants.Revoke(context.Background(), g.Key(), grant.RevokedByClient)).To(Succeed())
		expectInactive(w.introspect(files, w.Sign(exchanged)))
	})

	It("is not active once one of the two clients is gone, or the first was made anew", func() {
		token := w.Sign(exchanged)
		kept := w.Clients[calendar]
		delete(w.Clients, calendar)
		expectInactive(w.introspect(files, token))
		w.Clients[calendar] = kept
		expectActive(w.introspect(files, token))
		w.Change(web, func(c *registration.Client) { c.UID = "another" })
		expectInactive(w.introspect(files, token))
		delete(w.Clients, web)
		expectInactive(w.introspect(files, token))
	})

	It("of a token of a client for itself: rests on both clients", func() {
		first := accesstoken.ForClient(w.Settings, w.Clients[job], nil, w.Now()).For(w.Settings, []string{calendarAPI})
		token := w.Sign(first.Exchanged(w.Settings, w.Clients[calendar], first.Subject, filesAPI, nil, w.Now()))
		Expect(expectActive(w.introspect(files, token))).To(HaveKeyWithValue("sub", job))
		delete(w.Clients, job)
		expectInactive(w.introspect(files, token))
	})
})
