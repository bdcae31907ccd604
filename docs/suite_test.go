package docs_test

import (
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/protocoltest"
)

// asked is a case of the suite, or with a star several, in a row of rfc-coverage.md.
var asked = regexp.MustCompile("^`([^`]+)`$")

var _ = Describe("rfc-coverage.md and the suite", func() {
	It("name the same cases: each that a row names is there, and each that is there has a row", func() {
		unnamed := map[string]bool{}
		for _, c := range protocoltest.Cases() {
			unnamed[c.ID()] = true
		}
		for _, row := range coverage() {
			for cell := range strings.SplitSeq(row.suite, "<br>") {
				if cell == "" {
					continue
				}
				found := asked.FindStringSubmatch(cell)
				Expect(found).NotTo(BeNil(), "%s in %s", cell, row.text)
				cases := 0
				for _, c := range protocoltest.Cases() {
					begin, several := strings.CutSuffix(found[1], "*")
					if c.ID() == found[1] || several && strings.HasPrefix(c.ID(), begin) {
						delete(unnamed, c.ID())
						cases++
					}
				}
				Expect(cases).NotTo(BeZero(), "there is no case %s", found[1])
			}
		}
		Expect(unnamed).To(BeEmpty(), "put each into the row of its requirement")
	})
})
