package controllers

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// interruptedScenarios are changes after which the client secret is the same,
// whatever write of them fails.
var interruptedScenarios = []crashScenario{
	{name: "the loss of the Secret that a brought one is copied to", spec: reference1, begin: (*crashWorld).lose, keeps: true},
	{name: "damage to the Secret that a brought one is copied to", spec: reference1, begin: (*crashWorld).damage, keeps: true},
	{name: "a template", begin: withTemplate, keeps: true},
	{name: "another deletion policy", begin: func(w *crashWorld) {
		w.edit(func(c *v1alpha1.OAuthClient) { c.Spec.Secret.DeletionPolicy = v1alpha1.DeletionPolicyRetain })
	}, keeps: true},
}

var _ = Describe("A change of a Secret that is interrupted", Serial, Ordered, func() {
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

	// everyFailure runs a world for each way in which each of its writes can fail.
	everyFailure := func(run func(w func(*crashWorld), by string) *crashWorld) {
		GinkgoHelper()
		for _, failure := range failures {
			for _, kill := range []bool{false, true} {
				for nth := 1; ; nth++ {
					w := run(func(w *crashWorld) {
						w.transport.nth, w.transport.failure, w.transport.kill = nth, failure, kill
					}, fmt.Sprintf("write %d %s, killed: %t", nth, failure.name, kill))
					w.cleanUp()
					if !w.transport.failed {
						Expect(nth).To(BeNumerically(">", 1), "there is a write")
						break
					}
				}
			}
		}
	}

	for _, scenario := range interruptedScenarios {
		It("keeps the client secret at every write: "+scenario.name, func() {
			ns := newNamespace(nil)
			everyFailure(func(arm func(*crashWorld), by string) *crashWorld {
				w := newCrashWorld(ns, as, scenario)
				arm(w)
				w.run(by)
				return w
			})
		})
	}

	It("keeps all that is in a Secret that a new client takes over", func() {
		ns := newNamespace(nil)
		allow(ns, "*")
		everyFailure(func(arm func(*crashWorld), by string) *crashWorld {
			value := strongValue()
			legacy := brought(ns, unique("legacy"), v1alpha1.SecretKeyClientSecret, value)
			Expect(admin.Create(suiteCtx, legacy)).To(Succeed())
			w := &crashWorld{ring: verifierRing(), clock: time.Now().UTC().Truncate(time.Second), transport: &faultyTransport{}}
			w.client = oauthClient(ns, as, wants(legacy.Name))
			Expect(admin.Create(suiteCtx, w.client)).To(Succeed())
			w.restart()
			arm(w)
			w.transport.wrote = func(int) {
				if s := secretOf(w.client); s == nil || string(s.Data["other"]) != "none of ours" || held(w.client) != value {
					w.violations = append(w.violations, fmt.Errorf("%s: something is lost", by))
				}
			}
			w.settle(by)
			w.transport.release()
			w.settle(by)
			Expect(w.violations).To(BeEmpty(), by)
			Expect(complete(w.client)).To(Succeed(), by)
			Expect(secretOf(w.client).UID).To(Equal(legacy.UID), by)
			Expect(acceptedAs(w.client, value)).To(HaveExactElements(v1alpha1.CredentialCurrent), by)
			return w
		})
	})
})
