package controllers

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// retiring is a client whose client secret was replaced at the time from, and
// whose old one is still in use.
type retiring struct {
	*crashWorld
	from time.Time
	old  string

	// look is when the controller looks again: zero for never.
	look time.Time
}

// newRetiring replaces the client secret of a client that retires it when it is
// unused for an hour.
func newRetiring(ns string, as *v1alpha1.AuthorizationServer, overlap time.Duration) *retiring {
	GinkgoHelper()
	w := &retiring{crashWorld: newCrashWorld(ns, as, crashScenario{spec: func(c *v1alpha1.OAuthClient) {
		c.Spec.Rotation = &v1alpha1.Rotation{
			Overlap: &metav1.Duration{Duration: overlap},
			Retire:  v1alpha1.RetireWhenUnused, UnusedFor: &metav1.Duration{Duration: time.Hour},
		}
	}})}
	w.refresh()
	w.old = w.client.Status.Credentials[0].ID
	w.sleep(100 * day)
	w.record(w.clock)
	w.edit(func(c *v1alpha1.OAuthClient) {
		c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "now"}
	})
	w.settle("replaced")
	w.from, w.transport.writes = w.clock, 0
	w.reconcile()
	return w
}

func (w *retiring) refresh() {
	GinkgoHelper()
	Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(w.client), w.client)).To(Succeed())
}

func (w *retiring) reconcile() {
	GinkgoHelper()
	result, err := w.reconciler.Reconcile(suiteCtx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.client)})
	Expect(err).NotTo(HaveOccurred())
	w.look = time.Time{}
	if result.RequeueAfter > 0 {
		w.look = w.clock.Add(result.RequeueAfter)
	}
}

// record is what the server writes of a use.
func (w *retiring) record(used time.Time) {
	GinkgoHelper()
	w.refresh()
	if p := find(w.client.Status.Credentials, w.old); p != nil {
		p.LastUsedAt = seconds(used)
		Expect(admin.Status().Update(suiteCtx, w.client)).To(Succeed())
	}
}

// accepts reports whether the server accepts the old client secret.
func (w *retiring) accepts() bool {
	GinkgoHelper()
	w.refresh()
	p := find(w.client.Status.Credentials, w.old)
	return p != nil && (p.ExpiresAt == nil || w.clock.Before(p.ExpiresAt.Time))
}

// pass lets a minute go by: the old secret may be used, and a use may be recorded.
func (w *retiring) pass(recorded time.Time) {
	GinkgoHelper()
	w.sleep(time.Minute)
	if !recorded.IsZero() {
		w.record(recorded)
		w.reconcile()
	}
	if !w.look.IsZero() && !w.clock.Before(w.look) {
		w.reconcile()
	}
}

var _ = Describe("A client secret that ends when it is unused", Serial, Ordered, func() {
	var as *v1alpha1.AuthorizationServer
	BeforeAll(func() {
		as = server()
		Expect(admin.Create(suiteCtx, as)).To(Succeed())
		expectReady(as)
		Eventually(verifierRing).ShouldNot(Equal(keyring.Ring{}))
		stopManager()
	})
	AfterAll(func() {
		stopManager = startManager()
		Expect(admin.Delete(suiteCtx, as)).To(Succeed())
	})

	const lasts = 10 * 60 // minutes for which it is used

	DescribeTable("does not end in use, however late that is known", func(overlap time.Duration, every, late int) {
		w := newRetiring(newNamespace(nil), as, overlap)
		var last time.Time
		for minute := 1; minute <= lasts; minute++ {
			var recorded time.Time
			if used := minute - late; used > 0 && used%every == 0 {
				recorded = w.from.Add(time.Duration(used) * time.Minute)
			}
			w.pass(recorded)
			if minute%every == 0 {
				last = w.clock
				Expect(w.accepts()).To(BeTrue(), "used %s after it was replaced", w.clock.Sub(w.from))
			}
		}
		Expect(w.transport.writes).To(BeNumerically("<=", lasts/60+1), "the end is moved on once an hour")

		for range 4 * 60 {
			w.pass(time.Time{})
			if w.accepts() {
				Expect(w.clock.Sub(last)).To(BeNumerically("<=", time.Hour+30*time.Minute))
			}
		}
		Expect(find(w.client.Status.Credentials, w.old)).To(BeNil(), "it has ended")
		Expect(w.look).To(BeZero(), "nothing is left to do")
		w.cleanUp()
	},
		Entry("used all the time, recorded every ten minutes", 2*time.Hour, 10, 1),
		Entry("used all the time, recorded late", time.Minute, 10, 19),
		Entry("used once an hour, recorded late", time.Minute, 60, 19),
		Entry("used once an hour, after a long overlap", 3*time.Hour, 60, 19),
		Entry("used once an hour, without an overlap", time.Duration(0), 60, 19),
	)

	It("is not given up by a controller that was away at its end", func() {
		w := newRetiring(newNamespace(nil), as, time.Hour)
		w.sleep(3 * time.Hour)
		w.record(w.clock.Add(-time.Hour - time.Minute)) // before the server refused it
		w.edit(func(c *v1alpha1.OAuthClient) { c.Annotations[v1alpha1.AnnotationRotate] = "again" })
		w.settle("back")
		Expect(w.accepts()).To(BeTrue())
		w.cleanUp()
	})

	It("is not kept by a use that is to come", func() {
		w := newRetiring(newNamespace(nil), as, time.Hour)
		w.sleep(55 * time.Minute)
		w.record(w.clock.Add(1000 * day))
		w.settle("recorded")
		w.refresh()
		Expect(find(w.client.Status.Credentials, w.old).ExpiresAt.Time).To(BeTemporally("<=", w.clock.Add(2*time.Hour)))
		w.cleanUp()
	})

	DescribeTable("has no more time than the overlap, whoever writes its status", func(retire v1alpha1.RetirePolicy, least, most time.Duration) {
		w := newRetiring(newNamespace(nil), as, 2*time.Hour)
		w.edit(func(c *v1alpha1.OAuthClient) { c.Spec.Rotation.Retire = retire; c.Spec.Rotation.UnusedFor = nil })
		w.settle("edited")
		forge := func(ends time.Time) time.Duration {
			GinkgoHelper()
			w.refresh()
			find(w.client.Status.Credentials, w.old).ExpiresAt = seconds(ends)
			Expect(admin.Status().Update(suiteCtx, w.client)).To(Succeed())
			w.reconcile()
			w.refresh()
			return find(w.client.Status.Credentials, w.old).ExpiresAt.Sub(w.clock)
		}
		Expect(forge(w.clock.Add(1000 * day))).To(And(BeNumerically(">=", least), BeNumerically("<=", most)))
		Expect(forge(w.clock.Add(time.Hour))).To(Equal(time.Hour), "what is less is left alone")
		for range 20 {
			w.pass(time.Time{})
		}
		w.refresh()
		Expect(find(w.client.Status.Credentials, w.old).ExpiresAt.Sub(w.clock)).To(Equal(40*time.Minute), "time passes")
		w.cleanUp()
	},
		Entry("after the overlap", v1alpha1.RetireAfterOverlap, 2*time.Hour, 2*time.Hour),
		Entry("when it is unused", v1alpha1.RetireWhenUnused, 2*time.Hour, 26*time.Hour),
	)
})
