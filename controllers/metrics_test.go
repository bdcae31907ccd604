package controllers

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"oauth-operator.dev/api/v1alpha1"
)

// always are the metrics that are there whenever a client is ready.
var always = []string{
	"oauth_operator_clients",
	"oauth_operator_client_secret_rotations_total",
	"oauth_operator_oldest_current_credential_created_timestamp_seconds",
	"oauth_operator_retiring_credentials_in_use",
}

// credentialOf returns a credential that was made so long ago, and used.
func credentialOf(id string, state v1alpha1.CredentialState, made time.Time, used, expires *time.Time) v1alpha1.ClientCredential {
	c := v1alpha1.ClientCredential{ID: id, State: state, CreatedAt: metav1.NewTime(made)}
	if used != nil {
		c.LastUsedAt = &metav1.Time{Time: *used}
	}
	if expires != nil {
		c.ExpiresAt = &metav1.Time{Time: *expires}
	}
	return c
}

func clientIn(state metav1.ConditionStatus, reason string, credentials ...v1alpha1.ClientCredential) v1alpha1.OAuthClient {
	c := v1alpha1.OAuthClient{}
	if reason != "" {
		c.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: state, Reason: reason}}
	}
	c.Status.Credentials = credentials
	return c
}

var _ = Describe("The metrics", func() {
	It("have names that promlint lets pass, in the registry that is served", func() {
		readyClient(newNamespace(nil), newServer())
		for _, name := range always {
			Eventually(func() (int, error) { return testutil.GatherAndCount(metrics.Registry, name) }).Should(BeNumerically(">", 0), name)
		}
		problems, err := testutil.GatherAndLint(metrics.Registry, always...)
		Expect(err).NotTo(HaveOccurred())
		Expect(problems).To(BeEmpty())

		By("those too that are not there always")
		problems, err = testutil.CollectAndLint(everyGauge{})
		Expect(err).NotTo(HaveOccurred())
		Expect(problems).To(BeEmpty())
	})

	It("count the clients by what Ready says", func() {
		count := func() (n float64) {
			families, err := metrics.Registry.Gather()
			Expect(err).NotTo(HaveOccurred())
			for _, f := range families {
				for _, m := range f.GetMetric() {
					if f.GetName() == "oauth_operator_clients" && m.GetLabel()[1].GetValue() == v1alpha1.ReasonSecretConflict {
						Expect(m.GetLabel()[0].GetValue()).To(Equal("False"))
						n = m.GetGauge().GetValue()
					}
				}
			}
			return n
		}
		before := count()
		c := oauthClient(newNamespace(nil), newServer())
		Expect(admin.Create(suiteCtx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: c.SecretName()}})).To(Succeed())
		Expect(admin.Create(suiteCtx, c)).To(Succeed())
		Eventually(count).Should(Equal(before + 1))
		Expect(admin.Delete(suiteCtx, c)).To(Succeed())
		Eventually(count).Should(Equal(before))
	})

	It("count the rotations by their cause", func() {
		before := testutil.ToFloat64(rotations.WithLabelValues(causeRepair))
		countRotation(causeRepair)
		Expect(testutil.ToFloat64(rotations.WithLabelValues(causeRepair))).To(Equal(before + 1))
	})

	It("tell of nothing where no manager leads, and are registered once for all managers", func() {
		restartManager()
		Eventually(func() *client.Reader { return gauges.cache.Load() }).ShouldNot(BeNil())
		idle := &clientGauges{}
		Expect(testutil.CollectAndCount(idle)).To(BeZero())
	})

	It("read the cache, which asks the API server for nothing", func() {
		refuses := &countingReader{}
		var reader client.Reader = refuses
		s := &clientGauges{}
		s.cache.Store(&reader)
		Expect(testutil.CollectAndCount(s)).To(BeNumerically(">", 0))
		Expect(refuses.lists).To(Equal(1))
	})
})

