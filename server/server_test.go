package server

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// nobody is a Directory without people, and a Registry without clients.
type nobody struct{}

func (nobody) Authenticate(context.Context, string, string) (*resourceowner.Person, error) {
	return nil, resourceowner.ErrNoSuchLogin
}

func (nobody) Person(context.Context, string) (*resourceowner.Person, error) {
	return nil, resourceowner.ErrUnknown
}

func (nobody) Lookup(context.Context, string) (*registration.Client, error) {
	return nil, registration.ErrUnknown
}

func (nobody) Renew(context.Context, *registration.Client) *registration.Client { return nil }

func newServer(log logr.Logger, registerer prometheus.Registerer, issuers ...string) *Server {
	s := New(Options{
		Registry:   func(*issuer.Settings) registration.Registry { return nobody{} },
		Keys:       func(string) *keys.Current { return &keys.Current{} },
		Verifiers:  &keys.Verifiers{},
		Grants:     memory.New(nil),
		People:     nobody{},
		Registerer: registerer,
		Log:        log,
	})
	s.SetIssuers(settingsOf(issuers...))
	return s
}

func settingsOf(issuers ...string) []*issuer.Settings {
	settings := make([]*issuer.Settings, len(issuers))
	for i, url := range issuers {
		settings[i] = &issuer.Settings{Name: url, Issuer: url, IDTokenAlg: "RS256"}
	}
	return settings
}

func get(s http.Handler, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody)
	r.Host = host
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// issuerAt returns the issuer of the metadata that is served there.
func issuerAt(s http.Handler, host, path string) string {
	w := get(s, host, path)
	if w.Code != http.StatusOK {
		return ""
	}
	var document struct {
		Issuer string `json:"issuer"`
	}
	Expect(json.Unmarshal(w.Body.Bytes(), &document)).To(Succeed())
	return document.Issuer
}

var _ = Describe("Finding the issuer of a request", func() {
	s := newServer(logr.Discard(), nil, "https://id.example.com", "https://id.example.com/team", "https://other.example.com:8443")

	DescribeTable("goes by host and path",
		func(host, path, expected string) { Expect(issuerAt(s, host, path)).To(Equal(expected)) },
		Entry("RFC 8414 §3.1", "id.example.com", "/.well-known/oauth-authorization-server", "https://id.example.com"),
		Entry("RFC 8414 §3.1: the well-known part stands before the path", "id.example.com", "/.well-known/oauth-authorization-server/team", "https://id.example.com/team"),
		Entry("OpenID Connect Discovery §4: and there behind it", "id.example.com", "/team/.well-known/openid-configuration", "https://id.example.com/team"),
		Entry("a host in capitals", "ID.Example.COM", "/.well-known/openid-configuration", "https://id.example.com"),
		Entry("the default port", "id.example.com:443", "/.well-known/openid-configuration", "https://id.example.com"),
		Entry("a port of its own", "other.example.com:8443", "/.well-known/openid-configuration", "https://other.example.com:8443"),
		Entry("not without that port", "other.example.com", "/.well-known/openid-configuration", ""),
		Entry("not for another host", "evil.example.com", "/.well-known/openid-configuration", ""),
		Entry("not for a host that only begins like one", "id.example.com.evil.example", "/.well-known/openid-configuration", ""),
		Entry("not for a path that only begins like one", "id.example.com", "/teams/.well-known/openid-configuration", ""),
		Entry("not with a path that has to be cleaned first", "id.example.com", "/x/../.well-known/openid-configuration", ""),
	)

	It("is not led astray by forwarded headers", func() {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/.well-known/openid-configuration", http.NoBody)
		r.Host = "evil.example.com"
		r.Header.Set("X-Forwarded-Host", "id.example.com")
		r.Header.Set("Forwarded", "host=id.example.com")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		Expect(w.Code).To(Equal(http.StatusNotFound))
	})

	It("follows the issuers: new ones are served, and those that are gone are not", func() {
		s := newServer(logr.Discard(), nil, "https://a.example.com")
		before := s.routes.Load().byIssuer["https://a.example.com"]
		s.SetIssuers(settingsOf("https://a.example.com", "https://b.example.com"))
		Expect(issuerAt(s, "b.example.com", "/.well-known/openid-configuration")).To(Equal("https://b.example.com"))
		Expect(s.routes.Load().byIssuer["https://a.example.com"]).To(BeIdenticalTo(before), "what did not change is not built anew")
		s.SetIssuers(settingsOf("https://b.example.com"))
		Expect(issuerAt(s, "a.example.com", "/.well-known/openid-configuration")).To(BeEmpty())
	})
})

