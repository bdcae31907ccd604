package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdx/v2/common"
)

// rootsModule is where the image's root certificates come from.
const rootsModule = "golang.org/x/crypto/x509roots/fallback"

const (
	documentID = "DOCUMENT"
	programID  = "Package-program"
)

// sbom lists, in SPDX 2.3, what the image is made of. What it says of the program
// is what the binary says of itself, not what go.mod would allow.
func (r *recipe) sbom(p *program, platform v1.Platform) ([]byte, error) {
	digest := sha256.Sum256(p.binary)
	checksum := hex.EncodeToString(digest[:])
	title := path.Base(r.entrypoint)
	document := &spdx.Document{
		SPDXVersion:    spdx.Version,
		DataLicense:    spdx.DataLicense,
		SPDXIdentifier: documentID,
		DocumentName:   title + " " + r.source.version + " for " + platform.String(),
		// Unique, as SPDX asks, and still the same for the same binary.
		DocumentNamespace: fmt.Sprintf("%s/spdx/%s/%s/%s", home, title, platform, checksum),
		CreationInfo: &spdx.CreationInfo{
			Created:  r.source.created.Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "oauth-operator.dev/hack/image"}},
		},
	}
	relate(document, documentID, common.TypeRelationshipDescribe, programID)
	for _, m := range p.modules {
		described, err := r.packageOf(m)
		if err != nil {
			return nil, err
		}
		if m.path == p.info.Main.Path {
			described.PackageSPDXIdentifier = programID
			described.PackageVersion = r.source.version
			described.PackageFileName = r.entrypoint
			described.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: checksum}}
			described.PrimaryPackagePurpose = "APPLICATION"
			described.PackageSourceInfo = "revision " + r.source.revision
			described.PackageExternalReferences = []*spdx.PackageExternalReference{purl(m.path, r.source.version)}
			document.Packages = append([]*spdx.Package{described}, document.Packages...)
			continue
		}
		document.Packages = append(document.Packages, described)
		relate(document, programID, common.TypeRelationshipDependsOn, described.PackageSPDXIdentifier)
	}
	roots, err := rootCertificates()
	if err != nil {
		return nil, err
	}
	document.Packages = append(document.Packages, roots)
	relate(document, documentID, common.TypeRelationshipDescribe, roots.PackageSPDXIdentifier)

	var out bytes.Buffer
	if err := spdxjson.Write(document, &out, spdxjson.Indent("  "), spdxjson.EscapeHTML(false)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// packageOf describes a module. SPDX has no kind of checksum for what go.sum
// holds, the hash of a list of hashes, so it is said in words.
func (r *recipe) packageOf(m module) (*spdx.Package, error) {
	license, err := r.licenses.of(m)
	if err != nil {
		return nil, err
	}
	described := &spdx.Package{
		PackageName:               m.path,
		PackageSPDXIdentifier:     moduleID(m.path),
		PackageVersion:            m.version,
		PackageDownloadLocation:   noAssertion,
		PackageLicenseConcluded:   noAssertion,
		PackageLicenseDeclared:    license,
		PackageCopyrightText:      noAssertion,
		PackageExternalReferences: []*spdx.PackageExternalReference{purl(m.path, m.version)},
		PrimaryPackagePurpose:     "LIBRARY",
	}
	if m.sum != "" {
		described.PackageSourceInfo = "go.sum " + m.sum
	}
	return described, nil
}

// rootCertificates describes the module that the root certificates are of: it is
// in no binary of the image, but in this very program.
func rootCertificates() (*spdx.Package, error) {
	self, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, fmt.Errorf("this program does not know what it is made of")
	}
	for _, dep := range self.Deps {
		if dep.Path != rootsModule {
			continue
		}
		return &spdx.Package{
			PackageName:               dep.Path,
			PackageSPDXIdentifier:     moduleID(dep.Path),
			PackageVersion:            dep.Version,
			PackageFileName:           "/" + certificatesPath,
			PackageDownloadLocation:   noAssertion,
			PackageLicenseConcluded:   noAssertion,
			PackageLicenseDeclared:    "MPL-2.0",
			PackageLicenseComments:    "The certificates are Mozilla's; the module around them is BSD-3-Clause.",
			PackageCopyrightText:      noAssertion,
			PackageExternalReferences: []*spdx.PackageExternalReference{purl(dep.Path, dep.Version)},
			PackageSourceInfo:         "go.sum " + dep.Sum,
			PrimaryPackagePurpose:     "FILE",
		}, nil
	}
	return nil, fmt.Errorf("this program was built without %s", rootsModule)
}

// notInID matches what may not be in an SPDX identifier.
var notInID = regexp.MustCompile(`[^a-zA-Z0-9.-]+`)

func moduleID(modulePath string) common.ElementID {
	return common.ElementID("Package-go-" + notInID.ReplaceAllString(modulePath, "-"))
}

// purl names a Go module as https://github.com/package-url/purl-spec does; its
// type golang asks for lower case.
func purl(modulePath, version string) *spdx.PackageExternalReference {
	return &spdx.PackageExternalReference{
		Category: common.CategoryPackageManager,
		RefType:  common.TypePackageManagerPURL,
		Locator:  "pkg:golang/" + strings.ToLower(modulePath) + "@" + strings.ReplaceAll(version, "+", "%2B"),
	}
}

func relate(document *spdx.Document, from common.ElementID, how string, to common.ElementID) {
	document.Relationships = append(document.Relationships, &spdx.Relationship{
		RefA: common.DocElementID{ElementRefID: from}, Relationship: how, RefB: common.DocElementID{ElementRefID: to},
	})
}
