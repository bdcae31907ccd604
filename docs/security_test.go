package docs_test

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// classes are what each row of security-tests.md begins with, in its order.
var classes = []string{
	"Redirect matching: userinfo", "Redirect matching: case", "Redirect matching: traversal", "Redirect matching: encoded slashes",
	"Redirect matching: default ports", "Redirect matching: IPv6", "Redirect matching: IDN", "Redirect matching: trailing dot",
	"Redirect matching: wildcards", "Redirect matching: `form_post`",
	"Code not bound to its client", "Code not bound to its `redirect_uri`", "Code not bound to its verifier",
	"Code redeemed twice at once", "Refresh token redeemed twice at once",
	"Refresh for a locked or deleted user", "Refresh for a refused, deleted or re-made client",
	"Revocation that ignores a store error", "Session fixation", "Host-header confusion of issuers",
	"XSS through every reflected parameter", "XSS through `error_description`", "XSS through client metadata",
	"Open redirect after logout",
	"Assertion replay", "Wrong audience", "`alg` none", "`alg` confusion", "Embedded `jwk`", "`crit`", "`kid` injection",
	"Oversized JWTs", "Deeply nested JWTs", "JWE bombs",
	"SSRF through `jwksURI`", "SSRF through `logoURI`", "SSRF through `request_uri`",
	"Timing of secret comparison", "Log injection", "Header pollution", "Parameter pollution",
	"Slow bodies", "Huge bodies", "Thousands of parameters",
	"CSRF on login", "CSRF on consent", "CSRF on logout",
	"Guessing user codes", "Device code of another client", "Device code used many times at once", "CSRF on the pages for devices",
	"Strangers who fill stores and memory", "Approval by a person who is then disabled",
}

var _ = Describe("security-tests.md", func() {
	It("names tests that exist, for every class", func() {
		page, err := os.ReadFile("security-tests.md")
		Expect(err).NotTo(HaveOccurred())
		var rows []string
		table, _, _ := strings.Cut(string(page), "\n## ")
		for line := range strings.Lines(table) {
			if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| class ") {
				rows = append(rows, line)
			}
		}
		Expect(rows).To(HaveLen(len(classes)))
		for i, row := range rows {
			Expect(row).To(HavePrefix("| " + classes[i]))
			proofs := proof.FindAllStringSubmatch(row, -1)
			Expect(proofs).NotTo(BeEmpty(), row)
			for _, p := range proofs {
				source, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(p[1]))) // #nosec G304 -- a file of this repository
				Expect(err).NotTo(HaveOccurred(), row)
				Expect(string(source)).To(ContainSubstring(`("`+p[2]), "%s has no such test", p[1])
			}
		}
	})
})
