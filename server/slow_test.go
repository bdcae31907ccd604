package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// listen serves the handler with a Listener, and returns where.
func listen(handler http.Handler, bounds timeouts, tlsConfig *tls.Config) (address string) {
	GinkgoHelper()
	running, stop := context.WithCancel(context.Background())
	addresses := make(chan string, 1)
	l := &Listener{Address: "127.0.0.1:0", TLS: tlsConfig, Handler: handler, timeouts: bounds, Log: funcr.New(func(_, args string) {
		_, rest, _ := strings.Cut(args, `"address"="`)
		address, _, _ := strings.Cut(rest, `"`)
		addresses <- address
	}, funcr.Options{})}
	done := make(chan error, 1)
	go func() { done <- l.Start(running) }()
	DeferCleanup(func() {
		stop()
		Eventually(done, "30s").Should(Receive())
	})
	Eventually(addresses, "30s").Should(Receive(&address))
	return address
}

// dial connects by TCP.
func dial(address string) net.Conn {
	GinkgoHelper()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { _ = conn.Close() })
	return conn
}

// hold keeps a connection for as long as the other side lets it: it sends the
// beginning, then more, over and over, a piece at each tick. It returns how long
// that went well, and what came back.
func hold(conn net.Conn, begin, more string, tick time.Duration) (time.Duration, string) {
	start := time.Now()
	ended := make(chan string, 1)
	go func() {
		answer, _ := io.ReadAll(conn)
		ended <- string(answer)
	}()
	_, err := io.WriteString(conn, begin)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case answer := <-ended:
			return time.Since(start), answer
		case <-ticker.C:
			if err == nil && more != "" {
				_, err = io.WriteString(conn, more)
			}
		}
	}
}

// self is a certificate for 127.0.0.1, and who vouches for it.
func self() (*tls.Config, *x509.CertPool) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: s.TLS.Certificates}, roots
}

// short returns bounds of which one is short, so that nobody waits for those that
// users have, and the others are longer than any spec has patience for: it was that
// one that has ended a connection.
func short(set func(*timeouts)) timeouts {
	t := timeouts{header: time.Minute, read: time.Minute, write: time.Minute, idle: time.Minute, answer: time.Minute}
	set(&t)
	return t
}

var (
	shortHeader = short(func(t *timeouts) { t.header = 500 * time.Millisecond })
	shortRead   = short(func(t *timeouts) { t.read = 3 * time.Second })
	shortIdle   = short(func(t *timeouts) { t.idle = time.Second })
)

