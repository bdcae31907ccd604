package e2e_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The names by which everybody knows everybody: browsers, here outside, and Pods.
// The issuer is the DNS name of its Service. The others are what an Ingress would
// have; the edge takes its part.
const (
	issuerHost    = "oauth-operator-server." + operatorNamespace + ".svc"
	issuer        = "https://" + issuerHost
	webappHost    = "webapp.example.com"
	apiHost       = "api.example.com"
	protectedHost = "protected.example.com"
)

func edgeHosts() []string { return []string{webappHost, apiHost, protectedHost} }

// startEdge starts the proxy in the cluster and opens the way to it: a port that the
// API server forwards, which works with any cluster.
func startEdge(ctx context.Context) {
	GinkgoHelper()
	k8s.apply(ctx, "testdata/edge.yaml", withImages)
	k8s.available(ctx, insideNamespace, "edge")
	outside = openForward()
	Eventually(func() error {
		response, err := http.Get("http://" + outside.address)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}).WithContext(ctx).WithTimeout(soon).WithPolling(poll).Should(Succeed())
}

// forward is a local port that leads to the edge, and does so again when the Pod or
// the connection to the API server has gone.
type forward struct {
	address string
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

func openForward() *forward {
	GinkgoHelper()
	// The port has to stay the same when the connection is made anew.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	f := &forward{address: listener.Addr().String()}
	Expect(listener.Close()).To(Succeed())
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	f.done.Go(func() {
		for ctx.Err() == nil {
			if err := f.once(ctx); err != nil && ctx.Err() == nil {
				_, _ = fmt.Fprintln(GinkgoWriter, "the way to the edge is opened anew:", err)
				select {
				case <-ctx.Done():
				case <-time.After(poll):
				}
			}
		}
	})
	return f
}

func (f *forward) stop() {
	f.cancel()
	f.done.Wait()
}

// once forwards the port until the connection breaks.
func (f *forward) once(ctx context.Context) error {
	defer GinkgoRecover()
	pods := k8s.podsWith(ctx, insideNamespace, client.MatchingLabels{"app.kubernetes.io/name": "edge"})
	if len(pods) == 0 {
		return fmt.Errorf("there is no Pod of it")
	}
	target := k8s.core.CoreV1().RESTClient().Post().Resource("pods").
		Namespace(insideNamespace).Name(pods[0].Name).SubResource("portforward").URL()
	roundTripper, upgrader, err := spdy.RoundTripperFor(k8s.config)
	if err != nil {
		return err
	}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, http.MethodPost, target)
	_, port, err := net.SplitHostPort(f.address)
	if err != nil {
		return err
	}
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{port + ":8080"},
		ctx.Done(), make(chan struct{}), io.Discard, GinkgoWriter)
	if err != nil {
		return err
	}
	return forwarder.ForwardPorts()
}

// transport reaches the hosts of the cluster through the edge.
func (f *forward) transport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyURL(&url.URL{Scheme: "http", Host: f.address}),
		TLSClientConfig:     &tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		DisableKeepAlives:   true, // Pods come and go
	}
}

// http is a client that does so.
func (f *forward) http() *http.Client {
	return &http.Client{Transport: f.transport(), Timeout: 20 * time.Second}
}
