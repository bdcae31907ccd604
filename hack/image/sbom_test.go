package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"
)

func sbomOf(raw []byte) (*spdx.Document, map[string]*spdx.Package) {
	GinkgoHelper()
	document, err := spdxjson.Read(bytes.NewReader(raw))
	Expect(err).NotTo(HaveOccurred())
	packages := map[string]*spdx.Package{}
	for _, p := range document.Packages {
		packages[p.PackageName] = p
	}
	return document, packages
}

var _ = Describe("the SBOM", func() {
	var raw []byte
	BeforeEach(func() {
		var err error
		raw, err = os.ReadFile(filepath.Join(operator, "oauth-operator-linux-"+runtime.GOARCH+".spdx.json"))
		Expect(err).NotTo(HaveOccurred())
	})

	It("is an SPDX 2.3 document that is whole", func() {
		document, _ := sbomOf(raw)
		Expect(document.SPDXVersion).To(Equal("SPDX-2.3"))
		Expect(spdxlib.ValidateDocument(document)).To(Succeed())
		described, err := spdxlib.GetDescribedPackageIDs(document)
		Expect(err).NotTo(HaveOccurred())
		Expect(described).To(HaveLen(2))
		Expect(document.CreationInfo.Created).To(Equal(created))
	})

	// go version -m is the other reader of what is in a binary.
	It("lists the modules that are in the binary, with their versions and checksums", func(ctx SpecContext) {
		program := filepath.Join(extract(operatorImage()), "oauth-operator")
		out, err := exec.CommandContext(ctx, "go", "version", "-m", program).Output()
		Expect(err).NotTo(HaveOccurred())
		document, packages := sbomOf(raw)
		modules := 0
		for line := range strings.Lines(string(out)) {
			fields := strings.Fields(line)
			if len(fields) < 4 || fields[0] != "dep" {
				continue
			}
			modules++
			Expect(packages).To(HaveKey(fields[1]))
			p := packages[fields[1]]
			Expect(p.PackageVersion).To(Equal(fields[2]))
			Expect(p.PackageSourceInfo).To(Equal("go.sum " + fields[3]))
			Expect(p.PackageExternalReferences).To(HaveLen(1))
			Expect(p.PackageExternalReferences[0].Locator).To(
				Equal("pkg:golang/" + strings.ToLower(fields[1]) + "@" + strings.ReplaceAll(fields[2], "+", "%2B")))
		}
		Expect(modules).To(BeNumerically(">", 40))
		// And the program itself, Go's own packages, and the root certificates.
		Expect(document.Packages).To(HaveLen(modules + 3))
		Expect(packages["stdlib"].PackageVersion).To(Equal(strings.TrimPrefix(runtime.Version(), "go")))
		Expect(packages).To(HaveKey("golang.org/x/crypto/x509roots/fallback"))
		content, err := os.ReadFile(program)
		Expect(err).NotTo(HaveOccurred())
		own := packages["oauth-operator.dev"]
		Expect(own.PackageVersion).To(Equal(version))
		Expect("sha256:" + own.PackageChecksums[0].Value).To(Equal(digestOf(content)))
	})

	It("says what each module is licensed under", func() {
		_, packages := sbomOf(raw)
		for name, p := range packages {
			Expect(p.PackageLicenseDeclared).NotTo(Or(BeEmpty(), Equal("NOASSERTION")), name)
		}
		Expect(packages["oauth-operator.dev"].PackageLicenseDeclared).To(Equal("Apache-2.0"))
		Expect(packages["stdlib"].PackageLicenseDeclared).To(Equal("BSD-3-Clause"))
		Expect(packages["github.com/spf13/cobra"].PackageLicenseDeclared).To(Equal("Apache-2.0"))
		Expect(packages["go.uber.org/zap"].PackageLicenseDeclared).To(Equal("MIT"))
	})

	It("is a referrer of the image that it is about", func() {
		_, artifacts := imagesOf(filepath.Join(operator, "oauth-operator.oci"))
		Expect(artifacts).To(HaveLen(1))
		manifest, err := artifacts[0].Manifest()
		Expect(err).NotTo(HaveOccurred())
		digest, err := operatorImage().Digest()
		Expect(err).NotTo(HaveOccurred())
		Expect(manifest.Subject.Digest).To(Equal(digest))
		Expect(manifest.ArtifactType).To(Equal("application/spdx+json"))
		Expect(contentOf(artifacts[0])).To(MatchJSON(raw))
		listed, err := os.ReadFile(filepath.Join(operator, "oauth-operator.oci", "index.json"))
		Expect(err).NotTo(HaveOccurred())
		var index v1.IndexManifest
		Expect(json.Unmarshal(listed, &index)).To(Succeed())
		Expect(index.Manifests).To(HaveLen(2))
		Expect(index.Manifests[1].ArtifactType).To(Equal("application/spdx+json"))
	})

	It("has a companion with the texts of the licences", func(ctx SpecContext) {
		notices, err := os.ReadFile(filepath.Join(extract(operatorImage()), "THIRD_PARTY_NOTICES"))
		Expect(err).NotTo(HaveOccurred())
		_, packages := sbomOf(raw)
		for name, p := range packages {
			if name != "oauth-operator.dev" && name != "golang.org/x/crypto/x509roots/fallback" {
				Expect(string(notices)).To(ContainSubstring("\n" + name + "@" + p.PackageVersion + " "))
			}
		}
		Expect(string(notices)).To(ContainSubstring("Redistributions in binary form must reproduce"))
	})
})

func contentOf(artifact v1.Image) []byte {
	GinkgoHelper()
	layers, err := artifact.Layers()
	Expect(err).NotTo(HaveOccurred())
	Expect(layers).To(HaveLen(1))
	reader, err := layers[0].Compressed()
	Expect(err).NotTo(HaveOccurred())
	var content bytes.Buffer
	_, err = content.ReadFrom(reader)
	Expect(err).NotTo(HaveOccurred())
	return content.Bytes()
}