var _ = Describe("Slow", func() {
	const (
		patience = 20 * time.Second // of a machine that has much to do
		tick     = 100 * time.Millisecond
		many     = 50
		head     = "POST /token HTTP/1.1\r\nHost: id.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	)
	var s *site
	BeforeEach(func() { s = newSite(atRoot, quiet) })

	DescribeTable("headers and bodies: whoever trickles is let go at the bound, and others are served meanwhile",
		func(ctx SpecContext, bounds timeouts, begin, more, answer string) {
			bound := min(bounds.header, bounds.read, bounds.idle)
			address := listen(s, bounds, nil)
			var group sync.WaitGroup
			held, answers := make([]time.Duration, many), make([]string, many)
			for i := range many {
				conn := dial(address)
				group.Go(func() { held[i], answers[i] = hold(conn, begin, more, tick) })
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/jwks", http.NoBody)
			Expect(err).NotTo(HaveOccurred())
			r.Host = "id.example.com"
			start := time.Now()
			response, err := http.DefaultClient.Do(r)
			Expect(err).NotTo(HaveOccurred())
			Expect(response.Body.Close()).To(Succeed())
			Expect(response.StatusCode).To(Equal(http.StatusOK))
			Expect(time.Since(start)).To(BeNumerically("<", patience))
			group.Wait()
			// Here the clock starts later than there, by as much as the machine is busy.
			Expect(held).To(HaveEach(And(BeNumerically(">=", bound/2), BeNumerically("<", patience))))
			if more != "" { // what is sent to a closed connection can take the answer with it
				Expect(answers).To(HaveEach(Or(BeEmpty(), HavePrefix(answer))))
			} else {
				Expect(answers).To(HaveEach(HavePrefix(answer)))
			}
		},
		Entry("no byte at all", shortHeader, "", "", "", SpecTimeout(time.Minute)),
		Entry("half a request line", shortHeader, "POST /tok", "", "", SpecTimeout(time.Minute)),
		Entry("a header that never ends", shortHeader, head+"X-A: ", "a", "", SpecTimeout(time.Minute)),
		Entry("headers without end", shortHeader, head, "X-A: a\r\n", "", SpecTimeout(time.Minute)),
		Entry("a body, a byte now and then", shortRead, head+"Content-Length: 60000\r\n\r\n", "a", "HTTP/1.1 400 ", SpecTimeout(time.Minute)),
		Entry("a body that does not come", shortRead, head+"Content-Length: 60000\r\n\r\n", "", "HTTP/1.1 400 ", SpecTimeout(time.Minute)),
		Entry("a body in chunks, a byte now and then", shortRead, head+"Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", "HTTP/1.1 400 ", SpecTimeout(time.Minute)),
		Entry("the length of a chunk, a byte now and then", shortRead, head+"Transfer-Encoding: chunked\r\n\r\n", "0", "HTTP/1.1 400 ", SpecTimeout(time.Minute)),
		Entry("nothing more once it was answered", shortIdle, "GET /jwks HTTP/1.1\r\nHost: id.example.com\r\n\r\n", "", "HTTP/1.1 200 ", SpecTimeout(time.Minute)),
	)

	It("TLS handshakes: whoever does not go on is let go", func(ctx SpecContext) {
		config, roots := self()
		address := listen(s, shortHeader, config)
		held, _ := hold(dial(address), "\x16\x03\x01\x02\x00\x01", "\x00", tick)
		Expect(held).To(BeNumerically("<", patience))
		Expect(overHTTP2(ctx, address, roots, http.MethodGet, "/jwks", nil)).To(Equal(http.StatusOK))
	}, SpecTimeout(time.Minute))

	It("bodies over HTTP/2: whoever trickles is answered at the bound, and others are served meanwhile", func(ctx SpecContext) {
		config, roots := self()
		address := listen(s, shortRead, config)
		body, writer := io.Pipe()
		go func() {
			ticker := time.NewTicker(tick)
			defer ticker.Stop()
			for range ticker.C {
				if _, err := io.WriteString(writer, "a"); err != nil {
					return
				}
			}
		}()
		start, status := time.Now(), make(chan int, 1)
		go func() {
			defer GinkgoRecover()
			status <- overHTTP2(ctx, address, roots, http.MethodPost, "/token", body)
		}()
		Expect(overHTTP2(ctx, address, roots, http.MethodGet, "/jwks", nil)).To(Equal(http.StatusOK))
		Eventually(status, patience).Should(Receive(Equal(http.StatusBadRequest)))
		Expect(time.Since(start)).To(BeNumerically(">=", shortRead.read-tick))
		Expect(body.CloseWithError(io.ErrClosedPipe)).To(Succeed())
	}, SpecTimeout(time.Minute))

	It("readers: whoever does not take the answer is let go", func() {
		ended := make(chan error, 1)
		address := listen(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			var err error
			for piece := make([]byte, 1<<20); err == nil; {
				_, err = w.Write(piece)
			}
			ended <- err
		}), short(func(t *timeouts) { t.write = time.Second }), nil)
		_, err := fmt.Fprint(dial(address), "GET / HTTP/1.1\r\nHost: id.example.com\r\n\r\n")
		Expect(err).NotTo(HaveOccurred())
		Eventually(ended, patience).Should(Receive(HaveOccurred()))
	})

	It("answers: what an endpoint waits for is given up at the bound", func(ctx SpecContext) {
		address := listen(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), short(func(t *timeouts) { t.answer = time.Second }), nil)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address, http.NoBody)
		Expect(err).NotTo(HaveOccurred())
		start := time.Now()
		response, err := http.DefaultClient.Do(r)
		Expect(time.Since(start)).To(BeNumerically("<", patience))
		if err == nil {
			Expect(response.Body.Close()).To(Succeed())
		}
	}, SpecTimeout(time.Minute))

	It("none of the bounds that users have is missing", func() {
		Expect(defaultTimeouts.header).To(And(BeNumerically(">", 0), BeNumerically("<=", 10*time.Second)))
		Expect(defaultTimeouts.read).To(And(BeNumerically(">", defaultTimeouts.header), BeNumerically("<=", 30*time.Second)))
		Expect(defaultTimeouts.write).To(And(BeNumerically(">", defaultTimeouts.answer), BeNumerically("<=", time.Minute)))
		Expect(defaultTimeouts.idle).To(And(BeNumerically(">", 0), BeNumerically("<=", 5*time.Minute)))
		Expect(defaultTimeouts.answer).To(BeNumerically(">", 0))
	})
})

// overHTTP2 sends a request by HTTP/2 and returns the status of the answer.
func overHTTP2(ctx context.Context, address string, roots *x509.CertPool, method, path string, body io.Reader) int {
	GinkgoHelper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, method, "https://"+address+path, body)
	Expect(err).NotTo(HaveOccurred())
	r.Host = "id.example.com"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := transport.RoundTrip(r)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.ProtoMajor).To(Equal(2))
	Expect(response.Body.Close()).To(Succeed())
	return response.StatusCode
}
