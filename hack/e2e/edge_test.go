package e2e_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
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
	k8s.apply(ctx, "testdata/edge.yaml", withImages, onSurvivor)
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

// forward is a local port that leads to the edge. Each connection to it is forwarded
// by the API server for itself: one that breaks, as when either end resets it, takes no
// other with it.
type forward struct {
	address  string
	listener net.Listener
	done     sync.WaitGroup
}

func openForward() *forward {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	f := &forward{address: listener.Addr().String(), listener: listener}
	f.done.Go(func() {
		for {
			local, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = local.Close() }()
				if err := forwarded(local); err != nil {
					_, _ = fmt.Fprintln(GinkgoWriter, "on the way to the edge:", err)
				}
			}()
		}
	})
	return f
}

func (f *forward) stop() {
	_ = f.listener.Close()
	f.done.Wait()
}

// edgePort is where the edge listens in its Pod.
const edgePort = "8080"

// forwarded is one connection to the edge, until the edge closes it.
func forwarded(local net.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	var pods corev1.PodList
	if err := k8s.List(ctx, &pods, client.InNamespace(insideNamespace), client.MatchingLabels{"app.kubernetes.io/name": "edge"}); err != nil {
		return err
	}
	if len(pods.Items) == 0 {
		return errors.New("there is no Pod of it")
	}
	target := k8s.core.CoreV1().RESTClient().Post().Resource("pods").
		Namespace(insideNamespace).Name(pods.Items[0].Name).SubResource("portforward").URL()
	roundTripper, upgrader, err := spdy.RoundTripperFor(k8s.config)
	if err != nil {
		return err
	}
	connection, _, err := spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, http.MethodPost, target).
		Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	headers := http.Header{}
	headers.Set(corev1.PortHeader, edgePort)
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	complaints, err := connection.CreateStream(headers)
	if err != nil {
		return err
	}
	_ = complaints.Close() // nothing is written to it
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(headers)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(data, local)
		_ = data.Close()
	}()
	if _, err := io.Copy(local, data); err != nil {
		return err
	}
	said, err := io.ReadAll(complaints)
	if len(said) > 0 {
		return errors.New(string(said))
	}
	return err
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
