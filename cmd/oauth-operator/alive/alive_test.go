package alive_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/cmd/oauth-operator/alive"
)

func TestAlive(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second) // of a machine that is busy
	RunSpecs(t, "alive")
}

var _ = Describe("A process", func() {
	var (
		now      time.Time
		watchdog *alive.Watchdog
	)

	BeforeEach(func() {
		now = time.Now()
		watchdog = alive.New(time.Minute, func() time.Time { return now })
	})

	It("is alive while it has nothing to do, and while its work ends in time", func() {
		Expect(watchdog.Check(nil)).To(Succeed())
		done := watchdog.Watch("a look at an object")
		now = now.Add(time.Minute)
		Expect(watchdog.Check(nil)).To(Succeed())
		done()
		now = now.Add(time.Hour)
		Expect(watchdog.Check(nil)).To(Succeed())
	})

	It("is not alive when one piece of work does not end, whatever else goes on", func() {
		watchdog.Watch("a look at an object")
		now = now.Add(time.Minute + time.Second)
		watchdog.Watch("another one")()
		Expect(watchdog.Check(nil)).To(MatchError(ContainSubstring("a look at an object is under way since 1m1s")))
	})

	It("is not alive when a request waits for a lock that nobody releases", func() {
		var deadlock sync.Mutex
		deadlock.Lock()
		entered, left := make(chan struct{}), make(chan struct{})
		handler := watchdog.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(entered)
			deadlock.Lock()
		}))
		go func() {
			defer close(left)
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		}()
		Eventually(entered).Should(BeClosed())
		Expect(watchdog.Check(nil)).To(Succeed())
		now = now.Add(2 * time.Minute)
		Expect(watchdog.Check(nil)).To(MatchError(ContainSubstring("a request")))
		deadlock.Unlock()
		Eventually(left).Should(BeClosed())
		Expect(watchdog.Check(nil)).To(Succeed())
	})

	It("forgets a request whose handler panics", func() {
		handler := watchdog.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		Expect(func() { handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)) }).To(Panic())
		now = now.Add(time.Hour)
		Expect(watchdog.Check(nil)).To(Succeed())
	})
})
