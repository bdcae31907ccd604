package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// imagesOf reads the layout that build has written: the index of the platforms,
// and the artifacts beside it.
func imagesOf(dir string) (v1.ImageIndex, []v1.Image) {
	GinkgoHelper()
	all, err := layout.ImageIndexFromPath(dir)
	Expect(err).NotTo(HaveOccurred())
	manifest, err := all.IndexManifest()
	Expect(err).NotTo(HaveOccurred())
	var index v1.ImageIndex
	var artifacts []v1.Image
	for _, entry := range manifest.Manifests {
		if entry.MediaType.IsIndex() {
			Expect(index).To(BeNil(), "one index")
			index, err = all.ImageIndex(entry.Digest)
			Expect(err).NotTo(HaveOccurred())
			continue
		}
		artifact, err := all.Image(entry.Digest)
		Expect(err).NotTo(HaveOccurred())
		artifacts = append(artifacts, artifact)
	}
	return index, artifacts
}

func operatorImage() v1.Image {
	GinkgoHelper()
	index, _ := imagesOf(filepath.Join(operator, "oauth-operator.oci"))
	manifest, err := index.IndexManifest()
	Expect(err).NotTo(HaveOccurred())
	Expect(manifest.Manifests).To(HaveLen(1))
	image, err := index.Image(manifest.Manifests[0].Digest)
	Expect(err).NotTo(HaveOccurred())
	return image
}

var annotations = map[string]string{
	"org.opencontainers.image.title":       "oauth-operator",
	"org.opencontainers.image.description": "OAuth 2.0 clients as Kubernetes resources, with the authorization server included",
	"org.opencontainers.image.version":     version,
	"org.opencontainers.image.revision":    revision,
	"org.opencontainers.image.created":     created,
	"org.opencontainers.image.url":         "https://oauth-operator.dev",
	"org.opencontainers.image.source":      "https://oauth-operator.dev",
	"org.opencontainers.image.licenses":    "Apache-2.0",
}

var _ = Describe("an image", func() {
	It("has nothing in it but what the program needs, and runs as nobody in particular", func() {
		image := operatorImage()
		files := tree(extract(image))
		var executable []string
		for name, content := range files {
			if strings.HasPrefix(content, "-r-xr-xr-x") {
				executable = append(executable, name)
			} else {
				Expect(content).To(HavePrefix("-r--r--r--"), name)
			}
		}
		Expect(files).To(HaveLen(6))
		Expect(files).To(And(HaveKey("LICENSE"), HaveKey("THIRD_PARTY_NOTICES"), HaveKey("etc/passwd"), HaveKey("etc/group"),
			HaveKey("etc/ssl/certs/ca-certificates.crt")))
		Expect(executable).To(ConsistOf("oauth-operator"))

		config, err := image.ConfigFile()
		Expect(err).NotTo(HaveOccurred())
		Expect(config.Config.User).To(Equal("65532:65532"))
		Expect(config.Config.Entrypoint).To(Equal([]string{"/oauth-operator"}))
		Expect(config.OS + "/" + config.Architecture).To(Equal(here()))
		Expect(config.Config.Env).To(BeEmpty())
	})

	It("says what it is, in labels and in annotations", func() {
		image := operatorImage()
		config, err := image.ConfigFile()
		Expect(err).NotTo(HaveOccurred())
		Expect(config.Config.Labels).To(Equal(annotations))
		manifest, err := image.Manifest()
		Expect(err).NotTo(HaveOccurred())
		Expect(manifest.Annotations).To(Equal(annotations))
		index, _ := imagesOf(filepath.Join(operator, "oauth-operator.oci"))
		all, err := index.IndexManifest()
		Expect(err).NotTo(HaveOccurred())
		Expect(all.Annotations).To(Equal(annotations))
	})

	It("is one index for amd64 and arm64 that is whole", func() {
		index, _ := imagesOf(filepath.Join(probe, "probe.oci"))
		Expect(validate.Index(index)).To(Succeed())
		manifest, err := index.IndexManifest()
		Expect(err).NotTo(HaveOccurred())
		Expect(manifest.MediaType).To(Equal(types.OCIImageIndex))
		var platforms []string
		for _, entry := range manifest.Manifests {
			platforms = append(platforms, entry.Platform.String())
			image, err := index.Image(entry.Digest)
			Expect(err).NotTo(HaveOccurred())
			config, err := image.ConfigFile()
			Expect(err).NotTo(HaveOccurred())
			Expect(config.Platform().String()).To(Equal(entry.Platform.String()))
			// ELF, and in it the machine that the code is for: e_machine.
			program, err := os.ReadFile(filepath.Join(extract(image), "bin", "probe"))
			Expect(err).NotTo(HaveOccurred())
			Expect(program[18]).To(Equal(map[string]byte{"amd64": 62, "arm64": 183}[config.Architecture]))
		}
		Expect(platforms).To(ConsistOf("linux/amd64", "linux/arm64"))
	})

	It("may have files of its own, which nobody may write to", func() {
		index, _ := imagesOf(filepath.Join(probe, "probe.oci"))
		manifest, err := index.IndexManifest()
		Expect(err).NotTo(HaveOccurred())
		image, err := index.Image(manifest.Manifests[0].Digest)
		Expect(err).NotTo(HaveOccurred())
		Expect(tree(extract(image))).To(HaveKeyWithValue("usr/share/notes/note.txt", HavePrefix("-r--r--r--")))
	})

	It("takes no folder that is not its own", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		Expect(os.MkdirAll(filepath.Join(dir, "probe.oci", "thesis"), 0o755)).To(Succeed())
		out, err := tryImageCommand(ctx, nil, "build", "-version", version, "-revision", revision, "-dir", "testdata/probe",
			"-name", "probe:1", "-package", ".", "-entrypoint", "/probe", "-platforms", here(), "-out", dir)
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("no image layout"))
		Expect(filepath.Join(dir, "probe.oci", "thesis")).To(BeADirectory())
	})
})

