package main_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a push", func() {
	const user, password = "pusher", "registry password"

	// startRegistry starts a registry that asks for a password, and returns its
	// address and the environment of somebody who is logged in there.
	startRegistry := func(options ...registry.Option) (string, []string) {
		handler := registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
				w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			handler.ServeHTTP(w, r)
		}))
		DeferCleanup(server.Close)
		host := strings.TrimPrefix(server.URL, "http://")
		dir := GinkgoT().TempDir()
		auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		Expect(os.WriteFile(filepath.Join(dir, "config.json"), fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, host, auth), 0o600)).To(Succeed())
		return host, []string{"DOCKER_CONFIG=" + dir}
	}
	login := remote.WithAuth(&authn.Basic{Username: user, Password: password})

	DescribeTable("brings the image and its SBOMs to a registry",
		func(ctx SpecContext, referrers bool) {
			host, env := startRegistry(registry.WithReferrersSupport(referrers))
			target := host + "/team/probe:1"
			out := imageCommand(ctx, env, "push", "-layout", filepath.Join(probe, "probe.oci"), target)

			tag, err := name.NewTag(target)
			Expect(err).NotTo(HaveOccurred())
			pushed, err := remote.Index(tag, login)
			Expect(err).NotTo(HaveOccurred())
			Expect(validate.Index(pushed)).To(Succeed())
			own, _ := imagesOf(filepath.Join(probe, "probe.oci"))
			digest, err := own.Digest()
			Expect(err).NotTo(HaveOccurred())
			Expect(pushed.Digest()).To(Equal(digest))
			Expect(strings.TrimSpace(out)).To(Equal(host + "/team/probe@" + digest.String()))

			manifest, err := pushed.IndexManifest()
			Expect(err).NotTo(HaveOccurred())
			Expect(manifest.Manifests).To(HaveLen(2))
			for _, platform := range manifest.Manifests {
				found, err := remote.Referrers(tag.Digest(platform.Digest.String()), login)
				Expect(err).NotTo(HaveOccurred())
				list, err := found.IndexManifest()
				Expect(err).NotTo(HaveOccurred())
				Expect(list.Manifests).To(HaveLen(1))
				artifact, err := remote.Image(tag.Digest(list.Manifests[0].Digest.String()), login)
				Expect(err).NotTo(HaveOccurred())
				// This registry lists the type of the config in its place.
				about, err := artifact.Manifest()
				Expect(err).NotTo(HaveOccurred())
				Expect(about.ArtifactType).To(Equal("application/spdx+json"))
				Expect(about.Subject.Digest).To(Equal(platform.Digest))
				file, err := os.ReadFile(filepath.Join(probe, "probe-linux-"+platform.Platform.Architecture+".spdx.json"))
				Expect(err).NotTo(HaveOccurred())
				Expect(contentOf(artifact)).To(Equal(file))
			}
		},
		Entry("that lists referrers", true),
		Entry("that is older, and has a tag for that", false),
	)

	It("needs the credentials of docker login", func(ctx SpecContext) {
		host, _ := startRegistry()
		out, err := tryImageCommand(ctx, []string{"DOCKER_CONFIG=" + GinkgoT().TempDir()},
			"push", "-layout", filepath.Join(probe, "probe.oci"), host+"/team/probe:1")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("401"))
		Expect(out).NotTo(ContainSubstring(password))
	})
})
