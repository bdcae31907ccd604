package clientauth_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("Client authentication during a rotation", func() {
	var (
		w   *world
		web *registration.Client
	)
	BeforeEach(func() {
		w = newWorld()
		web = w.register("team.web", oauth.AuthMethodBasic, "old", "new")
		web.Credentials[0].ExpiresAt = w.now.Add(time.Hour)
	})
	with := func(secret string) error {
		_, err := w.send(basic("team.web:"+secret), "")
		return err
	}

	It("accepts the old secret beside the new one until it expires, and not from then on", func() {
		Expect(with("old")).To(Succeed())
		Expect(with("new")).To(Succeed())
		w.now = w.now.Add(time.Hour - time.Nanosecond)
		Expect(with("old")).To(Succeed())
		Expect(with("new")).To(Succeed())
		w.now = w.now.Add(time.Nanosecond)
		Expect(with("old")).To(haveCode(oauth.CodeInvalidClient))
		Expect(with("new")).To(Succeed())
	})

	It("refuses a client all of whose secrets have expired", func() {
		web.Credentials[1].ExpiresAt = w.now
		w.now = w.now.Add(time.Hour)
		Expect(with("old")).To(haveCode(oauth.CodeInvalidClient))
		Expect(with("new")).To(haveCode(oauth.CodeInvalidClient))
	})

	It("tells which credential was used, and nothing of what was not right", func() {
		w.register("team.spa", oauth.AuthMethodNone)
		Expect(with("old")).To(Succeed())
		Expect(with("new")).To(Succeed())
		Expect(with("guess")).NotTo(Succeed())
		_, err := w.send("", "client_id=team.web&client_secret=new")
		Expect(err).To(haveCode(oauth.CodeInvalidClient), "not by this method")
		_, err = w.send("", "client_id=team.spa")
		Expect(err).NotTo(HaveOccurred(), "a public client has no secret to use")
		_, err = w.send(basic("team.unknown:new"), "")
		Expect(err).To(haveCode(oauth.CodeInvalidClient))
		Expect(w.uses).To(HaveExactElements("team.web/a", "team.web/b"))
	})

	Describe("that this replica has not heard of", func() {
		var newer *registration.Client
		BeforeEach(func() {
			newer = w.client("team.web", oauth.AuthMethodBasic, "old", "new", "newest")
			w.registry.newer[web] = newer
		})

		It("looks again before it refuses, and goes on with what it finds", func() {
			result, err := w.send(basic("team.web:newest"), "")
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Client).To(BeIdenticalTo(newer))
			Expect(w.uses).To(HaveExactElements("team.web/c"))
			Expect(w.registry.renewals).To(Equal(1))
		})

		It("looks again at what another request has found, once", func() {
			newest := w.client("team.web", oauth.AuthMethodBasic, "latest")
			w.registry.newer[newer] = newest
			Expect(with("latest")).To(Succeed())
			Expect(w.registry.renewals).To(Equal(2))

			w.registry.newer[newest] = newer // and so on
			Expect(with("guess")).To(haveCode(oauth.CodeInvalidClient))
			Expect(w.registry.renewals).To(Equal(4))
		})

		It("does not look for what it knows, nor for clients that it does not know", func() {
			Expect(with("old")).To(Succeed())
			_, err := w.send(basic("team.unknown:newest"), "")
			Expect(err).To(haveCode(oauth.CodeInvalidClient))
			_, err = w.send(basic("team.refused:newest"), "")
			Expect(err).To(haveCode(oauth.CodeInvalidClient))
			Expect(w.registry.renewals).To(BeZero())
		})

		It("RFC 6749 §2.3.1: slows down who guesses all the same, and lets the new secret through", func() {
			for range 10 {
				Expect(with("guess")).NotTo(MatchError(clientauth.ErrThrottled))
			}
			Expect(with("guess")).To(MatchError(clientauth.ErrThrottled))
			Expect(with("newest")).To(Succeed())
		})
	})
})
