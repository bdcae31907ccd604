package registration_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/registration"
)

// clock is a clock that is moved by hand.
type clock struct{ seconds atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.seconds.Store(time.Now().Unix())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(c.seconds.Load(), 0).UTC() }
func (c *clock) advance(d time.Duration) { c.seconds.Add(int64(d / time.Second)) }

// replica is a server as far as the recording of uses is concerned.
type replica struct {
	registrations *registration.Cluster
	recorder      *registration.Recorder
}

func newRecordingReplica(ctx context.Context, now func() time.Time) replica {
	GinkgoHelper()
	var r replica
	newReplica(ctx, plane.Config(), func(mgr cluster.Cluster) {
		var err error
		r.registrations, err = registration.NewOnClock(mgr, now)
		Expect(err).NotTo(HaveOccurred())
		r.recorder = registration.NewRecorder(mgr, r.registrations, logr.Discard())
	})
	Eventually(r.registrations.HasSynced).WithContext(ctx).Should(BeTrue())
	return r
}

var _ = Describe("the use of client secrets", func() {
	var (
		t        *team
		oac      *v1alpha1.OAuthClient
		id       string
		used     *registration.Client
		time0    *clock
		replicas []replica
	)
	BeforeEach(func(ctx SpecContext) {
		time0 = newClock()
		t = newTeam(ctx)
		oac = t.register(ctx, "web")
		id = v1alpha1.ClientID(oac.Namespace, oac.Name)
		used = &registration.Client{ID: id, UID: string(oac.UID)}
		replicas = []replica{newRecordingReplica(ctx, time0.now), newRecordingReplica(ctx, time0.now)}
		writes.Store(0)
		attempts.Store(0)
	})

	// current waits until every cache has the client as it is, and returns it.
	current := func(ctx context.Context) *v1alpha1.OAuthClient {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			// Anew each time: it may be written meanwhile.
			g.Expect(api.Get(ctx, client.ObjectKeyFromObject(oac), oac)).To(Succeed())
			for _, r := range replicas {
				g.Expect(r.registrations.Version(id)).To(Equal(oac.ResourceVersion))
			}
		}).WithContext(ctx).Should(Succeed())
		return oac
	}
	// record has all replicas write at the same time what they may.
	record := func(ctx context.Context) {
		var all sync.WaitGroup
		for _, r := range replicas {
			all.Go(func() { r.recorder.Record(ctx) })
		}
		all.Wait()
	}
	// authenticate has the credentials used at every replica, thousands of times.
	authenticate := func(credentials ...string) {
		var all sync.WaitGroup
		for _, r := range replicas {
			all.Go(func() {
				for range 2500 {
					for _, credential := range credentials {
						r.recorder.Used(used, credential)
					}
				}
			})
		}
		all.Wait()
	}
	lastUsed := func(oac *v1alpha1.OAuthClient, credential string) time.Time {
		GinkgoHelper()
		for _, c := range oac.Status.Credentials {
			if c.ID == credential {
				if c.LastUsedAt == nil {
					return time.Time{}
				}
				return c.LastUsedAt.UTC()
			}
		}
		Fail("no such credential")
		return time.Time{}
	}

	It("is in the status, of each by itself, and nothing else is touched", func(ctx SpecContext) {
		before := current(ctx).DeepCopy()
		authenticate("old")
		record(ctx)
		after := current(ctx)
		Expect(lastUsed(after, "old")).To(Equal(time0.now()))
		Expect(lastUsed(after, "new")).To(BeZero())
		after.Status.Credentials[1].LastUsedAt = nil
		Expect(after.Status).To(Equal(before.Status))
		Expect(after.Spec).To(Equal(before.Spec))
	})

	It("is written once in ten minutes, however many uses and replicas there are", func(ctx SpecContext) {
		current(ctx)
		var written []time.Time
		for range 3 * 60 {
			authenticate("old", "new")
			was := writes.Load()
			record(ctx)
			record(ctx)
			if writes.Load() > was {
				Expect(writes.Load()).To(Equal(was+1), "one of them wins")
				written = append(written, time0.now())
			}
			current(ctx)
			time0.advance(20 * time.Second)
		}
		Expect(written).To(HaveLen(6), "in an hour")
		for i := range written[1:] {
			Expect(written[i+1].Sub(written[i])).To(BeNumerically(">=", registration.UseInterval))
		}
		Expect(lastUsed(oac, "old")).To(Equal(written[5]))
		Expect(lastUsed(oac, "new")).To(Equal(written[5]))
	})

	It("is not written by a replica whose cache lags behind that of the one who has", func(ctx SpecContext) {
		lagged := registration.NewLagging(reader, time0.now)
		lagged.Learn(current(ctx).DeepCopy())
		late := registration.NewRecorder(mgr, lagged, logr.Discard())
		authenticate("new")
		record(ctx)
		time0.advance(time.Minute)
		for range 5 {
			late.Used(used, "new")
			late.Record(ctx)
		}
		Expect(writes.Load()).To(Equal(int64(1)))
		Expect(lastUsed(current(ctx), "new")).To(Equal(time0.now().Add(-time.Minute)))
	})

	It("is not written too early by a replica that was started since", func(ctx SpecContext) {
		time0.advance(-time.Minute)
		authenticate("new")
		time0.advance(time.Minute)
		record(ctx)
		current(ctx)

		replicas = append(replicas, newRecordingReplica(ctx, time0.now))
		current(ctx)
		time0.advance(registration.UseInterval - time.Second) // after the write, and more than that after the use
		authenticate("new")
		record(ctx)
		Expect(writes.Load()).To(Equal(int64(1)))
		time0.advance(time.Second)
		authenticate("new")
		record(ctx)
		Expect(writes.Load()).To(Equal(int64(2)), "by those that were there")
		Expect(lastUsed(current(ctx), "new")).To(Equal(time0.now()))

		fresh := newRecordingReplica(ctx, time0.now)
		replicas = []replica{fresh}
		current(ctx)
		time0.advance(2*registration.UseInterval - time.Second)
		authenticate("new")
		record(ctx)
		Expect(writes.Load()).To(Equal(int64(2)))
		time0.advance(time.Second)
		record(ctx)
		Expect(writes.Load()).To(Equal(int64(3)))
	})

	It("is not written of credentials, or of clients, that there are no more", func(ctx SpecContext) {
		current(ctx)
		authenticate("gone")
		record(ctx)
		used.UID = "of an earlier client of that name"
		authenticate("new")
		record(ctx)
		used.ID = "team.unknown"
		authenticate("new")
		record(ctx)
		Expect(attempts.Load()).To(BeZero())
		for _, r := range replicas {
			Expect(r.recorder.Noted()).To(BeZero(), "and does not stay in memory")
		}
	})

	It("is lost where it could not be written, and tried again only after that time", func(ctx SpecContext) {
		oac := oac.DeepCopy()
		oac.Name = "deleted"
		lagged := registration.NewLagging(reader, time0.now)
		lagged.Learn(oac)
		recorder := registration.NewRecorder(mgr, lagged, logr.Discard())
		for range 20 {
			recorder.Used(&registration.Client{ID: v1alpha1.ClientID(oac.Namespace, oac.Name), UID: string(oac.UID)}, "new")
			recorder.Record(ctx)
		}
		Expect(attempts.Load()).To(Equal(int64(1)))
		time0.advance(registration.UseInterval)
		recorder.Used(&registration.Client{ID: v1alpha1.ClientID(oac.Namespace, oac.Name), UID: string(oac.UID)}, "new")
		recorder.Record(ctx)
		Expect(attempts.Load()).To(Equal(int64(2)))
		Expect(writes.Load()).To(BeZero())
	})

	It("is written at a bounded rate, whatever the clients are", func(ctx SpecContext) {
		lagged := registration.NewLagging(reader, time0.now)
		recorder := registration.NewRecorder(mgr, lagged, logr.Discard())
		const clients = 5 * registration.UseRate / 2
		for i := range clients {
			other := oac.DeepCopy()
			other.Name = fmt.Sprint("other-", i)
			lagged.Learn(other)
			recorder.Used(&registration.Client{ID: v1alpha1.ClientID(other.Namespace, other.Name), UID: string(other.UID)}, "new")
		}
		began := time.Now()
		recorder.Record(ctx)
		Expect(attempts.Load()).To(Equal(int64(clients)))
		Expect(time.Since(began)).To(BeNumerically(">=", time.Second), "after a burst of as many as a second has")
	})

	It("is written behind the requests' back, and not at the end", func(ctx SpecContext) {
		current(ctx)
		running, stop := context.WithCancel(ctx)
		recorder := replicas[0].recorder
		recorder.Hurry()
		done := make(chan error, 1)
		go func() { done <- recorder.Start(running) }()
		recorder.Used(used, "new")
		Eventually(func() time.Time { return lastUsed(current(ctx), "new") }).WithContext(ctx).Should(Equal(time0.now()))
		recorder.Used(used, "old")
		stop()
		Eventually(done).WithContext(ctx).Should(Receive(BeNil()))
		Expect(writes.Load()).To(Equal(int64(1)))
		Expect(recorder.NeedLeaderElection()).To(BeFalse())
	})
})
