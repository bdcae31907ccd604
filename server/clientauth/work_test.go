package clientauth_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

// The work is counted, not timed: a computation more or less is what a clock would
// show, and no clock is steady enough for a test.
var _ = Describe("Timing of secret comparison", func() {
	It("is the same work for a wrong secret, an unknown client, a refused one, and one without a secret", func() {
		w := newWorld()
		w.register("team.web", oauth.AuthMethodBasic, "s3cret")
		w.register("team.rotated", oauth.AuthMethodBasic, "old", "new")
		w.register("team.expired", oauth.AuthMethodBasic, "s3cret").Credentials[0].ExpiresAt = w.now.Add(-time.Hour)
		w.register("team.new", oauth.AuthMethodBasic)
		w.register("team.form", oauth.AuthMethodPost, "s3cret")
		w.register("team.spa", oauth.AuthMethodNone)
		w.register("team.broken", oauth.AuthMethodBasic, "s3cret").Credentials[0].Verifier = "v1.x"
		count := 0
		w.auth.Count(&count)
		work := map[string]int{}
		for _, id := range []string{
			"team.web", "team.rotated", "team.expired", "team.new", "team.form", "team.spa", "team.broken", "team.unknown", "team.refused", "team.web%00",
		} {
			for name, header := range map[string]string{"wrong": basic(id + ":wrong"), "empty": basic(id + ":")} {
				count = 0
				_, err := w.send(header, "")
				Expect(err).To(haveCode(oauth.CodeInvalidClient))
				work[id+" "+name] = count
			}
		}
		Expect(work).To(HaveEach(work["team.web wrong"]))
		Expect(work["team.web wrong"]).To(BeNumerically(">", 0))
	})

	It("is the same work whichever secret of a client matches", func() {
		w := newWorld()
		w.register("team.rotated", oauth.AuthMethodBasic, "old", "new")
		count, work := 0, map[string]int{}
		w.auth.Count(&count)
		for _, secret := range []string{"old", "new"} {
			count = 0
			_, err := w.send(basic("team.rotated:"+secret), "")
			Expect(err).NotTo(HaveOccurred())
			work[secret] = count
		}
		Expect(work["old"]).To(Equal(work["new"]))
	})
})
