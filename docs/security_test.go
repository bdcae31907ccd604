package docs_test

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("security-tests.md", func() {
	It("names tests that exist, for every class", func() {
		page, err := os.ReadFile("security-tests.md")
		Expect(err).NotTo(HaveOccurred())
		classes := 0
		for line := range strings.Lines(string(page)) {
			if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| class ") {
				continue
			}
			classes++
			proofs := proof.FindAllStringSubmatch(line, -1)
			Expect(proofs).NotTo(BeEmpty(), line)
			for _, p := range proofs {
				source, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(p[1]))) // #nosec G304 -- a file of this repository
				Expect(err).NotTo(HaveOccurred(), line)
				Expect(string(source)).To(ContainSubstring(`("`+p[2]), "%s has no such test", p[1])
			}
		}
		Expect(classes).To(BeNumerically(">=", 15))
	})
})
