package registration_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("a client that the cache knows by other secrets", func() {
	var (
		t      *team
		oac    *v1alpha1.OAuthClient
		id     string
		lagged *registration.Cluster
		now    time.Time
		known  *registration.Client // as the cache has it
	)
	BeforeEach(func(ctx SpecContext) {
		t = newTeam(ctx)
		t.server.Spec.Policy = nil
		now = time.Now()
		lagged = registration.NewLagging(reader, func() time.Time { return now })
		lagged.Learn(t.server.DeepCopy())
		oac = t.register(ctx, "web")
		id = v1alpha1.ClientID(oac.Namespace, oac.Name)
		lagged.Learn(oac.DeepCopy())
		var err error
		known, err = lagged.For(t.server.Name).Lookup(ctx, id)
		Expect(err).NotTo(HaveOccurred())
		liveRequests.Store(0)
	})
	renew := func(ctx context.Context, known *registration.Client) *registration.Client {
		return lagged.For(t.server.Name).Renew(ctx, known)
	}
	// rotate publishes the verifier of another secret.
	rotate := func(ctx context.Context, credential string) {
		GinkgoHelper()
		oac.Status.Credentials = append(oac.Status.Credentials, v1alpha1.ClientCredential{ID: credential, Verifier: "v1.key.sum"})
		Expect(api.Status().Update(ctx, oac)).To(Succeed())
	}
	// newest matches a client whose last credential has that id.
	newest := func(credential string) OmegaMatcher {
		return WithTransform(func(c *registration.Client) string { return c.Credentials[len(c.Credentials)-1].ID }, Equal(credential))
	}

	It("is known by the new one from the moment in which its verifier is in the status", func(ctx SpecContext) {
		for i := range 3 {
			credential := fmt.Sprint("rotated-", i)
			rotate(ctx, credential)
			// Of the two, the first may be what was found before.
			if c := renew(ctx, known); c != nil && c.Credentials[len(c.Credentials)-1].ID != credential {
				Expect(renew(ctx, c)).To(newest(credential))
			} else {
				Expect(c).To(newest(credential))
			}
		}
	})

	It("is not renewed where there is nothing newer", func(ctx SpecContext) {
		Expect(renew(ctx, known)).To(BeNil())
		rotate(ctx, "rotated")
		c := renew(ctx, known)
		Expect(c).To(newest("rotated"))
		Expect(renew(ctx, c)).To(BeNil())
		Expect(api.Delete(ctx, oac)).To(Succeed())
		Expect(renew(ctx, c)).To(BeNil())
	})

	It("is not renewed by another issuer's registry, nor into what may not be served", func(ctx SpecContext) {
		rotate(ctx, "rotated")
		Expect(lagged.For("other").Renew(ctx, known)).To(BeNil())
		oac.Spec.Scopes = []string{"unknown"}
		Expect(api.Update(ctx, oac)).To(Succeed())
		now = now.Add(registration.LiveMemory)
		Expect(renew(ctx, known)).To(BeNil())
	})

	It("costs one request, however many have the new secret, and none once the cache has it", func(ctx SpecContext) {
		rotate(ctx, "rotated")
		found := make(chan *registration.Client)
		for range 100 {
			go func() { found <- renew(ctx, known) }()
		}
		for range 100 {
			Expect(<-found).To(newest("rotated"))
		}
		Expect(liveRequests.Load()).To(Equal(int64(1)))
		lagged.Learn(oac.DeepCopy())
		Expect(lagged.For(t.server.Name).Lookup(ctx, id)).To(newest("rotated"))
		Expect(liveRequests.Load()).To(Equal(int64(1)))
	})

	It("is looked at within bounds that one who guesses cannot move", func(ctx SpecContext) {
		for range 100 {
			Expect(renew(ctx, known)).To(BeNil())
		}
		Expect(liveRequests.Load()).To(Equal(int64(registration.RenewAtOnce)), "as often as one client may be looked at")
		now = now.Add(registration.RenewEvery)
		for range 100 {
			Expect(renew(ctx, known)).To(BeNil())
		}
		Expect(liveRequests.Load()).To(Equal(int64(registration.RenewAtOnce + 1)))
	})

	It("is looked at within bounds that those who guess for all clients cannot move", func(ctx SpecContext) {
		var guessed []*registration.Client
		for i := range registration.RenewBurst + 10 {
			other := oac.DeepCopy()
			other.Name = fmt.Sprint("other-", i)
			lagged.Learn(other)
			c, err := lagged.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(other.Namespace, other.Name))
			Expect(err).NotTo(HaveOccurred())
			guessed = append(guessed, c)
		}
		guess := func() {
			for _, c := range guessed {
				Expect(renew(ctx, c)).To(BeNil())
			}
		}
		guess()
		Expect(liveRequests.Load()).To(Equal(int64(registration.RenewBurst)))
		now = now.Add(time.Second)
		guess()
		guess()
		Expect(liveRequests.Load()).To(Equal(int64(registration.RenewBurst + registration.RenewRate)))

		// They have taken nothing from clients that the cache does not know yet.
		late := t.register(ctx, "late")
		for i := range registration.LiveBurst - 1 {
			_, err := lagged.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, fmt.Sprint("unknown-", i)))
			Expect(err).To(MatchError(registration.ErrUnknown))
		}
		Expect(lagged.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(late.Namespace, late.Name))).NotTo(BeNil())
	})

	It("is not waited for by one who has gone", func(ctx SpecContext) {
		rotate(ctx, "rotated")
		gone, cancel := context.WithCancel(ctx)
		cancel()
		Expect(renew(gone, known)).To(BeNil())
	})
})
