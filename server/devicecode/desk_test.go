package devicecode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	storage "oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// notes counts what is read and written, and keeps a copy of what is written.
type notes struct {
	Notes
	mutex         sync.Mutex
	reads, writes int
	written       map[string][]byte
	fault         error
}

func (n *notes) Note(ctx context.Context, id string, value []byte, until time.Time) error {
	n.mutex.Lock()
	n.writes++
	fault := n.fault
	n.written[id] = value
	n.mutex.Unlock()
	if fault != nil {
		return fault
	}
	return n.Notes.Note(ctx, id, value, until)
}

func (n *notes) Noted(ctx context.Context, id string) ([]byte, error) {
	n.mutex.Lock()
	n.reads++
	fault := n.fault
	n.mutex.Unlock()
	if fault != nil {
		return nil, fault
	}
	return n.Notes.Noted(ctx, id)
}

var _ = Describe("The desk", func() {
	var (
		now    time.Time
		store  *notes
		here   *Desk // two replicas of one store
		there  *Desk
		client = &registration.Client{ID: "team.tv", UID: "uid-of-team.tv"}
	)
	current := &keys.Current{}
	replica := func(name string, remembered int) *Desk {
		return New(Options{
			Settings: &issuer.Settings{Name: name, Lifetimes: issuer.Lifetimes{DeviceCode: 10 * time.Minute}},
			Keys:     current, Notes: store, Remembered: remembered, Now: func() time.Time { return now },
		})
	}
	BeforeEach(func() {
		now = epoch
		current.Store(set())
		store = &notes{Notes: storage.New(func() time.Time { return now }), written: map[string][]byte{}}
		here, there = replica("main", 0), replica("main", 0)
	})
	issue := func(d *Desk) Code {
		GinkgoHelper()
		c, text, err := d.Issue(client, oauth.Scope{"read"}, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(Open(set(), text, now)).To(Equal(c))
		return c
	}
	wait := func() { now = now.Add(Interval) }

	It("gives out codes and lets devices poll without a write", func(ctx SpecContext) {
		for range 20 {
			c := issue(here)
			_, err := here.Poll(ctx, c)
			Expect(err).To(MatchError(ErrPending))
			_, err = there.Poll(ctx, c)
			Expect(err).To(MatchError(ErrPending))
		}
		Expect(store.writes).To(BeZero())
	})

	It("finds what it has given out, and what it has seen polled, without the store", func(ctx SpecContext) {
		c := issue(here)
		Expect(here.Find(ctx, c.UserCode)).To(Equal(c))
		Expect(there.Find(ctx, c.UserCode)).Error().To(MatchError(ErrUnknown))
		Expect(there.Poll(ctx, c)).Error().To(MatchError(ErrPending))
		store.fault = errors.New("away")
		Expect(there.Find(ctx, c.UserCode)).To(Equal(c))
	})

	It("has a device that is called make itself known, once, wherever it polls", func(ctx SpecContext) {
		c := issue(here)
		Expect(there.Call(ctx, c.UserCode)).To(Succeed())
		Expect(there.Call(ctx, c.UserCode)).To(Succeed(), "twice is as good")
		Expect(there.Find(ctx, c.UserCode)).Error().To(MatchError(ErrUnknown))
		store.writes = 0
		for range 5 {
			Expect(here.Poll(ctx, c)).Error().To(MatchError(ErrPending))
			wait()
		}
		Expect(store.writes).To(Equal(1))
		Expect(there.Find(ctx, c.UserCode)).To(Equal(c))
		Expect(replica("other", 0).Find(ctx, c.UserCode)).Error().To(MatchError(ErrUnknown), "another issuer with the same keys")
	})

	It("writes nothing into the store by which a reader could poll, or see a code", func(ctx SpecContext) {
		c := issue(here)
		Expect(there.Call(ctx, c.UserCode)).To(Succeed())
		Expect(here.Poll(ctx, c)).Error().To(MatchError(ErrPending))
		Expect(there.Decide(ctx, c, Decision{Allowed: true, Subject: "alice"})).To(Succeed())
		Expect(store.written).To(HaveLen(3))
		for id, value := range store.written {
			Expect(open(set(), purposeCode, value, now)).Error().To(MatchError(ErrCode))
			for _, secret := range []string{string(c.UserCode), c.UserCode.String(), "alice", "team.tv"} {
				Expect(id).NotTo(ContainSubstring(secret))
				Expect(string(value)).NotTo(ContainSubstring(secret))
			}
		}
	})

	It("tells the device what the person has answered, wherever either is", func(ctx SpecContext) {
		for _, d := range []Decision{{Allowed: true, Subject: "alice", Scope: oauth.Scope{"read"}}, {}} {
			c := issue(here)
			Expect(there.Decide(ctx, c, d)).To(Succeed())
			d.GrantID = c.GrantID
			Expect(here.Poll(ctx, c)).To(Equal(d))
			Expect(there.Poll(ctx, c)).To(Equal(d))
		}
	})

	It("takes the first of many answers", func(ctx SpecContext) {
		c := issue(here)
		errs := make(chan error, 100)
		for i := range cap(errs) {
			go func() { errs <- here.Decide(ctx, c, Decision{Allowed: i%2 == 0, Subject: fmt.Sprint(i)}) }()
		}
		taken := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				taken++
			} else {
				Expect(err).To(MatchError(ErrDecided))
			}
		}
		Expect(taken).To(Equal(1))
	})

	It("does not take an answer for that of another request", func(ctx SpecContext) {
		c, other := issue(here), issue(here)
		Expect(here.Decide(ctx, c, Decision{Allowed: true, Subject: "alice"})).To(Succeed())
		Expect(store.Notes.Note(ctx, here.decisionID(other), store.written[here.decisionID(c)], now.Add(time.Hour))).To(Succeed())
		_, err := here.Poll(ctx, other)
		Expect(err).To(MatchError(ContainSubstring("no decision on this request")))
	})

	It("does not take the description of another request, or of one that is over, for that of a user code", func(ctx SpecContext) {
		c, other := issue(here), issue(here)
		Expect(there.Call(ctx, c.UserCode)).To(Succeed())
		Expect(here.Poll(ctx, c)).Error().To(MatchError(ErrPending))
		id := func(code UserCode) string {
			id, err := here.userCodeID(set(), noteRequest, code)
			Expect(err).NotTo(HaveOccurred())
			return id
		}
		description := store.written[id(c.UserCode)]
		Expect(description).NotTo(BeEmpty())
		Expect(store.Notes.Note(ctx, id(other.UserCode), description, now.Add(time.Hour))).To(Succeed())
		Expect(there.Find(ctx, other.UserCode)).Error().To(MatchError(ErrUnknown), "whoever writes to the store cannot swap devices")

		fresh := replica("fresh", 0) // whose store is behind, and keeps what is over
		late, err := fresh.userCodeID(set(), noteRequest, c.UserCode)
		Expect(err).NotTo(HaveOccurred())
		Expect(store.Notes.Note(ctx, late, description, now.Add(time.Hour))).To(Succeed())
		Expect(fresh.Find(ctx, c.UserCode)).To(Equal(c))
		now = now.Add(10 * time.Minute)
		Expect(fresh.Find(ctx, c.UserCode)).Error().To(MatchError(ErrUnknown))
	})

	It("is done with a code when its time is over: to find, to answer and to poll", func(ctx SpecContext) {
		c := issue(here)
		Expect(there.Call(ctx, c.UserCode)).To(Succeed())
		Expect(here.Poll(ctx, c)).Error().To(MatchError(ErrPending))
		now = now.Add(10 * time.Minute)
		Expect(here.Find(ctx, c.UserCode)).Error().To(MatchError(ErrUnknown))
		Expect(there.Find(ctx, c.UserCode)).Error().To(MatchError(ErrUnknown))
		Expect(here.Decide(ctx, c, Decision{Allowed: true})).To(MatchError(ErrExpired))
		Expect(here.Poll(ctx, c)).Error().To(MatchError(ErrExpired))
	})

	It("does not count an answer that was given in time and is asked for too late", func(ctx SpecContext) {
		c := issue(here)
		Expect(here.Decide(ctx, c, Decision{Allowed: true})).To(Succeed())
		now = now.Add(10 * time.Minute)
		Expect(here.Poll(ctx, c)).Error().To(MatchError(ErrExpired))
	})

	It("shows nobody a request of which it does not know whose it is", func(ctx SpecContext) {
		one, two := issue(here), issue(here)
		two.UserCode = one.UserCode
		Expect(here.Poll(ctx, two)).Error().To(MatchError(ErrPending))
		Expect(here.Find(ctx, one.UserCode)).Error().To(MatchError(ErrUnknown))
		Expect(there.Call(ctx, one.UserCode)).To(Succeed())
		wait()
		Expect(here.Poll(ctx, one)).Error().To(MatchError(ErrPending))
		Expect(there.Find(ctx, one.UserCode)).Error().To(MatchError(ErrUnknown), "nor tells another replica of it")
	})

	It("RFC 8628 §3.5: slows a device down that polls too often, by five seconds each time", func(ctx SpecContext) {
		c := issue(here)
		poll := func(after time.Duration) error {
			now = now.Add(after)
			_, err := here.Poll(ctx, c)
			return err
		}
		Expect(poll(0)).To(MatchError(ErrPending))
		Expect(poll(4*time.Second)).To(MatchError(ErrPending), "the network is not the device's fault")
		reads := store.reads
		Expect(poll(3 * time.Second)).To(MatchError(ErrSlowDown))
		Expect(poll(8 * time.Second)).To(MatchError(ErrSlowDown))
		Expect(store.reads).To(Equal(reads), "and costs nothing")
		Expect(poll(10 * time.Second)).To(MatchError(ErrSlowDown))
		Expect(poll(20 * time.Second)).To(MatchError(ErrPending))
		Expect(poll(5*time.Second)).To(MatchError(ErrSlowDown), "for all later requests too")
		Expect(there.Poll(ctx, c)).Error().To(MatchError(ErrPending), "each replica counts for itself")
	})

	It("remembers no more than it was told to, whatever strangers do, and forgets the oldest first", func(ctx SpecContext) {
		small := replica("main", 50)
		first := issue(small)
		for range 500 {
			c := issue(small)
			Expect(small.Poll(ctx, c)).Error().To(MatchError(ErrPending))
		}
		Expect(small.seen.count()).To(Equal(50))
		Expect(small.paces.count()).To(Equal(50))
		Expect(small.Find(ctx, first.UserCode)).Error().To(MatchError(ErrUnknown))
		Expect(small.Poll(ctx, first)).Error().To(MatchError(ErrPending))
		Expect(small.Find(ctx, first.UserCode)).To(Equal(first), "its next poll brings it back")
	})

	It("says that it does not know where the store does not answer", func(ctx SpecContext) {
		c := issue(here)
		store.fault = errors.New("away")
		for what, err := range map[string]error{
			"finding":  second(there.Find(ctx, c.UserCode)),
			"calling":  there.Call(ctx, c.UserCode),
			"deciding": there.Decide(ctx, c, Decision{}),
			"polling":  second(here.Poll(ctx, c)),
		} {
			Expect(err).To(MatchError(store.fault), what)
		}
	})

	It("says that there are no keys yet", func(ctx SpecContext) {
		current.Store(&keys.Set{})
		_, _, err := here.Issue(client, nil, nil)
		Expect(err).To(MatchError(keys.ErrNoKey))
		Expect(here.Call(ctx, "WDJBMJHT")).To(MatchError(keys.ErrNoKey))
		Expect(here.Find(ctx, "WDJBMJHT")).Error().To(MatchError(keys.ErrNoKey))
	})

	It("refuses a request that is too long to remember", func() {
		_, _, err := here.Issue(client, oauth.Scope{strings.Repeat("x", maxCode)}, nil)
		Expect(err).To(MatchError(ErrTooLong))
		Expect(here.seen.count()).To(BeZero())
	})
})

func second[T any](_ T, err error) error { return err }
