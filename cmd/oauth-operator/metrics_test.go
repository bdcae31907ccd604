package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

var (
	metricRow  = regexp.MustCompile("(?m)^\\| `(\\w+)` \\|([^|]*)\\|")
	metricWord = regexp.MustCompile("`(\\w+)`")
)

var _ = Describe("The metrics", func() {
	It("are those of docs/metrics.md, with names that promlint lets pass", func(ctx SpecContext) {
		page, err := os.ReadFile(filepath.Join(root, "docs", "metrics.md"))
		Expect(err).NotTo(HaveOccurred())
		documented := map[string][]string{}
		for _, row := range metricRow.FindAllStringSubmatch(string(page), -1) {
			labels := []string{}
			for _, label := range metricWord.FindAllStringSubmatch(row[2], -1) {
				labels = append(labels, label[1])
			}
			documented[row[1]] = labels
		}
		Expect(len(documented)).To(BeNumerically(">=", 10))

		By("a client whose replaced secret is still in use, so that nothing is absent")
		namespace := newNamespace(ctx)
		webapp := newClient(ctx, namespace, nil)
		webapp.tokens(ctx, newPerson())
		replaced(ctx, webapp.object)
		_, err = in.AddServer(ctx, certificateFlags()...)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(in.EndAdded()).To(Succeed()) })

		By("what both binaries tell")
		ours := map[string]bool{}
		Eventually(func(g Gomega) {
			clear(ours)
			for _, half := range []string{"controller", "server"} {
				for name, family := range scrapeAll(ctx, g, half) {
					labels, known := documented[name]
					if strings.HasPrefix(name, "oauth_operator_") {
						ours[name] = true
						g.Expect(known).To(BeTrue(), "docs/metrics.md has no "+name)
						problems, err := promlint.NewWithMetricFamilies([]*dto.MetricFamily{family}).Lint()
						g.Expect(err).NotTo(HaveOccurred())
						g.Expect(problems).To(BeEmpty())
					}
					if known {
						g.Expect(labelsOf(family)).To(ConsistOf(labels), name)
						ours[name] = true
					}
				}
			}
			g.Expect(slices.Sorted(maps.Keys(ours))).To(Equal(slices.Sorted(maps.Keys(documented))))
		}).WithContext(ctx).Should(Succeed(), func() string {
			_ = k8s.Get(ctx, client.ObjectKeyFromObject(webapp.object), webapp.object)
			return fmt.Sprintf("%+v", webapp.object.Status)
		})
	}, SpecTimeout(2*time.Minute))
})

// replaced has the client secret replaced, and notes a use of the old one since, as
// the server would.
func replaced(ctx context.Context, c *v1alpha1.OAuthClient) {
	GinkgoHelper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"`+v1alpha1.AnnotationRotate+`":"1"}}}`))
	Expect(k8s.Patch(ctx, c, patch)).To(Succeed())
	Eventually(func(g Gomega) {
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(c), c)).To(Succeed())
		found := slices.IndexFunc(c.Status.Credentials, func(p v1alpha1.ClientCredential) bool { return p.State == v1alpha1.CredentialRetiring })
		g.Expect(found).To(BeNumerically(">=", 0))
		c.Status.Credentials[found].LastUsedAt = &metav1.Time{Time: time.Now().Add(time.Minute)}
		g.Expect(k8s.Status().Update(ctx, c)).To(Succeed())
	}).WithContext(ctx).Should(Succeed())
}

// scrapeAll reads the metrics of all replicas. Of what several tell, it returns what
// the last one does.
func scrapeAll(ctx context.Context, g Gomega, half string) map[string]*dto.MetricFamily {
	GinkgoHelper()
	all := map[string]*dto.MetricFamily{}
	for _, url := range in.MetricsURLs(half) {
		maps.Copy(all, scrapeURL(ctx, g, url))
	}
	return all
}

// scrapeURL reads metrics as Prometheus does.
func scrapeURL(ctx context.Context, g Gomega, url string) map[string]*dto.MetricFamily {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	g.Expect(err).NotTo(HaveOccurred())
	response, err := http.DefaultClient.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	g.Expect(response).To(HaveHTTPStatus(http.StatusOK))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	g.Expect(err).NotTo(HaveOccurred())
	return families
}

// certificateFlags are those of a server that speaks TLS with a certificate of its own.
func certificateFlags() []string {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	private, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	dir := GinkgoT().TempDir()
	var flags []string
	for flag, block := range map[string]*pem.Block{
		"--tls-cert-file": {Type: "CERTIFICATE", Bytes: certificate}, "--tls-private-key-file": {Type: "PRIVATE KEY", Bytes: private},
	} {
		file := filepath.Join(dir, flag)
		Expect(os.WriteFile(file, pem.EncodeToMemory(block), 0o600)).To(Succeed())
		flags = append(flags, flag, file)
	}
	return flags
}

// labelsOf returns the names of the labels of a metric.
func labelsOf(family *dto.MetricFamily) []string {
	names := map[string]bool{}
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			names[l.GetName()] = true
		}
	}
	return slices.Collect(maps.Keys(names))
}
