package throttle_test

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/throttle"
)

var _ = Describe("Limiter", func() {
	var (
		now     time.Time
		limiter *throttle.Limiter
	)

	BeforeEach(func() {
		now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		limiter = throttle.New(throttle.Options{Every: time.Second, Burst: 3, Keys: 100, Now: func() time.Time { return now }})
	})

	exhaust := func(key string) {
		GinkgoHelper()
		for range 3 {
			Expect(limiter.Allow(key)).To(BeTrue())
		}
		Expect(limiter.Allow(key)).To(BeFalse())
	}

	It("allows the burst, and then one event after each interval", func() {
		exhaust("a")
		now = now.Add(time.Second)
		Expect(limiter.Allow("a")).To(BeTrue())
		Expect(limiter.Allow("a")).To(BeFalse())
		now = now.Add(time.Hour)
		exhaust("a")
	})

	It("keeps keys apart", func() {
		exhaust("a")
		Expect(limiter.Allow("b")).To(BeTrue())
	})

	It("forgets on request", func() {
		exhaust("a")
		limiter.Forget("a")
		limiter.Forget("never seen")
		Expect(limiter.Len()).To(BeZero())
		exhaust("a")
	})

	It("remembers no more keys than it was told, however many and long they are", func() {
		for i := range 10_000 {
			limiter.Allow(strings.Repeat("x", 10_000) + strconv.Itoa(i))
		}
		Expect(limiter.Len()).To(Equal(100))
	})

	It("forgets the key that was used least recently", func() {
		exhaust("old")
		exhaust("busy")
		for i := range 99 {
			limiter.Allow("busy")
			limiter.Allow(strconv.Itoa(i))
		}
		Expect(limiter.Allow("busy")).To(BeFalse())
		Expect(limiter.Allow("old")).To(BeTrue())
	})

	It("remembers one key at least", func() {
		limiter = throttle.New(throttle.Options{Every: time.Hour, Burst: 3})
		exhaust("a")
		Expect(limiter.Len()).To(Equal(1))
	})

	It("allows the burst in all to callers at the same time", func() {
		var allowed atomic.Int64
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if limiter.Allow("a") {
					allowed.Add(1)
				}
			})
		}
		group.Wait()
		Expect(allowed.Load()).To(BeEquivalentTo(3))
	})
})