var _ = Describe("the tar of a platform", func() {
	tar := func(dir, base string) string { return filepath.Join(dir, base+"-linux-"+runtime.GOARCH+".tar") }

	It("is what ctr images import takes, under the name and with the digest that a registry has", func(ctx SpecContext) {
		for _, c := range []struct{ file, name string }{
			{tar(operator, "oauth-operator"), "localhost/oauth-operator:test"},
			{tar(probe, "probe"), "docker.io/library/probe:1"},
		} {
			store, err := local.NewStore(GinkgoT().TempDir())
			Expect(err).NotTo(HaveOccurred())
			file, err := os.Open(c.file)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(file.Close)
			imported, err := archive.ImportIndex(ctx, store, file)
			Expect(err).NotTo(HaveOccurred())
			// containerd's importer hands over an index around the tar's index.json.
			reader, err := store.ReaderAt(ctx, imported)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(reader.Close)
			raw := make([]byte, reader.Size())
			_, err = reader.ReadAt(raw, 0)
			Expect(err).NotTo(HaveOccurred())
			var index v1.IndexManifest
			Expect(json.Unmarshal(raw, &index)).To(Succeed())
			Expect(index.Manifests).To(HaveLen(1))
			Expect(index.Manifests[0].Annotations).To(HaveKeyWithValue("io.containerd.image.name", c.name))
			if c.file == tar(operator, "oauth-operator") {
				digest, err := operatorImage().Digest()
				Expect(err).NotTo(HaveOccurred())
				Expect(index.Manifests[0].Digest).To(Equal(digest))
			}
		}
	})

	It("is what docker load takes", func() {
		tag, err := name.NewTag("localhost/oauth-operator:test")
		Expect(err).NotTo(HaveOccurred())
		loaded, err := tarball.ImageFromPath(tar(operator, "oauth-operator"), &tag)
		Expect(err).NotTo(HaveOccurred())
		Expect(validate.Image(loaded)).To(Succeed())
		own, err := operatorImage().ConfigName()
		Expect(err).NotTo(HaveOccurred())
		Expect(loaded.ConfigName()).To(Equal(own))
		Expect(tree(extract(loaded))).To(Equal(tree(extract(operatorImage()))))
	})
})