var _ = Describe("Around every endpoint", func() {
	It("a panic is answered with 500, and its value is not logged", func() {
		var lines strings.Builder
		log := funcr.New(func(_, args string) { lines.WriteString(args) }, funcr.Options{})
		s := newServer(log, nil)
		handler := s.endpoint("token", log, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the secret") }))
		w := get(handler, "id.example.com", "/")
		Expect(w.Code).To(Equal(http.StatusInternalServerError))
		Expect(lines.String()).To(And(ContainSubstring("panicked"), Not(ContainSubstring("the secret"))))
	})

	It("answers are counted by endpoint and status, and nothing that strangers send becomes a label", func() {
		registry := prometheus.NewPedanticRegistry()
		s := newServer(logr.Discard(), registry, "https://id.example.com")
		get(s, "id.example.com", "/authorize?client_id=nobody")
		get(s, "id.example.com", "/made-up")
		Expect(testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP oauth_operator_server_requests_total Requests answered, by endpoint and HTTP status.
# TYPE oauth_operator_server_requests_total counter
oauth_operator_server_requests_total{code="400",endpoint="authorize"} 1
`), "oauth_operator_server_requests_total")).To(Succeed())
		Expect(testutil.GatherAndLint(registry)).To(BeEmpty())
	})
})

var _ = Describe("The address of the caller", func() {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	caller := func(remote string, forwarded ...string) (seen string) {
		handler := TrustProxies(proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RemoteAddr }))
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = remote
		for _, f := range forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		return seen
	}

	DescribeTable("is believed from trusted proxies alone",
		func(remote string, forwarded []string, expected string) {
			Expect(caller(remote, forwarded...)).To(HavePrefix(expected))
		},
		Entry("a trusted proxy", "10.1.2.3:1000", []string{"192.0.2.7"}, "192.0.2.7:"),
		Entry("what the caller put in front is not believed", "10.1.2.3:1000", []string{"198.51.100.1, 192.0.2.7"}, "192.0.2.7:"),
		Entry("two proxies and two headers", "10.1.2.3:1000", []string{"192.0.2.7", "10.9.9.9"}, "192.0.2.7:"),
		Entry("an address with its port", "10.1.2.3:1000", []string{"192.0.2.7:50123"}, "192.0.2.7:"),
		Entry("an IPv6 address with its port", "10.1.2.3:1000", []string{"[2001:db8::7]:50123"}, "[2001:db8::7]:"),
		Entry("anybody else", "192.0.2.9:1000", []string{"10.0.0.1"}, "192.0.2.9:"),
		Entry("nonsense", "10.1.2.3:1000", []string{"nonsense"}, "10.1.2.3:"),
		Entry("none", "10.1.2.3:1000", nil, "10.1.2.3:"),
	)
})

var _ = Describe("The listener", func() {
	It("lets requests under way finish when it is told to stop", func(ctx SpecContext) {
		running, stop := context.WithCancel(ctx)
		arrived, finish := make(chan struct{}), make(chan struct{})
		addresses := make(chan string, 1)
		l := &Listener{
			Address: "127.0.0.1:0",
			Drain:   10 * time.Second,
			Log: funcr.New(func(_, args string) {
				_, rest, _ := strings.Cut(args, `"address"="`)
				address, _, _ := strings.Cut(rest, `"`)
				addresses <- address
			}, funcr.Options{}),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(arrived)
				<-finish
				w.WriteHeader(http.StatusTeapot)
			}),
		}
		done := make(chan error, 1)
		go func() { done <- l.Start(running) }()
		status := make(chan int, 1)
		go func() {
			defer GinkgoRecover()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+<-addresses, http.NoBody)
			Expect(err).NotTo(HaveOccurred())
			response, err := http.DefaultClient.Do(request)
			Expect(err).NotTo(HaveOccurred())
			Expect(response.Body.Close()).To(Succeed())
			status <- response.StatusCode
		}()
		Eventually(arrived).Should(BeClosed())
		stop()
		Consistently(done, "200ms").ShouldNot(Receive())
		close(finish)
		Eventually(status).Should(Receive(Equal(http.StatusTeapot)))
		Eventually(done).Should(Receive(BeNil()))
	}, SpecTimeout(30*time.Second))

	It("loses no request of callers who keep their connections busy, when it is told to stop", func(ctx SpecContext) {
		running, stop := context.WithCancel(ctx)
		// It listens before the first caller comes, so that each error is a request lost.
		open, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		address := open.Addr().String()
		l := &Listener{Open: open, Drain: 10 * time.Second, Log: logr.Discard(), Handler: http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })}
		done := make(chan error, 1)
		go func() { done <- l.Start(running) }()

		const callers = 16
		var answered atomic.Int64
		last := make(chan error, callers)
		for n := range callers {
			go func() {
				client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
				// Some of them have a connection that is idle at most moments.
				pace := time.NewTicker(time.Millisecond + time.Duration(n%2)*50*time.Millisecond)
				defer pace.Stop()
				answer := time.Now()
				for range pace.C {
					// A POST is not sent again by itself when its connection breaks.
					request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address, strings.NewReader("a=b"))
					if err != nil {
						last <- err
						return
					}
					response, err := client.Do(request)
					if err != nil && time.Since(answer) > farewell/2 {
						last <- nil // held up by the machine: it did not keep its connection busy
						return
					}
					if err != nil {
						last <- err
						return
					}
					answered.Add(1)
					answer = time.Now()
					_ = response.Body.Close()
					if response.Close {
						last <- nil // in a cluster, the Service sends it elsewhere now
						return
					}
				}
			}()
		}
		Eventually(answered.Load).WithTimeout(20 * time.Second).Should(BeNumerically(">", 200))
		stop()
		for range callers {
			var lost error
			Eventually(last).WithTimeout(20 * time.Second).Should(Receive(&lost))
			Expect(lost).NotTo(HaveOccurred())
		}
		Eventually(done).WithTimeout(20 * time.Second).Should(Receive(BeNil()))
	}, SpecTimeout(time.Minute))

	It("says which address is not free", func(ctx SpecContext) {
		taken := httptest.NewServer(http.NotFoundHandler())
		defer taken.Close()
		l := &Listener{Address: strings.TrimPrefix(taken.URL, "http://"), Handler: http.NotFoundHandler()}
		Expect(l.Start(ctx)).To(MatchError(ContainSubstring(l.Address)))
	})
})
