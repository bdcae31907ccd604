package clientdocument_test

import (
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/clientdocument"
)

var _ = Describe("The memory of documents", func() {
	var (
		clock   time.Time
		fetches map[string]int
	)
	now := func() time.Time { return clock }
	fetch := func(address string) (string, time.Duration, error) {
		fetches[address]++
		return "of " + address, clientdocument.Fresh, nil
	}
	BeforeEach(func() {
		clock, fetches = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), map[string]int{}
	})

	It("is bounded, and lets go of what was not used for the longest time", func() {
		c := clientdocument.NewCache(3, 1, now, fetch)
		for _, address := range []string{"a", "b", "c"} {
			Expect(c.Get(address, false)).To(Equal("of " + address))
			clock = clock.Add(2 * time.Minute)
		}
		Expect(c.Get("a", false)).To(Equal("of a"))
		Expect(c.Get("d", false)).To(Equal("of d"))
		Expect(c.Len()).To(Equal(3))
		Expect(c.Get("a", false)).To(Equal("of a"))
		Expect(fetches).To(Equal(map[string]int{"a": 1, "b": 1, "c": 1, "d": 1}))
		Expect(c.Get("b", false)).To(Equal("of b"))
		Expect(fetches["b"]).To(Equal(2), "it had to go")
	})

	It("does not let go of an address that may not be asked yet: others wait", func() {
		c := clientdocument.NewCache(3, 1, now, fetch)
		for i := range 20 {
			_, err := c.Get(fmt.Sprint(i%4), true)
			if i%4 == 3 {
				Expect(err).To(MatchError(clientdocument.ErrBusy))
			} else {
				Expect(err).NotTo(HaveOccurred())
			}
		}
		Expect(fetches).To(Equal(map[string]int{"0": 1, "1": 1, "2": 1}))
		clock = clock.Add(clientdocument.Pause)
		Expect(c.Get("3", true)).To(Equal("of 3"))
	})

	It("lets go of what nobody has asked for in a day", func() {
		c := clientdocument.NewCache(100, 1, now, fetch)
		for i := range 50 {
			Expect(c.Get(fmt.Sprint(i), false)).Error().NotTo(HaveOccurred())
		}
		clock = clock.Add(clientdocument.Stale)
		Expect(c.Get("new", false)).Error().NotTo(HaveOccurred())
		Expect(c.Len()).To(Equal(1))
	})

	It("fetches so many at once, and no more; what is known counts for the others", func() {
		release, under := make(chan struct{}), make(chan struct{})
		slow := false
		c := clientdocument.NewCache(10, 1, now, func(address string) (string, time.Duration, error) {
			if slow {
				close(under)
				<-release
			}
			return fetch(address)
		})
		Expect(c.Get("known", false)).To(Equal("of known"))
		clock, slow = clock.Add(time.Hour), true
		done := make(chan string)
		go func() {
			defer GinkgoRecover()
			answer, err := c.Get("slow", false)
			Expect(err).NotTo(HaveOccurred())
			done <- answer
		}()
		<-under
		Expect(c.Get("unknown", false)).Error().To(MatchError(clientdocument.ErrBusy))
		Expect(c.Get("known", true)).To(Equal("of known"))
		slow = false
		close(release)
		Expect(<-done).To(Equal("of slow"))
		Expect(c.Get("unknown", false)).To(Equal("of unknown"), "that it was not asked does not count as asked")
	})

	It("survives a document that nobody has thought of", func() {
		c := clientdocument.NewCache(10, 1, now, func(string) (string, time.Duration, error) { panic(errors.New("s3cret")) })
		for range 3 {
			Expect(c.Get("a", true)).Error().To(MatchError(Not(ContainSubstring("s3cret"))))
			clock = clock.Add(clientdocument.Pause)
		}
	})
})
