package controllers

import (
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// replaced is a client whose client secret is replaced, and a clock.
type replaced struct {
	*crashWorld

	// again is for how long the controller wants to be left alone: 0 for ever.
	again time.Duration
}

func newReplaced(ns string, as *v1alpha1.AuthorizationServer, rotation *v1alpha1.Rotation) *replaced {
	GinkgoHelper()
	w := &replaced{crashWorld: newCrashWorld(ns, as, crashScenario{spec: func(c *v1alpha1.OAuthClient) { c.Spec.Rotation = rotation }})}
	w.look()
	return w
}

// look has the controller do what there is to do at this time, and returns how
// often it wrote.
func (w *replaced) look() int {
	GinkgoHelper()
	w.transport.writes = 0
	w.settle("looking")
	writes := w.transport.writes
	result, err := w.reconciler.Reconcile(suiteCtx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.client)})
	Expect(err).NotTo(HaveOccurred())
	w.again = result.RequeueAfter
	Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(w.client), w.client)).To(Succeed())
	return writes
}

// at moves the clock to that time, and looks.
func (w *replaced) at(t time.Time) int {
	GinkgoHelper()
	w.clock = t.UTC()
	return w.look()
}

func (w *replaced) ask(value string) {
	GinkgoHelper()
	w.edit(func(c *v1alpha1.OAuthClient) { c.Annotations = map[string]string{v1alpha1.AnnotationRotate: value} })
}

func (w *replaced) secret() string {
	GinkgoHelper()
	return string(secretOf(w.client).Data[v1alpha1.SecretKeyClientSecret])
}

func (w *replaced) accepts(value string) bool {
	return len(verifiedBy(w.crashWorld, w.client, value)) > 0
}

func (w *replaced) states() (states []v1alpha1.CredentialState) {
	for _, p := range w.client.Status.Credentials {
		states = append(states, p.State)
	}
	return states
}

