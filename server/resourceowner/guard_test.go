package resourceowner

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The bounds on guessing", func() {
	var (
		now time.Time
		g   *guard
	)
	BeforeEach(func() {
		now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
		g = newGuard(func() time.Time { return now })
	})

	It("hold one attacker without touching the person elsewhere", func() {
		for range pairBurst {
			Expect(g.admit("alice", "attacker")).To(BeTrue())
		}
		for range 1000 {
			Expect(g.admit("alice", "attacker")).To(BeFalse())
		}
		Expect(g.admit("alice", "home")).To(BeTrue())
	})

	It("hold many attackers at once, for seconds", func() {
		admitted := 0
		for i := range 500 {
			if g.admit("alice", fmt.Sprint("attacker ", i)) {
				admitted++
			}
		}
		Expect(admitted).To(Equal(nameBurst))
		now = now.Add(nameEvery)
		Expect(g.admit("alice", "home")).To(BeTrue())
	})

	It("are not cleared by a login to an account of one's own", func() {
		for range sourceBurst {
			Expect(g.admit("mallory", "attacker")).To(BeTrue())
			g.forgive("mallory", "attacker")
		}
		Expect(g.admit("alice", "attacker")).To(BeFalse())
	})
})
