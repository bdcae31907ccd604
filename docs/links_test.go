package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// link is a link of a page to another file of the repository, to a heading in it, or to
// a heading of its own.
var link = regexp.MustCompile(`\]\(([^):#]*)(?:#([^)]*))?\)`)

// fenced is a block that is shown as it stands.
var fenced = regexp.MustCompile("(?s)\n *```.*?\n *```")

// pages are all that people read, by their paths from here.
func pages() map[string]string {
	GinkgoHelper()
	texts := map[string]string{}
	for _, pattern := range []string{
		"*.md", "*/*.md", "../*.md", "../charts/*/*.md", "../config/samples/*/*.md", "../hack/*/*.md",
	} {
		found, err := filepath.Glob(pattern)
		Expect(err).NotTo(HaveOccurred())
		Expect(found).NotTo(BeEmpty(), pattern)
		for _, page := range found {
			text, err := os.ReadFile(page) // #nosec G304 -- a file of this repository
			Expect(err).NotTo(HaveOccurred())
			texts[page] = fenced.ReplaceAllString(string(text), "")
		}
	}
	return texts
}

// at is where a link of a page leads, as the pages are named here.
func at(page, link string) string {
	if link == "" {
		return page
	}
	target := filepath.ToSlash(filepath.Join(filepath.Dir(page), filepath.FromSlash(link)))
	return strings.TrimPrefix(target, "../docs/")
}

// anchors are what a forge lets one link to in a page: each heading in lower case, with
// hyphens for spaces and without other punctuation, and numbered from its second time on.
func anchors(text string) map[string]bool {
	found, times := map[string]bool{}, map[string]int{}
	for line := range strings.Lines(text) {
		level, heading, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.Trim(level, "#") != "" {
			continue
		}
		heading = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(heading, "$1")
		anchor := strings.ReplaceAll(strings.ToLower(heading), " ", "-")
		anchor = regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(anchor, "")
		if n := times[anchor]; n > 0 {
			found[fmt.Sprintf("%s-%d", anchor, n)] = true
		} else {
			found[anchor] = true
		}
		times[anchor]++
	}
	return found
}

var _ = Describe("The pages", func() {
	It("link to files and headings that exist", func() {
		texts := pages()
		var broken []string
		links := 0
		for page, text := range texts {
			for _, l := range link.FindAllStringSubmatch(text, -1) {
				links++
				target := at(page, l[1])
				if _, err := os.Stat(target); err != nil {
					broken = append(broken, page+": "+l[1])
				} else if other, known := texts[target]; l[2] != "" && (!known || !anchors(other)[l[2]]) {
					broken = append(broken, page+": "+l[1]+"#"+l[2])
				}
			}
		}
		Expect(broken).To(BeEmpty(), "nothing is there")
		Expect(links).To(BeNumerically(">", 300))
	})

	It("of docs can be come to from docs/README.md", func() {
		texts := pages()
		seen := map[string]bool{}
		for next := []string{"README.md"}; len(next) > 0; next = next[1:] {
			page := next[0]
			if seen[page] {
				continue
			}
			seen[page] = true
			for _, l := range link.FindAllStringSubmatch(texts[page], -1) {
				if target := at(page, l[1]); texts[target] != "" && !strings.HasPrefix(target, "..") {
					next = append(next, target)
				}
			}
		}
		var lost []string
		for page := range texts {
			if !strings.HasPrefix(page, "..") && !seen[page] {
				lost = append(lost, page)
			}
		}
		Expect(lost).To(BeEmpty(), "no page that can be come to leads there")
	})
})
