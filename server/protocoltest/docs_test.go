package protocoltest_test

import (
	"flag"
	"fmt"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/protocoltest"
)

var update = flag.Bool("update", false, "write the table of the cases into docs/conformance.md")

var _ = Describe("docs/conformance.md", func() {
	const (
		page  = "../../docs/conformance.md"
		begin = "| case | level | what is asked | broken in the tests by |\n"
	)

	// go test ./server/protocoltest -ginkgo.focus conformance.md -update
	It("has every case and no other, and says by what each was seen to fail", func() {
		raw, err := os.ReadFile(page)
		Expect(err).NotTo(HaveOccurred())
		prose, _, found := strings.Cut(string(raw), begin)
		Expect(found).To(BeTrue())
		if *update {
			Expect(os.WriteFile(page, []byte(prose+begin+listed()), 0o644)).To(Succeed())
			return
		}
		Expect(string(raw)).To(HaveSuffix("\n"+begin+listed()),
			"write it with: go test ./server/protocoltest -ginkgo.focus conformance.md -update")
	})
})

// listed is the table of the cases without its head, and what it comes to.
func listed() string {
	broken := map[string][]string{}
	for _, m := range mutations() {
		broken[m.caught] = append(broken[m.caught], m.breaks)
	}
	var b strings.Builder
	b.WriteString("|---|---|---|---|\n")
	ways, sections := 0, map[string]bool{}
	for _, c := range protocoltest.Cases() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.ID(), c.Level, c.Says, strings.Join(broken[c.ID()], "; "))
		if n := len(broken[c.ID()]); n > 0 {
			ways += n
			sections[c.Document+" §"+c.Section] = true
		}
	}
	fmt.Fprintf(&b, "\nThese are %d cases. %d of them, of %d sections, are seen to fail, by %d servers that are each broken in one thing.\n",
		len(protocoltest.Cases()), len(broken), len(sections), ways)
	return b.String()
}
