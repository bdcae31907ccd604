package docs_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// decodes is what a file has in it that reads something from outside.
var decodes = regexp.MustCompile(`json\.(Unmarshal|NewDecoder)|oauth\.Parse(Form|Query|Request)|ParseMediaType|url\.(Parse|ParseQuery|QueryUnescape|PathUnescape)\(|` +
	`DecodeString\(|strconv\.(Parse|Atoi)|netip\.Parse|CookiesNamed\(|SplitHostPort\(|time\.Parse|ParseSignedCompact\(|ParsePKCS8|YAMLToJSON|` +
	`yaml\.Unmarshal|\.Into\(|\.Scan\(|Header\.(Get|Values)\(`)

var (
	fuzzFunction = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	listedFile   = regexp.MustCompile("`((?:api|server|cmd)/[^`]+\\.go)`")
	listedTarget = regexp.MustCompile("`((?:api|server|cmd)[^`]*)`: (Fuzz[\\w, ]+)")
)

// parsers returns what the table of parsers has: files, and targets as package: name.
func parsers() (files, targets []string) {
	GinkgoHelper()
	page, err := os.ReadFile("security-tests.md")
	Expect(err).NotTo(HaveOccurred())
	_, table, found := strings.Cut(string(page), "## Parsers")
	Expect(found).To(BeTrue())
	table, _, _ = strings.Cut(table, "\n## ")
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(line, "`") {
			continue
		}
		for _, file := range listedFile.FindAllStringSubmatch(cells[2], -1) {
			files = append(files, file[1])
		}
		of := listedTarget.FindAllStringSubmatch(cells[3], -1)
		for _, target := range of {
			for name := range strings.SplitSeq(target[2], ",") {
				targets = append(targets, target[1]+": "+strings.TrimSpace(name))
			}
		}
		Expect(len(of) > 0 || strings.HasPrefix(strings.TrimSpace(cells[3]), "none: ")).To(BeTrue(), "neither a target nor a reason: %s", line)
	}
	return files, targets
}

// sources returns the Go files below, with what is in them.
func sources(below ...string) map[string]string {
	GinkgoHelper()
	found := map[string]string{}
	for _, root := range below {
		Expect(filepath.WalkDir(filepath.Join("..", root), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" {
				return err
			}
			text, err := os.ReadFile(name) // #nosec G304 G122 -- a file of this repository
			found[strings.TrimPrefix(filepath.ToSlash(name), "../")] = string(text)
			return err
		})).To(Succeed())
	}
	return found
}

var _ = Describe("The parsers of security-tests.md", func() {
	It("are all fuzz targets that there are", func() {
		var there []string
		for name, text := range sources("api", "server", "cmd", "controllers") {
			if strings.HasSuffix(name, "_test.go") {
				for _, f := range fuzzFunction.FindAllStringSubmatch(text, -1) {
					there = append(there, path.Dir(name)+": "+f[1])
				}
			}
		}
		_, targets := parsers()
		slices.Sort(there)
		slices.Sort(targets)
		Expect(slices.Compact(targets)).To(Equal(there))
	})

	It("are all files in which something from outside is decoded", func() {
		files, _ := parsers()
		there := sources("api", "server", "cmd/oauth-operator/internal/manifests")
		for _, name := range files {
			Expect(there).To(HaveKey(name))
		}
		for _, name := range slices.Sorted(maps.Keys(there)) {
			switch {
			case strings.HasSuffix(name, "_test.go"), strings.HasPrefix(path.Base(name), "zz_generated"):
			case strings.HasPrefix(name, "server/protocoltest/"), strings.HasPrefix(name, "server/grant/storetest/"),
				strings.HasPrefix(name, "server/internal/worldtest/"): // what tests are made of
			case decodes.MatchString(there[name]):
				Expect(files).To(ContainElement(name), "%s decodes something: which fuzz target is that, or why is there none?", name)
			}
		}
	})
})
