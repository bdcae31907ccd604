package docs_test

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// demanded is what the threats of security-model.md have to speak of, whatever else
// they do: the attacks of RFC 9700 §4, and those from the side of the cluster.
var demanded = []string{
	"§4.1 ", "§4.2, §4.3 ", "§4.4 ", "§4.5 ", "§4.6 ", "§4.7 ", "§4.8 ", "§4.9, §4.10 ", "§4.11 ", "§4.12 ", "§4.13 ", "§4.14 ", "§4.15 ", "§4.16 ",
	"A client with more scopes", "A client that pretends", "Client secrets are read in a namespace", "Grants are forged", "Grants are read",
	"The server is broken into", "The controller is broken into", "A backup of etcd is stolen", "A backup of PostgreSQL is stolen",
	"A node is broken into", "The image is not what", "The chart is changed", "A dependency turns bad",
}

var _ = Describe("security-model.md", func() {
	It("says of every threat what it needs, what stops it and what shows that, by tests and pages that exist", func() {
		page, err := os.ReadFile("security-model.md")
		Expect(err).NotTo(HaveOccurred())
		_, threats, found := strings.Cut(string(page), "\n## Threats\n")
		Expect(found).To(BeTrue())
		var names, missing []string
		for line := range strings.Lines(threats) {
			if !strings.HasPrefix(line, "| **") {
				continue
			}
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
			Expect(cells).To(HaveLen(5), line)
			name, letters, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(cells[0]), "**"), "** (")
			Expect(found).To(BeTrue(), line)
			Expect(strings.TrimSuffix(letters, ")")).To(MatchRegexp(`^[STRIDE](, [STRIDE])*$`), line)
			names = append(names, name)
			Expect(strings.TrimSpace(cells[2])).NotTo(BeEmpty(), line)
			proofs := proof.FindAllStringSubmatch(cells[3], -1)
			if len(proofs) == 0 { // a page, whose link another test follows
				Expect(cells[3]).To(MatchRegexp(`\]\([^)]+\.md`), line)
			}
			for _, p := range proofs {
				source, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(p[1]))) // #nosec G304 -- a file of this repository
				Expect(err).NotTo(HaveOccurred(), line)
				if !strings.Contains(string(source), `("`+p[2]) {
					missing = append(missing, p[1]+": "+p[2])
				}
			}
		}
		Expect(missing).To(BeEmpty(), "these tests are not there")
		for _, begin := range demanded {
			Expect(names).To(ContainElement(HavePrefix(begin)))
		}
	})
})
