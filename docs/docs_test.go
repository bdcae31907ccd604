package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestDocs(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "docs")
}

// proof is a test that a row of rfc-coverage.md names.
var proof = regexp.MustCompile("`([^`]+\\.go)`: \"([^\"]+)\"")

var _ = Describe("rfc-coverage.md", func() {
	It("names tests that exist, for everything that it calls proven", func() {
		rows := coverage()
		Expect(rows).NotTo(BeEmpty())
		for _, row := range rows {
			proofs := proof.FindAllStringSubmatch(row.proof, -1)
			switch row.state {
			case "proven":
				Expect(proofs).NotTo(BeEmpty(), row.text)
			case "implemented", "not yet":
				Expect(row.proof).To(BeEmpty(), row.text)
			default:
				Expect(row.state).To(Equal("chosen"), row.text)
			}
			for _, p := range proofs {
				source, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(p[1]))) // #nosec G304 -- a file of this repository
				Expect(err).NotTo(HaveOccurred(), row.text)
				Expect(string(source)).To(ContainSubstring(`("`+p[2]), "%s has no such test", p[1])
			}
		}
	})

	It("names packages and files that exist", func() {
		for _, row := range coverage() {
			for _, where := range strings.FieldsFunc(row.where, func(r rune) bool { return strings.ContainsRune("`, ", r) }) {
				if where != "CRD" {
					Expect(filepath.Join("..", filepath.FromSlash(where))).To(BeAnExistingFile(), row.text)
				}
			}
		}
	})
})

// link is a link of a page to another file of the repository.
var link = regexp.MustCompile(`\]\(([^):#]+)(#[^)]*)?\)`)

var _ = Describe("The pages", func() {
	It("link to files that exist", func() {
		pages := []string{"../README.md", "../CONTRIBUTING.md", "../charts/oauth-operator/README.md"}
		for _, pattern := range []string{"*.md", "*/*.md"} {
			found, err := filepath.Glob(pattern)
			Expect(err).NotTo(HaveOccurred())
			pages = append(pages, found...)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page) // #nosec G304 -- a file of this repository
			Expect(err).NotTo(HaveOccurred())
			for _, l := range link.FindAllStringSubmatch(string(text), -1) {
				Expect(filepath.Join(filepath.Dir(page), filepath.FromSlash(l[1]))).To(BeAnExistingFile(), "a link of %s", page)
			}
		}
	})
})

type row struct{ text, where, state, proof string }

// coverage returns the rows of the tables of rfc-coverage.md.
func coverage() []row {
	GinkgoHelper()
	page, err := os.ReadFile("rfc-coverage.md")
	Expect(err).NotTo(HaveOccurred())
	var rows []row
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 2 || cells[0] != "" || strings.HasPrefix(cells[1], "-") || strings.TrimSpace(cells[1]) == "clause" {
			continue
		}
		Expect(cells).To(HaveLen(7), line)
		rows = append(rows, row{
			text: line, where: strings.TrimSpace(cells[3]), state: strings.TrimSpace(cells[4]), proof: strings.TrimSpace(cells[5]),
		})
	}
	return rows
}
