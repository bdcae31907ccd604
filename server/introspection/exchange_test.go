package introspection_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
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
		first := accesstoken.ForGrant(w.settings, w.clients[web], g, g.Scope, w.now).For(w.settings, []string{calendarAPI})
		exchanged = first.Exchanged(w.settings, w.clients[calendar], first.Subject, filesAPI, oauth.Scope{"files:read"}, w.now)
	})

	It("RFC 8693 §4.1: says who acts, to those who serve the target and to the client that acts", func() {
		for _, caller := range []string{files, calendar} {
			members := expectActive(w.introspect(caller, w.sign(exchanged)))
			Expect(members).To(HaveKeyWithValue("act", map[string]any{"sub": calendar}))
			Expect(members).To(HaveKeyWithValue("client_id", calendar))
			Expect(members).To(HaveKeyWithValue("aud", filesAPI))
			Expect(members).NotTo(HaveKey("ocid"))
		}
		expectInactive(w.introspect(job, w.sign(exchanged)), "nobody else")
		again := exchanged.Exchanged(w.settings, w.clients[files], exchanged.Subject, calendarAPI, nil, w.now)
		Expect(expectActive(w.introspect(calendar, w.sign(again)))).
			To(HaveKeyWithValue("act", map[string]any{"sub": files, "act": map[string]any{"sub": calendar}}))
	})

	It("is not active from the moment that the grant of the first token is revoked", func() {
		Expect(w.grants.Revoke(context.Background(), g.Key(), grant.RevokedByClient)).To(Succeed())
		expectInactive(w.introspect(files, w.sign(exchanged)))
	})

	It("is not active once one of the two clients is gone, or the first was made anew", func() {
		token := w.sign(exchanged)
		kept := w.clients[calendar]
		delete(w.clients, calendar)
		expectInactive(w.introspect(files, token))
		w.clients[calendar] = kept
		expectActive(w.introspect(files, token))
		anew := *w.clients[web]
		anew.UID = "another"
		w.clients[web] = &anew
		expectInactive(w.introspect(files, token))
		delete(w.clients, web)
		expectInactive(w.introspect(files, token))
	})

	It("of a token of a client for itself: rests on both clients", func() {
		first := accesstoken.ForClient(w.settings, w.clients[job], nil, w.now).For(w.settings, []string{calendarAPI})
		token := w.sign(first.Exchanged(w.settings, w.clients[calendar], first.Subject, filesAPI, nil, w.now))
		Expect(expectActive(w.introspect(files, token))).To(HaveKeyWithValue("sub", job))
		delete(w.clients, job)
		expectInactive(w.introspect(files, token))
	})
})
