package outbound

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/hack/silence"
)

func TestOutbound(t *testing.T) {
	// The environment is read once, by whatever asks first.
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("NO_PROXY", "")
	RegisterFailHandler(Fail)
	RunSpecs(t, "server/outbound")
}

var _ = Describe("SSRF: an address that a client names", func() {
	DescribeTable("is reached only if it is public",
		func(addresses string, ok bool) {
			for text := range strings.FieldsSeq(addresses) {
				Expect(reachable(netip.MustParseAddr(text), nil)).To(Equal(ok), text)
			}
		},
		Entry("public", "8.8.8.8 93.184.216.34 2606:2800:220:1:248:1893:25c8:1946", true),
		Entry("this machine", "127.0.0.1 127.9.9.9 127.255.255.255 ::1 0.0.0.0 :: 0.1.2.3", false),
		Entry("private networks", "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fd12::1", false),
		Entry("the Services and Pods of a cluster", "10.96.0.1 10.43.0.1 172.20.0.1 192.168.0.1 10.244.1.2 100.64.0.1 100.127.255.254 fd00:10:96::1", false),
		Entry("the metadata of a cloud", "169.254.169.254 fe80::1 fe80::1%eth0 100.100.100.200 fd00:ec2::254", false),
		Entry("IPv4 in disguise", "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::a00:1 2002:7f00:1:: 2001:0:7f00:1::", false),
		Entry("everybody and nobody", "224.0.0.1 255.255.255.255 240.0.0.1 ff02::1 198.18.0.1 192.0.2.1 2001:db8::1 3fff::1 5f00::1 100::1 fec0::1", false),
	)

	It("is reached in the networks that the operator names", func() {
		networks := []netip.Prefix{netip.MustParsePrefix("10.96.0.0/12")}
		Expect(reachable(netip.MustParseAddr("10.96.0.10"), networks)).To(BeTrue())
		Expect(reachable(netip.MustParseAddr("::ffff:10.96.0.10"), networks)).To(BeTrue())
		Expect(reachable(netip.MustParseAddr("10.0.0.10"), networks)).To(BeFalse())
	})

	It("is not asked for by a proxy of the environment, which nobody looks behind", func(ctx SpecContext) {
		c := New(Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		// It is no loopback address: those are asked for without a proxy in any case.
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://169.254.169.254/latest", http.NoBody)
		Expect(err).NotTo(HaveOccurred())
		response, err := c.Do(r)
		if err == nil {
			_ = response.Body.Close()
		}
		Expect(err).To(MatchError(ErrNetwork))
	})

	It("is asked over another connection when nobody answers on the one that is kept", func(ctx SpecContext) {
		server := silence.NewServer(http.NotFoundHandler())
		DeferCleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		c := New(Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RootCAs: roots})
		ask := func() (string, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, http.NoBody)
			Expect(err).NotTo(HaveOccurred())
			response, err := c.Do(r)
			if err != nil {
				return "", err
			}
			return response.Proto, response.Body.Close()
		}
		for range 2 {
			Expect(ask()).To(Equal("HTTP/2.0"))
		}
		Expect(server.Accepted()).To(Equal(1), "the connection is kept")

		server.Lose()
		Eventually(ask).WithContext(ctx).WithTimeout(25 * time.Second).Should(Equal("HTTP/2.0"))
		Expect(server.Accepted()).To(Equal(2))
	}, SpecTimeout(time.Minute))

	It("is looked at after its name was resolved, is on https, and sends nobody elsewhere", func(ctx SpecContext) {
		var hits atomic.Int64
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		}))
		DeferCleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		get := func(c *http.Client, address string) (int, error) {
			r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, address, http.NoBody)
			Expect(err).NotTo(HaveOccurred())
			response, err := c.Do(r)
			if err != nil {
				return 0, err
			}
			return response.StatusCode, response.Body.Close()
		}
		shut, open := New(Options{RootCAs: roots}), New(Options{RootCAs: roots, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		_, err := get(shut, server.URL)
		Expect(err).To(MatchError(ErrNetwork))
		_, err = get(shut, strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
		Expect(err).To(MatchError(ErrNetwork), "a name for it helps nobody")
		_, err = get(open, strings.Replace(server.URL, "https:", "http:", 1))
		Expect(err).To(MatchError(ErrScheme))
		Expect(hits.Load()).To(BeZero())

		Expect(get(open, server.URL)).To(Equal(http.StatusTemporaryRedirect))
		Expect(hits.Load()).To(Equal(int64(1)))
		_, err = get(New(Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}), server.URL)
		Expect(err).To(HaveOccurred(), "a certificate that nobody vouches for")
	})
})
