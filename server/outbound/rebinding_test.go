package outbound

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server whose answers are changed as a spec goes on.
type names struct {
	mutex   sync.Mutex
	answers []netip.Addr
	asked   int
}

func (n *names) become(addresses ...string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.answers, n.asked = nil, 0
	for _, a := range addresses {
		n.answers = append(n.answers, netip.MustParseAddr(a))
	}
}

// questions returns how often it was asked for these answers.
func (n *names) questions() int {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.asked
}

// resolver returns one that asks this name server, by UDP on loopback.
func (n *names) resolver() *net.Resolver {
	GinkgoHelper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(conn.Close)
	go func() {
		buffer := make([]byte, 1500)
		for {
			length, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply, err := n.reply(buffer[:length]); err == nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (n *names) reply(question []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.asked++
	for _, addr := range n.answers {
		about := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET}
		switch {
		case addr.Is4() && m.Questions[0].Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: about, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && m.Questions[0].Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: about, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	return m.Pack()
}

// The networks that the operator names stand for the public ones here: 127.0.0.2
// may be reached, and 127.0.0.1 may not.
var _ = Describe("DNS rebinding: a name that a client names", func() {
	var (
		dns             *names
		roots           *x509.CertPool
		inside, outside atomic.Int64
		port            string
		client          *http.Client
	)
	// serve answers at the address.
	serve := func(address string, handler http.HandlerFunc) *httptest.Server {
		GinkgoHelper()
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		Expect(err).NotTo(HaveOccurred())
		s := httptest.NewUnstartedServer(handler)
		Expect(s.Listener.Close()).To(Succeed())
		s.Listener = listener
		s.StartTLS()
		DeferCleanup(s.Close)
		roots.AddCert(s.Certificate())
		return s
	}
	get := func(ctx context.Context, address string) (int, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		Expect(err).NotTo(HaveOccurred())
		response, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}
	BeforeEach(func() {
		dns, roots = &names{}, x509.NewCertPool()
		inside.Store(0)
		outside.Store(0)
		public := serve("127.0.0.2:0", func(w http.ResponseWriter, r *http.Request) {
			outside.Add(1)
			http.Redirect(w, r, "https://example.com:"+port+"/metadata", http.StatusFound)
		})
		_, port, _ = net.SplitHostPort(public.Listener.Addr().String())
		serve("127.0.0.1:"+port, func(http.ResponseWriter, *http.Request) { inside.Add(1) })
		client = New(Options{RootCAs: roots, Resolver: dns.resolver(), Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	})

	It("is looked at each time that it is connected to: first it is public, then it is not", func(ctx SpecContext) {
		dns.become("127.0.0.2")
		Expect(get(ctx, "https://example.com:"+port+"/")).To(Equal(http.StatusFound))
		client.CloseIdleConnections()
		dns.become("127.0.0.1")
		_, err := get(ctx, "https://example.com:"+port+"/")
		Expect(err).To(MatchError(ErrNetwork))
		Expect(dns.questions()).To(BeNumerically(">", 0))
		Expect(outside.Load()).To(Equal(int64(1)))
		Expect(inside.Load()).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("is looked at address by address where it has several", func(ctx SpecContext) {
		for range 5 { // whichever of them is tried first
			dns.become("127.0.0.1", "127.0.0.2", "::1")
			Expect(get(ctx, "https://example.com:"+port+"/")).To(Equal(http.StatusFound))
			client.CloseIdleConnections()
		}
		Expect(inside.Load()).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("has its redirects left alone, wherever they lead", func(ctx SpecContext) {
		dns.become("127.0.0.2")
		Expect(get(ctx, "https://example.com:"+port+"/")).To(Equal(http.StatusFound))
		Expect(outside.Load()).To(Equal(int64(1)))
		Expect(inside.Load()).To(BeZero())
	}, SpecTimeout(time.Minute))

	DescribeTable("is not reached at", func(ctx SpecContext, address string) {
		dns.become(address)
		_, err := get(ctx, "https://example.com:"+port+"/")
		Expect(err).To(MatchError(ErrNetwork))
		Expect(inside.Load()).To(BeZero())
	},
		Entry("this machine", "127.0.0.1", SpecTimeout(time.Minute)),
		Entry("this machine by IPv6", "::1", SpecTimeout(time.Minute)),
		Entry("this machine as IPv4 in IPv6", "::ffff:127.0.0.1", SpecTimeout(time.Minute)),
		Entry("the metadata of a cloud", "169.254.169.254", SpecTimeout(time.Minute)),
		Entry("the metadata of a cloud as IPv4 in IPv6", "::ffff:169.254.169.254", SpecTimeout(time.Minute)),
		Entry("a link", "fe80::1", SpecTimeout(time.Minute)),
		Entry("a private network", "10.0.0.1", SpecTimeout(time.Minute)),
		Entry("a private network by IPv6", "fd00:ec2::254", SpecTimeout(time.Minute)),
		Entry("a private network by NAT64", "64:ff9b::a00:1", SpecTimeout(time.Minute)),
	)

	It("is reached at an allowed address also as IPv4 in IPv6", func(ctx SpecContext) {
		dns.become("::ffff:127.0.0.2")
		Expect(get(ctx, "https://example.com:"+port+"/")).To(Equal(http.StatusFound))
	}, SpecTimeout(time.Minute))
})
