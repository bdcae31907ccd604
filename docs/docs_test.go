package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/secrettemplate"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
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

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

var _ = Describe("The examples of clients", func() {
	It("are valid, and have templates that can be rendered", func() {
		page, err := os.ReadFile(filepath.Join("spec", "oauthclient.md"))
		Expect(err).NotTo(HaveOccurred())
		templates := 0
		for _, block := range yamlBlock.FindAllStringSubmatch(string(page), -1) {
			c := &v1alpha1.OAuthClient{}
			Expect(yaml.UnmarshalStrict([]byte(block[1]), c)).To(Succeed(), block[1])
			Expect(validation.Client(c, nil, nil, 0)).To(BeEmpty(), block[1])
			Expect(validation.ClientSecret(c)).To(BeEmpty(), block[1])
			if c.Spec.Secret.Template == nil {
				continue
			}
			rendered, err := secrettemplate.Render(c.Spec.Secret.Template.Data, secrettemplate.Values{
				ClientID: "demo.webapp", ClientSecret: "s3cret", Issuer: "https://id.example.com",
				Scopes: []string{"openid", "email"}, RedirectURIs: []string{"https://a.example.com/cb", "https://b.example.com/cb"},
			})
			Expect(err).NotTo(HaveOccurred())
			for key, value := range rendered {
				templates++
				switch filepath.Ext(key) {
				case ".yaml":
					Expect(yaml.Unmarshal(value, &map[string]any{})).To(Succeed(), string(value))
					Expect(string(value)).To(ContainSubstring(`scope: ["openid","email"]`))
				case ".cfg":
					Expect(strings.Count(string(value), "\nredirect_url = \"https://a.example.com/cb\"\ncode_challenge_method")).To(Equal(1), string(value))
				}
			}
		}
		Expect(templates).To(BeNumerically(">=", 10))
	})
})

type row struct{ text, where, state, proof, suite string }

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
		Expect(cells).To(HaveLen(8), line)
		rows = append(rows, row{
			text: line, where: strings.TrimSpace(cells[3]), state: strings.TrimSpace(cells[4]), proof: strings.TrimSpace(cells[5]),
			suite: strings.TrimSpace(cells[6]),
		})
	}
	return rows
}
