package controlplane_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/hack/controlplane"
)

var _ = Describe("a prebuilt download", func() {
	It("takes the programs from the archive that the index lists", func(ctx SpecContext) {
		archive := archived("etcd", "kube-apiserver", "kubectl")
		mux := http.NewServeMux()
		server := httptest.NewServer(mux)
		DeferCleanup(server.Close)
		mux.HandleFunc("/index.yaml", func(w http.ResponseWriter, _ *http.Request) {
			name := fmt.Sprintf("envtest-v1.37.0-%s-%s.tar.gz", runtime.GOOS, runtime.GOARCH)
			_, _ = fmt.Fprintf(w, "releases:\n  v1.37.0:\n    %s:\n      hash: %x\n      selfLink: %s/archive\n",
				name, sha512.Sum512(archive), server.URL)
		})
		mux.HandleFunc("/archive", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive) })

		source, err := controlplane.Download(server.URL+"/index.yaml", GinkgoWriter)
		Expect(err).NotTo(HaveOccurred())
		dir := GinkgoT().TempDir()
		found, err := controlplane.Obtain(ctx, dir, GinkgoWriter, source)
		Expect(err).NotTo(HaveOccurred())
		names, err := filepath.Glob(filepath.Join(found, "*"))
		Expect(err).NotTo(HaveOccurred())
		Expect(names).To(ConsistOf(filepath.Join(found, "etcd"), filepath.Join(found, "kube-apiserver")))
	})

	It("gives up at once where the index cannot be reached", func(ctx SpecContext) {
		server := httptest.NewServer(http.NotFoundHandler())
		source, err := controlplane.Download(server.URL, GinkgoWriter)
		Expect(err).NotTo(HaveOccurred())
		_, err = controlplane.Obtain(ctx, GinkgoT().TempDir(), GinkgoWriter, source)
		Expect(err).To(MatchError(ContainSubstring("404 Not Found")))

		server.Close()
		start := time.Now()
		_, err = controlplane.Obtain(ctx, GinkgoT().TempDir(), GinkgoWriter, source)
		Expect(err).To(MatchError(ContainSubstring("connection refused")))
		Expect(time.Since(start)).To(BeNumerically("<", 5*time.Second))
	})
})

// archived is a release as the index's maintainers pack it.
func archived(names ...string) []byte {
	GinkgoHelper()
	var buf bytes.Buffer
	zipped := gzip.NewWriter(&buf)
	packed := tar.NewWriter(zipped)
	text := []byte("#!/bin/sh\n")
	for _, name := range names {
		Expect(packed.WriteHeader(&tar.Header{
			Name: "controller-tools/envtest/" + name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg,
		})).To(Succeed())
		_, err := packed.Write(text)
		Expect(err).NotTo(HaveOccurred())
	}
	Expect(packed.Close()).To(Succeed())
	Expect(zipped.Close()).To(Succeed())
	return buf.Bytes()
}
