package registration_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/clientdocument"
	"oauth-operator.dev/server/outbound"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("OpenID Connect Core §8.1: a client with a sector identifier URI", func() {
	var (
		t        *team
		oac      *v1alpha1.OAuthClient
		document atomic.Pointer[string]
		hits     atomic.Int64
		clock    atomic.Int64 // seconds
		sectors  registration.SectorDocuments
		address  string
	)
	list := func(uris ...string) {
		GinkgoHelper()
		text, err := json.Marshal(uris)
		Expect(err).NotTo(HaveOccurred())
		s := string(text)
		document.Store(&s)
	}
	BeforeEach(func(ctx SpecContext) {
		hits.Store(0)
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			hits.Add(1)
			_, _ = w.Write([]byte(*document.Load()))
		}))
		DeferCleanup(s.Close)
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		address = s.URL + "/sector.json"
		sectors = clientdocument.New(clientdocument.Options{
			Client: outbound.New(outbound.Options{RootCAs: roots, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
			Log:    logr.Discard(), Now: func() time.Time { return time.Unix(clock.Load(), 0) },
		})
		clock.Store(1_000_000_000)
		list("https://one.example.com/cb", "https://two.example.org/cb", "https://other.example/cb")
		t = newTeam(ctx)
		oac = t.register(ctx, "web")
		change(ctx, oac, func() {
			oac.Spec.SubjectType = v1alpha1.SubjectTypePairwise
			oac.Spec.SectorIdentifierURI = address
			oac.Spec.RedirectURIs = []string{"https://one.example.com/cb", "https://two.example.org/cb"}
		})
	})
	lookup := func(ctx context.Context) (*registration.Client, error) {
		return registration.VerifySectors(server.For(t.server.Name), sectors).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
	}
	// served waits for the registration that names the redirect URI, in the cache: what
	// was looked up past it can be newer than what the next look finds.
	served := func(ctx context.Context, uri string) {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			g.Expect(server.Version(v1alpha1.ClientID(oac.Namespace, oac.Name))).To(Equal(oac.ResourceVersion))
			c, err := server.For(t.server.Name).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(c.OpenID.SectorIdentifierURI).NotTo(BeEmpty())
			g.Expect(c.MatchRedirectURI(uri)).To(BeTrue())
		}).WithContext(ctx).Should(Succeed())
	}

	It("may have several hosts, if all its redirect URIs are listed there; the sector is the host of that", func(ctx SpecContext) {
		served(ctx, "https://two.example.org/cb")
		for range 5 {
			c, err := lookup(ctx)
			Expect(err).NotTo(HaveOccurred())
			Expect(c.OpenID.Sector).To(Equal("127.0.0.1"), "without the port")
		}
		Expect(hits.Load()).To(Equal(int64(1)))
	})

	It("is refused while a redirect URI is not listed, which is looked at once a minute", func(ctx SpecContext) {
		served(ctx, "https://two.example.org/cb")
		list("https://one.example.com/cb", "https://TWO.example.org/cb", "https://two.example.org/cb/")
		for range 5 {
			_, err := lookup(ctx)
			Expect(err).To(MatchError(registration.ErrRefused))
			Expect(err).To(MatchError(ContainSubstring(`does not list the redirect URI "https://two.example.org/cb"`)))
		}
		Expect(hits.Load()).To(Equal(int64(1)))
		list("https://one.example.com/cb", "https://two.example.org/cb")
		clock.Add(60)
		Expect(lookup(ctx)).Error().NotTo(HaveOccurred())
		Expect(hits.Load()).To(Equal(int64(2)))
	})

	It("is refused with a redirect URI that was registered later and is not listed, whoever was verified before", func(ctx SpecContext) {
		served(ctx, "https://two.example.org/cb")
		Expect(lookup(ctx)).Error().NotTo(HaveOccurred())
		change(ctx, oac, func() { oac.Spec.RedirectURIs = append(oac.Spec.RedirectURIs, "https://evil.example/cb") })
		served(ctx, "https://evil.example/cb")
		_, err := lookup(ctx)
		Expect(err).To(MatchError(registration.ErrRefused))
	})

	It("is refused while the document cannot be had, and the reason is in the error", func(ctx SpecContext) {
		served(ctx, "https://two.example.org/cb")
		text := "<html>"
		document.Store(&text)
		_, err := lookup(ctx)
		Expect(err).To(MatchError(registration.ErrRefused))
		Expect(err).To(MatchError(And(ContainSubstring("spec.sectorIdentifierURI"), ContainSubstring("no JSON array"))))
	})

	It("is refused where nothing is fetched", func(ctx SpecContext) {
		served(ctx, "https://two.example.org/cb")
		_, err := registration.VerifySectors(server.For(t.server.Name), nil).Lookup(ctx, v1alpha1.ClientID(oac.Namespace, oac.Name))
		Expect(err).To(MatchError(registration.ErrRefused))
	})

	It("is not renewed to a state that is not verified", func(ctx SpecContext) {
		next := &renewing{newer: &registration.Client{RedirectURIs: []registration.RedirectURI{registration.CompileRedirectURI("https://one.example.com/cb", false)}}}
		verified := registration.VerifySectors(next, sectors)
		Expect(verified.Renew(ctx, &registration.Client{})).To(Equal(next.newer), "without one there is nothing to verify")
		next.newer.OpenID.SectorIdentifierURI = address
		Expect(verified.Renew(ctx, &registration.Client{})).To(Equal(next.newer))
		next.newer.RedirectURIs = append(next.newer.RedirectURIs, registration.CompileRedirectURI("https://evil.example/cb", false))
		Expect(verified.Renew(ctx, &registration.Client{})).To(BeNil())
		next.newer = nil
		Expect(verified.Renew(ctx, &registration.Client{})).To(BeNil())
		Expect(verified.Lookup(ctx, "x")).Error().To(MatchError(errAway), "what the registry says is passed on")
	})

	It("needs a policy that allows the host of the address", func(ctx SpecContext) {
		served(ctx, "https://two.example.org/cb")
		rules := func() *v1alpha1.PolicyRule { return &t.server.Spec.Policy.Rules[0] }
		change(ctx, t.server, func() { rules().RedirectHosts = []string{"*.example.com", "*.example.org"} })
		Eventually(func() error { _, err := lookup(ctx); return err }).WithContext(ctx).Should(
			MatchError(And(ContainSubstring("spec.sectorIdentifierURI"), ContainSubstring("127.0.0.1"), ContainSubstring("trusted"))))
		change(ctx, t.server, func() { rules().RedirectHosts = append(rules().RedirectHosts, "127.0.0.1") })
		Eventually(func() error { _, err := lookup(ctx); return err }).WithContext(ctx).Should(Succeed())
	})
})

var errAway = errors.New("the cache is away")

// renewing is a registry that knows a newer state of its one client.
type renewing struct{ newer *registration.Client }

func (*renewing) Lookup(context.Context, string) (*registration.Client, error) { return nil, errAway }

func (r *renewing) Renew(context.Context, *registration.Client) *registration.Client { return r.newer }

// change writes a change of an object.
func change(ctx context.Context, o client.Object, how func()) {
	GinkgoHelper()
	how()
	Expect(api.Update(ctx, o)).To(Succeed())
}
