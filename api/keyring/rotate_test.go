package keyring_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
)

const day = 24 * time.Hour

// monthly makes a key every 30 days, published a day before, and kept for an
// hour after its successor took over.
var monthly = keyring.Schedule{Use: keyring.UseRefresh, Every: 30 * day, Ahead: day, Keep: time.Hour}

// rotate rotates the ring and expects no error.
func rotate(ring keyring.Ring, now time.Time, schedules ...keyring.Schedule) (keyring.Ring, bool, time.Time) {
	GinkgoHelper()
	next, changed, again, err := keyring.Rotate(ring, schedules, now)
	Expect(err).NotTo(HaveOccurred())
	return next, changed, again
}

// active returns the id of the active key.
func active(ring keyring.Ring, now time.Time) string {
	k, ok := ring.Active(monthly.Use, now)
	if !ok {
		return ""
	}
	return k.ID
}

var _ = Describe("Rotate", func() {
	It("makes the first key at once, for use at once", func() {
		ring, changed, again := rotate(keyring.Ring{}, start, monthly)
		Expect(changed).To(BeTrue())
		Expect(ring.Keys).To(HaveLen(1))
		Expect(ring.Keys[0].ID).To(MatchRegexp(`^[a-z2-7]{12}$`))
		Expect(active(ring, start)).To(Equal(ring.Keys[0].ID))
		Expect(again).To(Equal(start.Add(29 * day)))
	})

	It("leaves a ring that is as it should be", func() {
		ring, _, again := rotate(keyring.Ring{}, start, monthly)
		for _, at := range []time.Duration{0, time.Second, 10 * day, 29*day - time.Second} {
			next, changed, next2 := rotate(ring, start.Add(at), monthly)
			Expect(changed).To(BeFalse())
			Expect(next).To(Equal(ring))
			Expect(next2).To(Equal(again))
		}
	})

	It("publishes ahead, takes over, keeps and drops", func() {
		ring, _, _ := rotate(keyring.Ring{}, start, monthly)
		first := ring.Keys[0].ID

		published := start.Add(29 * day)
		ring, changed, again := rotate(ring, published, monthly)
		Expect(changed).To(BeTrue())
		Expect(ring.Keys).To(HaveLen(2))
		second := ring.Keys[1].ID
		takeover := start.Add(30 * day)
		dropped := takeover.Add(time.Hour)
		Expect(again).To(Equal(dropped), "nothing is to do before")

		for _, moment := range []struct {
			at        time.Time
			active    string
			published int
			oldGood   bool
		}{
			{published, first, 2, true},
			{takeover.Add(-time.Second), first, 2, true},
			{takeover, second, 2, true},
			{dropped.Add(-time.Second), second, 2, true},
			{dropped, second, 1, false},
		} {
			Expect(active(ring, moment.at)).To(Equal(moment.active), "%s", moment.at)
			Expect(ring.Published(monthly.Use, moment.at)).To(HaveLen(moment.published), "%s", moment.at)
			_, found := ring.Find(monthly.Use, first, moment.at)
			Expect(found).To(Equal(moment.oldGood), "%s", moment.at)
			_, found = ring.Find(monthly.Use, second, moment.at)
			Expect(found).To(BeTrue(), "%s", moment.at)
		}

		same, changed, _ := rotate(ring, dropped.Add(-time.Second), monthly)
		Expect(changed).To(BeFalse())
		Expect(same).To(Equal(ring))
		ring, changed, again = rotate(ring, dropped, monthly)
		Expect(changed).To(BeTrue())
		Expect(ring.Keys).To(HaveLen(1))
		Expect(ring.Keys[0].ID).To(Equal(second))
		Expect(again).To(Equal(takeover.Add(29 * day)))
	})

	It("has exactly one active key at any time, whenever it is asked", func() {
		for _, schedule := range []keyring.Schedule{
			monthly,
			{Use: monthly.Use, Every: time.Hour, Ahead: time.Hour, Keep: 30 * day},
			{Use: monthly.Use, Every: time.Hour, Ahead: 2 * time.Hour, Keep: time.Minute},
			{Use: monthly.Use, Every: day, Ahead: 0, Keep: time.Minute},
		} {
			for _, step := range []time.Duration{7 * time.Minute, 5 * time.Hour, 41 * day} {
				now := start
				ring, _, _ := rotate(keyring.Ring{}, now, schedule)
				made := map[string]time.Time{}
				for range 200 {
					before := active(ring, now)
					next, changed, again := rotate(ring, now, schedule)
					Expect(active(next, now)).NotTo(BeEmpty())
					if before != "" && schedule.Ahead > 0 {
						Expect(active(next, now)).To(Equal(before), "a new key is not in use before it is known")
					}
					Expect(again).To(BeTemporally(">=", now))
					if changed {
						twice, changedAgain, _ := rotate(next, now, schedule)
						Expect(changedAgain).To(BeFalse(), "one step is enough")
						Expect(twice).To(Equal(next))
					}
					for _, k := range next.Keys {
						if known, ok := made[k.ID]; ok {
							Expect(k.NotBefore).To(Equal(known), "a key does not move")
						}
						made[k.ID] = k.NotBefore
					}
					Expect(len(next.Keys)).To(BeNumerically("<", 1000))
					ring, now = next, now.Add(step)
				}
			}
		}
	})

	It("catches up after a long sleep without a surprise", func() {
		ring, _, _ := rotate(keyring.Ring{}, start, monthly)
		first, late := ring.Keys[0].ID, start.Add(100*day)
		ring, _, _ = rotate(ring, late, monthly)
		Expect(active(ring, late)).To(Equal(first), "the old key works until the new one is known")
		Expect(active(ring, late.Add(day))).To(Equal(ring.Keys[1].ID))
		_, found := ring.Find(monthly.Use, first, late.Add(day+time.Hour-time.Second))
		Expect(found).To(BeTrue())
	})

	It("keeps a key for longer when what it makes has come to be good for longer", func() {
		ring, _, _ := rotate(keyring.Ring{}, start, monthly)
		ring, _, _ = rotate(ring, start.Add(29*day), monthly)
		takeover := ring.Keys[1].NotBefore
		longer, shorter := monthly, monthly
		longer.Keep, shorter.Keep = 7*day, time.Minute

		kept, changed, again := rotate(ring, takeover.Add(-time.Hour), longer)
		Expect(changed).To(BeTrue())
		Expect(kept.Keys[0].NotAfter).To(Equal(takeover.Add(7 * day)))
		Expect(again).To(Equal(takeover.Add(7 * day)))

		same, changed, _ := rotate(kept, takeover.Add(-time.Hour), shorter)
		Expect(changed).To(BeFalse(), "what was made before is still good for as long")
		Expect(same).To(Equal(kept))
	})

	It("does not change the ring that it is given", func() {
		ring, _, _ := rotate(keyring.Ring{}, start, monthly)
		before := keyring.Ring{Keys: []keyring.Key{ring.Keys[0]}}
		_, _, _ = rotate(ring, start.Add(40*day), monthly)
		Expect(ring).To(Equal(before))
	})

	It("never replaces a key without a term", func() {
		forever := keyring.Schedule{Use: keyring.UseVerifier}
		ring, _, again := rotate(keyring.Ring{}, start, forever)
		Expect(again).To(BeZero())
		next, changed, _ := rotate(ring, start.Add(3650*day), forever)
		Expect(changed).To(BeFalse())
		Expect(next).To(Equal(ring))
	})

	It("keeps uses apart, and keys of uses that it has no schedule for", func() {
		ring, _, _ := rotate(keyring.Ring{}, start, monthly, keyring.Schedule{Use: keyring.UseCode})
		Expect(ring.Keys).To(HaveLen(2))
		code, ok := ring.Active(keyring.UseCode, start)
		Expect(ok).To(BeTrue())
		_, found := ring.Find(monthly.Use, code.ID, start)
		Expect(found).To(BeFalse())
		next, changed, _ := rotate(ring, start, monthly)
		Expect(changed).To(BeFalse())
		Expect(next).To(Equal(ring))
	})

	It("makes keys of the right kind", func() {
		ring, _, _ := rotate(keyring.Ring{}, start, keyring.Schedule{Use: keyring.UseSignES256},
			keyring.Schedule{Use: keyring.UseSignRS256}, keyring.Schedule{Use: keyring.UseBrowser})
		ec, err := x509.ParsePKCS8PrivateKey(ring.Keys[0].Material)
		Expect(err).NotTo(HaveOccurred())
		Expect(ec.(*ecdsa.PrivateKey).Curve).To(Equal(elliptic.P256()))
		rs, err := x509.ParsePKCS8PrivateKey(ring.Keys[1].Material)
		Expect(err).NotTo(HaveOccurred())
		Expect(rs.(*rsa.PrivateKey).N.BitLen()).To(Equal(2048))
		Expect(ring.Keys[2].Material).To(HaveLen(32))
	})
})

var _ = Describe("SecretName", func() {
	It("is a name of its own for every AuthorizationServer", func() {
		Expect(keyring.SecretName("main")).To(Equal("oauth-operator-keys-main"))
		Expect(keyring.SecretName("verifier")).NotTo(Equal(keyring.VerifierSecret))
	})
})