func spanOf(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

// What the credentials of a status are.
var (
	onlyCurrent = []v1alpha1.CredentialState{v1alpha1.CredentialCurrent}
	oneRetiring = append(slices.Clone(onlyCurrent), v1alpha1.CredentialRetiring)
)

var _ = Describe("The replacement of a client secret", Serial, Ordered, func() {
	var (
		as *v1alpha1.AuthorizationServer
		ns string
	)
	BeforeAll(func() {
		as = server()
		Expect(admin.Create(suiteCtx, as)).To(Succeed())
		expectReady(as)
		Eventually(verifierRing).ShouldNot(Equal(keyring.Ring{}))
		stopManager() // so that nobody else works on the clients, and the clock is ours
	})
	AfterAll(func() {
		stopManager = startManager()
		Expect(admin.Delete(suiteCtx, as)).To(Succeed())
	})
	BeforeEach(func() { ns = newNamespace(nil) })

	It("comes with the interval, and both client secrets are accepted for the overlap", func() {
		w := newReplaced(ns, as, &v1alpha1.Rotation{Interval: spanOf(48 * time.Hour), Overlap: spanOf(time.Hour)})
		born, first := w.clock, w.secret()
		Expect(w.client.Status.Rotation.NextAt.Time).To(BeTemporally("==", born.Add(48*time.Hour)))
		Expect(w.again).To(Equal(48 * time.Hour))

		Expect(w.at(born.Add(48*time.Hour-time.Second))).To(BeZero(), "before it is due")
		Expect(w.secret()).To(Equal(first))
		Expect(w.at(born.Add(48*time.Hour))).To(Equal(3), "what a replacement costs")
		second := w.secret()
		Expect(second).NotTo(Equal(first))
		Expect(w.states()).To(Equal(oneRetiring))
		Expect(w.client.Status.Credentials[0].CreatedAt.Time).To(BeTemporally("==", w.clock))
		Expect(w.client.Status.Credentials[0].ExpiresAt).To(BeNil())
		Expect(w.client.Status.Credentials[1].ExpiresAt.Time).To(BeTemporally("==", w.clock.Add(time.Hour)))
		Expect(w.client.Status.Rotation.LastAt.Time).To(BeTemporally("==", w.clock))
		Expect(w.client.Status.Rotation.NextAt.Time).To(BeTemporally("==", w.clock.Add(48*time.Hour)))

		Expect(w.at(born.Add(49*time.Hour-time.Second))).To(BeZero(), "within the overlap")
		Expect([]bool{w.accepts(first), w.accepts(second)}).To(Equal([]bool{true, true}))
		w.clock = born.Add(49 * time.Hour)
		Expect([]bool{w.accepts(first), w.accepts(second)}).To(Equal([]bool{false, true}), "before anybody has tidied up")
		Expect(w.look()).To(Equal(1))
		Expect(w.states()).To(Equal(onlyCurrent))
	})

	It("comes on demand, once for each value, and is acknowledged", func() {
		w := newReplaced(ns, as, nil)
		born, values := w.clock, []string{w.secret()}
		for i, value := range []string{"2026-11-24", "again"} {
			w.ask(value)
			Expect(w.at(born.Add(time.Duration(i+1) * time.Minute))).To(Equal(3))
			Expect(w.client.Status.Rotation.LastRequest).To(Equal(value))
			Expect(values).NotTo(ContainElement(w.secret()))
			values = append(values, w.secret())
			w.restart()
			Expect(w.look()).To(BeZero(), "a controller that remembers nothing")
			Expect(w.secret()).To(Equal(values[i+1]))
		}
		for _, value := range values {
			Expect(w.accepts(value)).To(BeTrue())
		}
		Expect(w.client.Status.Credentials[1].ExpiresAt.Time).To(BeTemporally("==", w.clock.Add(24*time.Hour)), "the overlap where none is said")
	})

	It("ends the old client secret at once where there is no overlap", func() {
		w := newReplaced(ns, as, &v1alpha1.Rotation{Overlap: spanOf(0)})
		first := w.secret()
		w.ask("now")
		Expect(w.look()).To(Equal(3))
		Expect(w.states()).To(Equal(onlyCurrent))
		Expect([]bool{w.accepts(first), w.accepts(w.secret())}).To(Equal([]bool{false, true}))
	})

	It("waits from Friday night to Monday morning for its window, and on demand for nothing", func() {
		w := newReplaced(ns, as, &v1alpha1.Rotation{Interval: spanOf(time.Hour), Overlap: spanOf(time.Hour), Window: &v1alpha1.RotationWindow{
			Days: []v1alpha1.Weekday{v1alpha1.Monday, v1alpha1.Tuesday, v1alpha1.Wednesday, v1alpha1.Thursday}, Start: "09:00", End: "17:00", TimeZone: "Europe/Berlin",
		}})
		first := w.secret()
		night := w.clock.Truncate(24 * time.Hour).Add(22 * time.Hour)
		for night.Weekday() != time.Friday || !night.After(w.clock) {
			night = night.Add(24 * time.Hour)
		}
		berlin, err := time.LoadLocation("Europe/Berlin")
		Expect(err).NotTo(HaveOccurred())
		year, month, today := night.In(berlin).Date()
		monday := time.Date(year, month, today+3, 9, 0, 0, 0, berlin)
		if local := night.In(berlin); local.Weekday() == time.Saturday { // 22:00 in London is 23:00 or midnight in Berlin
			monday = monday.AddDate(0, 0, -1)
		}
		Expect(monday.Weekday()).To(Equal(time.Monday))

		w.at(night)
		Expect(w.secret()).To(Equal(first))
		Expect(w.client.Status.Rotation.NextAt.Time).To(BeTemporally("==", monday))
		Expect(w.again).To(Equal(monday.Sub(night)))
		w.ask("it is urgent")
		w.look()
		second := w.secret()
		Expect(second).NotTo(Equal(first))
		w.at(monday.Add(-time.Second))
		Expect(w.secret()).To(Equal(second))
		w.at(monday)
		Expect(w.secret()).NotTo(Equal(second))
	})

	It("waits for room where four are retiring, and says so", func() {
		w := newReplaced(ns, as, &v1alpha1.Rotation{Overlap: spanOf(48 * time.Hour)})
		born := w.clock
		for i := range 4 {
			w.ask(strconv.Itoa(i))
			w.at(born.Add(time.Duration(i+1) * time.Hour))
		}
		fifth := w.secret()
		Expect(w.states()).To(Equal(append(slices.Clone(onlyCurrent), slices.Repeat(oneRetiring[1:], maxRetiring)...)))
		w.ask("one too many")
		w.at(born.Add(5 * time.Hour))
		Expect(w.secret()).To(Equal(fifth))
		Expect(w.client.Status.Rotation.LastRequest).To(Equal("3"))
		free := born.Add(49 * time.Hour)
		Expect(conditions(w.client)).To(ContainElement(And(
			HaveField("Type", v1alpha1.ConditionCredentialsReady), HaveField("Message", ContainSubstring(free.UTC().Format(time.RFC3339))))))
		Expect(w.look()).To(BeZero())
		w.at(free)
		Expect(w.secret()).NotTo(Equal(fifth))
		Expect(w.client.Status.Rotation.LastRequest).To(Equal("one too many"))
	})

	It("warns of each old client secret that is in use close to its end, and of each once", func() {
		w := newReplaced(ns, as, &v1alpha1.Rotation{Overlap: spanOf(time.Hour)})
		born := w.clock
		for i := range 2 {
			w.ask(strconv.Itoa(i))
			w.at(born.Add(time.Duration(i+1) * time.Minute))
		}
		used := seconds(born.Add(50 * time.Minute))
		w.client.Status.Credentials[1].LastUsedAt, w.client.Status.Credentials[2].LastUsedAt = used, used
		Expect(admin.Status().Update(suiteCtx, w.client)).To(Succeed())
		recorded := w.reconciler.events.(*events.FakeRecorder).Events
		warnings := func() (n int) {
			for len(recorded) > 0 {
				if strings.Contains(<-recorded, v1alpha1.EventRetiringSecretInUse) {
					n++
				}
			}
			return n
		}
		w.at(born.Add(54 * time.Minute))
		Expect(warnings()).To(BeZero(), "a tenth of the overlap before the end is not yet")
		w.at(born.Add(55*time.Minute + 30*time.Second))
		Expect(warnings()).To(Equal(1), "the first alone")
		w.at(born.Add(58 * time.Minute))
		Expect(warnings()).To(Equal(1), "the second alone")
		w.at(born.Add(59 * time.Minute))
		Expect(warnings()).To(BeZero())
	})

	It("waits for the key that its verifier is made with, and loses nothing meanwhile", func() {
		w := newReplaced(ns, as, nil)
		first := w.secret()
		w.reconciler.operatorNamespace = ns // where no key is
		w.ask("now")
		w.look()
		expectNot(w.client, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonVerifierKeyMissing)
		Expect(w.secret()).To(Equal(first))
		Expect(w.accepts(first)).To(BeTrue())
		w.restart()
		w.look()
		Expect(w.secret()).NotTo(Equal(first))
		Expect(w.client.Status.Rotation.LastRequest).To(Equal("now"))
	})

	It("follows an interval that comes, changes and goes", func() {
		w := newReplaced(ns, as, nil)
		born, first := w.clock, w.secret()
		interval := func(rotation *v1alpha1.Rotation) {
			w.edit(func(c *v1alpha1.OAuthClient) { c.Spec.Rotation = rotation })
			w.look()
		}
		Expect(w.again).To(BeZero())
		interval(&v1alpha1.Rotation{Interval: spanOf(100 * time.Hour)})
		Expect(w.client.Status.Rotation.NextAt.Time).To(BeTemporally("==", born.Add(100*time.Hour)))
		w.clock = born.Add(50 * time.Hour)
		interval(nil)
		Expect(w.client.Status.Rotation).To(Or(BeNil(), HaveField("NextAt", BeNil())))
		Expect(w.again).To(BeZero())
		Expect(w.secret()).To(Equal(first))
		interval(&v1alpha1.Rotation{Interval: spanOf(24 * time.Hour)})
		Expect(w.secret()).NotTo(Equal(first), "it is older than that")
	})
})

var _ = Describe("A client secret", func() {
	It("is replaced when somebody annotates the client, by a controller that is at work", func() {
		as := newServer()
		c := oauthClient(newNamespace(nil), as, func(*v1alpha1.OAuthClient) {})
		Expect(admin.Create(suiteCtx, c)).To(Succeed())
		expectReady(c)
		first := string(secretOf(c).Data[v1alpha1.SecretKeyClientSecret])
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"oauth-operator.dev/rotate":"now"}}}`))
		Expect(admin.Patch(suiteCtx, c, patch)).To(Succeed())
		Eventually(func() (*v1alpha1.RotationStatus, error) {
			err := admin.Get(suiteCtx, client.ObjectKeyFromObject(c), c)
			return c.Status.Rotation, err
		}).Should(HaveField("LastRequest", "now"))
		second := string(secretOf(c).Data[v1alpha1.SecretKeyClientSecret])
		issued.add(second)
		Expect(second).NotTo(Equal(first))
		Eventually(func() []string { return eventsOf(c.Namespace, c.Name) }).Should(
			ContainElement(HavePrefix("Normal " + v1alpha1.EventSecretRotated)))

		change(secretOf(c), func(s *corev1.Secret) { s.Data[v1alpha1.SecretKeyClientID] = []byte("damaged") })
		Eventually(func() []string { return eventsOf(c.Namespace, c.Name) }).Should(
			ContainElement(HavePrefix("Normal " + v1alpha1.EventSecretRepaired)))
	})

	It("is replaced without a restart where the installation makes none, which is said once", func() {
		ns := newNamespace(nil)
		c := readyClient(ns, newServer(), func(c *v1alpha1.OAuthClient) { c.Spec.Rotation = &v1alpha1.Rotation{RolloutRestart: true} })
		change(c, func(c *v1alpha1.OAuthClient) { c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "now"} })
		Eventually(func() (*v1alpha1.RotationStatus, error) {
			err := admin.Get(suiteCtx, client.ObjectKeyFromObject(c), c)
			return c.Status.Rotation, err
		}).Should(And(HaveField("LastRequest", "now"), HaveField("RestartedFor", "")))
		issued.add(string(secretOf(c).Data[v1alpha1.SecretKeyClientSecret]))
		warnings := func() (found []string) {
			for _, e := range eventsOf(ns, c.Name) {
				if strings.Contains(e, v1alpha1.EventRolloutRestartFailed) {
					found = append(found, e)
				}
			}
			return found
		}
		said := HaveExactElements(And(HavePrefix("Warning"), ContainSubstring("controller.rolloutRestart")))
		Eventually(warnings).Should(said)
		Consistently(warnings).Should(said)
	})

	It("that was replaced and is still used close to its end is told of, once", func() {
		ns := newNamespace(nil)
		c := readyClient(ns, newServer(), func(c *v1alpha1.OAuthClient) {
			c.Spec.Rotation = &v1alpha1.Rotation{Overlap: spanOf(time.Minute)} // its end is close all along
		})
		change(c, func(c *v1alpha1.OAuthClient) { c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "now"} })
		Eventually(func() ([]v1alpha1.ClientCredential, error) {
			err := admin.Get(suiteCtx, client.ObjectKeyFromObject(c), c)
			return c.Status.Credentials, err
		}).Should(HaveExactElements(HaveField("State", v1alpha1.CredentialCurrent), HaveField("State", v1alpha1.CredentialRetiring)))
		issued.add(string(secretOf(c).Data[v1alpha1.SecretKeyClientSecret]))
		warnings := func() (found []string) {
			for _, e := range eventsOf(ns, c.Name) {
				if strings.Contains(e, v1alpha1.EventRetiringSecretInUse) {
					found = append(found, e)
				}
			}
			return found
		}
		Expect(warnings()).To(BeEmpty())

		for i := range 2 {
			used := seconds(c.Status.Credentials[0].CreatedAt.Add(time.Duration(i+1) * time.Second))
			Eventually(func() error { // as the server does
				if err := admin.Get(suiteCtx, client.ObjectKeyFromObject(c), c); err != nil {
					return err
				}
				c.Status.Credentials[1].LastUsedAt = used
				return admin.Status().Update(suiteCtx, c)
			}).Should(Succeed())
			Eventually(warnings).Should(HaveLen(1))
		}
		Consistently(warnings).Should(HaveExactElements(HavePrefix("Warning")))
	})
})
