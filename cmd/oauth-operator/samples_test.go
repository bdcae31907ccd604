package main_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/demo/webapp"
)

// late is a kubelet that changes the files only when the client secret in them has
// been refused.
type late struct {
	spy
	update  func()
	refused atomic.Int64
}

func (l *late) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.spy.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		l.refused.Add(1)
		l.update()
	}
	return response, err
}

var _ = Describe("The sample web application", func() {
	It("takes another client secret without a restart, also in the middle of a login", func(ctx SpecContext) {
		var handler http.Handler
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
		DeferCleanup(server.Close)
		cli := newClient(ctx, newNamespace(ctx), func(s *v1alpha1.OAuthClientSpec) {
			s.RedirectURIs = []string{server.URL + "/callback"}
			s.Rotation = &v1alpha1.Rotation{Overlap: &metav1.Duration{}}
		})
		folder := GinkgoT().TempDir()
		write := func() {
			cli.mount(ctx)
			for key, value := range cli.secret {
				Expect(os.WriteFile(filepath.Join(folder, key), []byte(value), 0o600)).To(Succeed())
			}
		}
		write()
		kubelet := &late{update: write}
		app, err := webapp.New(ctx, webapp.Options{Mounted: folder, HTTP: &http.Client{Transport: kubelet}})
		Expect(err).NotTo(HaveOccurred())
		handler = app.Handler()
		logIn := func() {
			GinkgoHelper()
			page, err := newPerson().Visit(ctx, server.URL+"/login", nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(page.Text("claims")).To(ContainSubstring("Alice Liddell"), page.Body)
		}
		logIn()
		Expect(kubelet.refused.Load()).To(BeZero())

		before := cli.secret[v1alpha1.SecretKeyClientSecret]
		replace(ctx, cli)
		logIn()
		Expect(kubelet.refused.Load()).To(BeEquivalentTo(1), "the old client secret was tried, and refused")
		Expect(cli.secret[v1alpha1.SecretKeyClientSecret]).NotTo(Equal(before))
		logIn()
		Expect(kubelet.refused.Load()).To(BeEquivalentTo(1))
	}, SpecTimeout(time.Minute))
})

// replace has the client secret replaced now, and waits until only the new one is good.
func replace(ctx context.Context, cli *workload) {
	GinkgoHelper()
	id := cli.object.Status.Credentials[0].ID
	patch := client.MergeFrom(cli.object.DeepCopy())
	cli.object.Annotations = map[string]string{v1alpha1.AnnotationRotate: "now"}
	Expect(k8s.Patch(ctx, cli.object, patch)).To(Succeed())
	Eventually(func(g Gomega) {
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(cli.object), cli.object)).To(Succeed())
		g.Expect(cli.object.Status.Credentials).To(HaveLen(1))
		g.Expect(cli.object.Status.Credentials[0].ID).NotTo(Equal(id))
		g.Expect(cli.object.Status.Credentials[0].State).To(Equal(v1alpha1.CredentialCurrent))
	}).WithContext(ctx).Should(Succeed())
}