var _ = Describe("countClients", func() {
	var (
		now    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
		ago    = func(d time.Duration) time.Time { return now.Add(-d) }
		at     = func(t time.Time) *time.Time { return &t }
		in     = func(d time.Duration) *time.Time { return at(now.Add(d)) }
		is     = v1alpha1.CredentialCurrent
		was    = v1alpha1.CredentialRetiring
		coming = v1alpha1.CredentialPending
	)

	It("counts by status and reason, and that nobody is ready", func() {
		count := countClients(nil, now)
		Expect(count.byReady).To(Equal(map[readyState]int{{metav1.ConditionTrue, "Ready"}: 0}))
		count = countClients([]v1alpha1.OAuthClient{
			clientIn(metav1.ConditionTrue, "Ready"), clientIn(metav1.ConditionFalse, "NotAllowed"),
			clientIn(metav1.ConditionFalse, "NotAllowed"), clientIn("", ""),
		}, now)
		Expect(count.byReady).To(Equal(map[readyState]int{
			{metav1.ConditionTrue, "Ready"}: 1, {metav1.ConditionFalse, "NotAllowed"}: 2, {metav1.ConditionUnknown, "Unobserved"}: 1,
		}))
	})

	It("finds the oldest credential that is current", func() {
		Expect(countClients(nil, now).oldest).To(BeZero())
		count := countClients([]v1alpha1.OAuthClient{
			clientIn(metav1.ConditionTrue, "Ready", credentialOf("a", is, ago(2*time.Hour), nil, nil)),
			clientIn(metav1.ConditionTrue, "Ready",
				credentialOf("b", is, ago(5*time.Hour), nil, nil),
				credentialOf("c", was, ago(9*time.Hour), nil, in(time.Hour)),
				credentialOf("d", coming, ago(8*time.Hour), nil, nil)),
			// One from before there were states.
			clientIn(metav1.ConditionTrue, "Ready", credentialOf("e", "", ago(7*time.Hour), nil, nil)),
		}, now)
		Expect(count.oldest).To(Equal(ago(7 * time.Hour)))
	})

	It("finds what was replaced and is still used, and when the first of it ends", func() {
		one := func(used, expires *time.Time) clientCount {
			return countClients([]v1alpha1.OAuthClient{clientIn(metav1.ConditionTrue, "Ready",
				credentialOf("new", is, ago(time.Hour), at(ago(time.Minute)), nil),
				credentialOf("old", was, ago(3*time.Hour), used, expires),
				credentialOf("next", coming, ago(time.Second), nil, nil),
			)}, now)
		}
		Expect(one(nil, in(time.Hour)).lingering).To(BeZero(), "never used")
		Expect(one(at(ago(2*time.Hour)), in(time.Hour)).lingering).To(BeZero(), "used before it was replaced")
		Expect(one(at(ago(time.Minute)), in(-time.Second)).lingering).To(BeZero(), "it has ended")
		quick := countClients([]v1alpha1.OAuthClient{clientIn(metav1.ConditionTrue, "Ready",
			credentialOf("new", is, ago(time.Hour), nil, nil),
			credentialOf("old", was, ago(time.Hour), at(ago(time.Minute)), in(time.Hour)),
		)}, now)
		Expect(quick.lingering).To(Equal(1), "replaced in the second in which it was made")
		used := one(at(ago(time.Minute)), in(time.Hour))
		Expect(used.lingering).To(Equal(1))
		Expect(used.firstEnd).To(Equal(*in(time.Hour)))
	})
})

// everyGauge has each of the gauges once, without those that must be there.
type everyGauge struct{}

func (everyGauge) Describe(out chan<- *prometheus.Desc) { gauges.Describe(out) }

func (everyGauge) Collect(out chan<- prometheus.Metric) {
	for _, d := range []*prometheus.Desc{oldestDesc, lingeringDesc, firstEndDesc} {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, 1)
	}
	out <- prometheus.MustNewConstMetric(clientsDesc, prometheus.GaugeValue, 1, "True", "Ready")
}

// countingReader is an empty cache that counts what it is asked.
type countingReader struct{ lists int }

func (*countingReader) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	panic("nothing is read one by one")
}

func (r *countingReader) List(context.Context, client.ObjectList, ...client.ListOption) error {
	r.lists++
	return nil
}
