package v1alpha1_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
)

// kinds are the kinds with their plurals.
var kinds = map[string]string{
	"AuthorizationServer": "authorizationservers",
	"OAuthClient":         "oauthclients",
	"OAuthGrant":          "oauthgrants",
	"OAuthUser":           "oauthusers",
}

// page returns the spec page of a kind.
func page(kind string) string {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "spec", strings.ToLower(kind)+".md"))
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

var _ = Describe("the spec pages", func() {
	It("have examples that the API server accepts", func(ctx SpecContext) {
		examples := 0
		for kind := range kinds {
			for _, block := range yamlBlock.FindAllStringSubmatch(page(kind), -1) {
				for document := range strings.SplitSeq(block[1], "---\n") {
					o := &unstructured.Unstructured{}
					Expect(yaml.Unmarshal([]byte(document), &o.Object)).To(Succeed())
					if o.GroupVersionKind().Group == v1alpha1.GroupName {
						o.SetName("example")
						if o.GetNamespace() != "" {
							o.SetNamespace("default")
						}
						Expect(offer(ctx, o)).To(Succeed(), document)
						examples++
					}
				}
			}
		}
		Expect(examples).To(BeNumerically(">=", 3))
	})

	It("explain every reason", func() {
		source, err := os.ReadFile("conditions.go")
		Expect(err).NotTo(HaveOccurred())
		reasons := regexp.MustCompile(`Reason\w+ += "(\w+)"`).FindAllStringSubmatch(string(source), -1)
		Expect(len(reasons)).To(BeNumerically(">", 20))
		var all strings.Builder
		for kind := range kinds {
			all.WriteString(page(kind))
		}
		for _, reason := range reasons {
			Expect(all.String()).To(ContainSubstring("`"+reason[1]+"`"), reason[1])
		}
	})

	It("name every field", func() {
		for kind, plural := range kinds {
			text := page(kind)
			everyField(plural, func(path string, _ map[string]any) {
				name := path[strings.LastIndexByte(path, '.')+1:]
				Expect(text).To(MatchRegexp(`\b`+name+`\b`), kind+" "+path)
			})
		}
	})
})

var _ = Describe("kubectl explain", func() {
	It("is written for those who write manifests", func() {
		goIdentifier := regexp.MustCompile(`\b(metav1|v1alpha1|[A-Z][a-z]+[A-Z]\w*URIs|RedirectURIs|GrantTypes|nil)\b`)
		for _, plural := range kinds {
			fields := 0
			everyField(plural, func(path string, schema map[string]any) {
				fields++
				name := path[strings.LastIndexByte(path, '.')+1:]
				description, _ := schema["description"].(string)
				Expect(description).To(MatchRegexp(`^`+name+`\b`), plural+" "+path)
				Expect(description).NotTo(MatchRegexp(goIdentifier.String()), plural+" "+path)
			})
			Expect(fields).To(BeNumerically(">", 5))
		}
	})
})

// everyField calls f for each field of spec and status that is our own.
func everyField(plural string, f func(path string, schema map[string]any)) {
	GinkgoHelper()
	crd := manifests("crd", "bases", v1alpha1.GroupName+"_"+plural+".yaml")[0]
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	Expect(err).NotTo(HaveOccurred())
	root, _, err := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties")
	Expect(err).NotTo(HaveOccurred())
	for _, half := range []string{"spec", "status"} {
		walk(half, root[half].(map[string]any), f)
	}
}

func walk(path string, schema map[string]any, f func(string, map[string]any)) {
	if items, ok := schema["items"].(map[string]any); ok {
		schema = items
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range properties {
		field, below := value.(map[string]any), path+"."+name
		f(below, field)
		// These two are Kubernetes' own.
		if name != "conditions" && name != "namespaceSelector" {
			walk(below, field, f)
		}
	}
}
