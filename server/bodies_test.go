package server

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

// readsBodies are the endpoints that read a body.
var readsBodies = []string{"/authorize", "/login", "/consent", "/logout", "/logout/confirm", "/token", "/revoke", "/introspect", "/userinfo"}

// endless is a body of one letter.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

var _ = Describe("Bodies:", func() {
	const host = "Host: id.example.com\r\n"
	bounds := timeouts{header: 10 * time.Second, read: 20 * time.Second, write: 20 * time.Second, idle: 20 * time.Second, answer: 20 * time.Second}
	head := func(path string) string {
		return "POST " + path + " HTTP/1.1\r\n" + host + "Content-Type: application/x-www-form-urlencoded\r\n"
	}
	var s *site
	BeforeEach(func() { s = newSite(atRoot, quiet) })

	// refused reads an answer, which is a refusal for good.
	refused := func(from io.Reader, path string) *http.Response {
		GinkgoHelper()
		response, err := http.ReadResponse(bufio.NewReader(from), nil)
		Expect(err).NotTo(HaveOccurred(), path)
		Expect(response.StatusCode).To(BeElementOf(400, 401, 403, 413), path)
		return response
	}

	It("huge bodies, declared: are refused at once, at every endpoint, and the connection is closed", func() {
		address := listen(s, bounds, nil)
		for _, path := range readsBodies {
			for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
				conn := dial(address)
				start := time.Now()
				_, err := fmt.Fprintf(conn, "%sContent-Length: %d\r\n%s\r\n", head(path), int64(1)<<40, expect)
				Expect(err).NotTo(HaveOccurred())
				response := refused(conn, path+expect)
				Expect(time.Since(start)).To(BeNumerically("<", bounds.read), "without waiting for any of it")
				Expect(response.Close).To(BeTrue(), path)
			}
		}
	})

	It("huge bodies, in chunks: are refused before much of them was sent, at every endpoint", func() {
		address := listen(s, bounds, nil)
		chunk := []byte("4000\r\n" + strings.Repeat("a", 0x4000) + "\r\n")
		for _, path := range readsBodies {
			conn := dial(address)
			_, err := io.WriteString(conn, head(path)+"Transfer-Encoding: chunked\r\n\r\n")
			Expect(err).NotTo(HaveOccurred())
			answered := make(chan *http.Response, 1)
			go func() {
				defer GinkgoRecover()
				answered <- refused(conn, path)
			}()
			sent := 0
			for err == nil {
				var n int
				n, err = conn.Write(chunk)
				sent += n
				Expect(sent).To(BeNumerically("<", 64<<20), "%s: somebody reads all of it", path)
			}
			Eventually(answered, bounds.read).Should(Receive())
		}
	})

	It("huge bodies, without end: no handler can read more, whatever it does", func(ctx SpecContext) {
		var read int
		handler := newServer(logr.Discard(), nil, atRoot).endpoint("test", logr.Discard(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			Expect(err).To(HaveOccurred())
			read = len(body)
		}))
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, atRoot, io.LimitReader(endless{}, 64<<20))
		Expect(err).NotTo(HaveOccurred())
		handler.ServeHTTP(httptest.NewRecorder(), r)
		Expect(read).To(Equal(oauth.MaxFormBytes + 1))
	})

	It("huge bodies, just too long: are refused, and those that just fit are read", func() {
		fits := "a=" + strings.Repeat("x", oauth.MaxFormBytes-2)
		for _, path := range readsBodies {
			Expect(s.send("POST", path, fits+"x").status).To(BeElementOf(400, 401, 403, 413), path)
		}
		good := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}.Encode()
		pad := oauth.MaxFormBytes - len(good) - len("&pad=") - len("&client_id="+siteForm+"&client_secret="+secret)
		good += "&client_id=" + siteForm + "&client_secret=" + secret + "&pad=" + strings.Repeat("x", pad)
		Expect(good).To(HaveLen(oauth.MaxFormBytes))
		Expect(s.send("POST", "/token", good).status).To(Equal(200))
		Expect(s.send("POST", "/token", good+"x").status).To(Equal(400))
	})

	It("huge bodies, compressed: nothing is inflated, at any endpoint", func() {
		good := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}, "client_id": {siteForm}, "client_secret": {secret}}.Encode()
		Expect(s.send("POST", "/token", good).status).To(Equal(200))
		zip := func(text string) string {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, err := io.WriteString(w, text)
			Expect(err).NotTo(HaveOccurred())
			Expect(w.Close()).To(Succeed())
			return b.String()
		}
		Expect(s.send("POST", "/token", zip(good), "Content-Encoding", "gzip").status).To(Equal(400))
		Expect(s.send("POST", "/token", good, "Content-Encoding", "gzip").status).To(Equal(400), "nor overlooked")
		bomb := zip(strings.Repeat("a", 32<<20))
		Expect(len(bomb)).To(BeNumerically("<", oauth.MaxFormBytes))
		for _, path := range readsBodies {
			for _, coding := range []string{"gzip", "deflate", "br", "gzip, gzip"} {
				Expect(s.send("POST", path, bomb, "Content-Encoding", coding).status).To(BeElementOf(400, 401, 403, 413), path)
			}
		}
	})

	It("thousands of parameters: are refused, at every endpoint, in the body and in the URL", func() {
		var many strings.Builder
		for i := range 5000 {
			fmt.Fprintf(&many, "p%d=x&", i)
		}
		same := strings.Repeat("resource=urn:a&", 4000)
		empty := strings.Repeat("&", 60_000)
		for _, form := range []string{many.String(), same, empty} {
			for _, path := range readsBodies {
				good := "grant_type=client_credentials&scope=read&client_id=" + siteForm + "&client_secret=" + secret
				Expect(s.send("POST", path, form+good).status).To(BeElementOf(400, 401, 403, 413), path)
			}
			for _, path := range []string{"/authorize", "/logout", "/continue"} {
				r := s.send("GET", path+"?"+form+asking().Encode(), "")
				Expect(r.status).To(BeElementOf(400, 403), path)
				Expect(r.header).NotTo(HaveKey("Location"))
			}
		}
	})

	It("huge headers: are refused before anybody looks at them", func() {
		address := listen(s, bounds, nil)
		conn := dial(address)
		go func() {
			_, _ = io.WriteString(conn, "GET /authorize?x="+strings.Repeat("a", 1<<20)+" HTTP/1.1\r\n"+host+"\r\n")
		}()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(response.StatusCode).To(Equal(http.StatusRequestHeaderFieldsTooLarge))
	})
})
