package serve_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"oauth-operator.dev/hack/demo/serve"
	"oauth-operator.dev/hack/silence"
)

func TestTheClientGivesUpAConnectionOnWhichNobodyAnswers(t *testing.T) {
	g := NewWithT(t)
	server := silence.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := serve.Client()
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	ask := func() (string, error) {
		response, err := client.Post(server.URL, "text/plain", http.NoBody)
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		answer, err := io.ReadAll(response.Body)
		return string(answer), err
	}
	for range 2 {
		g.Expect(ask()).To(Equal("HTTP/2.0"))
	}
	g.Expect(server.Accepted()).To(Equal(1), "the connection is kept")

	server.Lose()
	g.Eventually(ask).WithTimeout(25 * time.Second).Should(Equal("HTTP/2.0"))
	g.Expect(server.Accepted()).To(Equal(2))
}
