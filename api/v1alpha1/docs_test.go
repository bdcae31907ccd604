package v1alpha1_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
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

// block is a block of a page that may hold manifests: YAML, or commands that are fed with it.
var block = regexp.MustCompile("(?s)\n *```(?:yaml|yml|sh|console)\n(.*?)\n *```")

// fed is what a command is fed with.
var fed = regexp.MustCompile(`(?s)<<EOF\n(.*?)\nEOF\n`)

// examples are the objects of our own kinds that a page shows.
func examples(text string) (found []*unstructured.Unstructured) {
	GinkgoHelper()
	for _, b := range block.FindAllStringSubmatch(text, -1) {
		documents := []string{b[1]}
		if strings.Contains(b[0], "```sh\n") || strings.Contains(b[0], "```console\n") {
			documents = nil
			for _, f := range fed.FindAllStringSubmatch(b[1]+"\n", -1) {
				documents = append(documents, f[1])
			}
		}
		for _, manifests := range documents {
			for document := range strings.SplitSeq(manifests, "\n---\n") {
				if !strings.Contains(document, "apiVersion: "+v1alpha1.GroupName+"/") {
					continue
				}
				o := &unstructured.Unstructured{}
				Expect(yaml.UnmarshalStrict([]byte(document), &o.Object)).To(Succeed(), document)
				found = append(found, o)
			}
		}
	}
	return found
}

var _ = Describe("the pages", func() {
	It("have examples that the API server accepts, with no field that it does not know", func(ctx SpecContext) {
		root := filepath.Join("..", "..")
		counted := map[string]int{}
		Expect(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root {
				return filepath.SkipDir
			}
			if err != nil || filepath.Ext(path) != ".md" {
				return err
			}
			text, err := os.ReadFile(path) // #nosec G122 G304 -- a file of this repository
			for _, o := range examples(string(text)) {
				counted[filepath.ToSlash(path)]++
				o.SetName("example")
				if o.GetNamespace() != "" {
					o.SetNamespace("default")
				}
				Expect(api.Create(ctx, o, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))).To(Succeed(), path)
			}
			return err
		})).To(Succeed())
		// Of these it is known that they have some: a block in another form would be overlooked.
		for page, atLeast := range map[string]int{
			"README.md": 3, "docs/getting-started.md": 2, "docs/how-to/bring-your-own-secret.md": 1, "docs/how-to/connect-an-identity-provider.md": 2,
			"docs/spec/authorizationserver.md": 1, "docs/spec/oauthclient.md": 8, "docs/spec/oauthuser.md": 1,
		} {
			Expect(counted["../../"+page]).To(BeNumerically(">=", atLeast), page)
		}
	})
})

var _ = Describe("the spec pages", func() {
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

var _ = Describe("the reference", func() {
	It("has every field of the CRDs, and no other, whether it is required, and every rule in its words", func() {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "api.md"))
		Expect(err).NotTo(HaveOccurred())
		written := map[string]bool{} // fields by their paths: is it required?
		path := ""
		for line := range strings.Lines(string(text)) {
			if heading, ok := strings.CutPrefix(line, "### "); ok {
				path = strings.ReplaceAll(strings.TrimSpace(heading), "[]", "")
			}
			if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") {
				written[path+"."+strings.Trim(cells[0], "| `")] = cells[2] == "required"
			}
		}
		there, said := map[string]bool{}, 0
		var missing []string
		for kind, plural := range kinds {
			everyField(plural, func(path string, _ map[string]any) { there[kind+"."+path] = false })
			eachSchema(kind, plural, func(path string, schema map[string]any) {
				required, _ := schema["required"].([]any)
				for _, name := range required {
					if field := fmt.Sprintf("%s.%s", path, name); field != kind+".spec" {
						there[field] = true
					}
				}
				rules, _ := schema["x-kubernetes-validations"].([]any)
				for _, rule := range rules {
					said++
					message := strings.NewReplacer("[", "\\[", "|", "\\|").Replace(rule.(map[string]any)["message"].(string))
					plain := strings.ReplaceAll(message, "\\[", "[") // in a list, and not in a table
					if !strings.Contains(string(text), message) && !strings.Contains(string(text), plain) {
						missing = append(missing, path+": "+plain)
					}
				}
			})
		}
		Expect(written).To(Equal(there))
		Expect(missing).To(BeEmpty())
		Expect(said).To(BeNumerically(">", 100))
	})
})

var _ = Describe("the defaults and the bounds on the spec pages", func() {
	// about returns what a page says about a field: its rows of tables, or the
	// section with its name.
	about := func(text, path string) string {
		name := path[strings.LastIndexByte(path, '.')+1:]
		var said strings.Builder
		section := false
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "#") {
				section = strings.HasSuffix(strings.TrimSpace(line), "."+name) || strings.HasSuffix(strings.TrimSpace(line), path)
			}
			if section || strings.Contains(line, "`"+path+"[") || (strings.HasPrefix(line, "|") && strings.Contains(line, name+"`")) {
				said.WriteString(line)
			}
		}
		return said.String()
	}

	It("are those of the API server", func() {
		checked := 0
		var missing []string
		for _, kind := range []string{"AuthorizationServer", "OAuthClient", "OAuthUser"} {
			text := page(kind)
			everyField(kinds[kind], func(path string, schema map[string]any) {
				if !strings.HasPrefix(path, "spec.") {
					return
				}
				said := about(text, path)
				for _, value := range promised(schema) {
					checked++
					if !regexp.MustCompile(`\b` + regexp.QuoteMeta(value) + `\b`).MatchString(said) {
						missing = append(missing, kind+" "+path+": "+value)
					}
				}
			})
		}
		Expect(missing).To(BeEmpty())
		Expect(checked).To(BeNumerically(">", 50))
	})

	It("are those that count where the API server has none", func() {
		short := func(d time.Duration) string {
			return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.String())
		}
		clients, servers := page("OAuthClient"), page("AuthorizationServer")
		lives := v1alpha1.Lifetimes{}.Effective()
		for field, d := range map[string]time.Duration{
			"authorizationCode": lives.Code, "accessToken": lives.AccessToken, "idToken": lives.IDToken, "refreshToken": lives.Refresh,
			"refreshTokenIdle": lives.RefreshIdle, "refreshTokenGrace": lives.RefreshGrace, "session": lives.Session,
		} {
			Expect(servers).To(ContainSubstring("| `" + field + "` | " + short(d) + " |"))
		}
		c := &v1alpha1.OAuthClient{}
		c.Name = "webapp"
		Expect(clients).To(ContainSubstring("| `overlap` | " + short(c.RotationOverlap()) + " |"))
		c.Spec.Rotation = &v1alpha1.Rotation{Retire: v1alpha1.RetireWhenUnused}
		unusedFor, _ := c.RetiresUnused()
		Expect(clients).To(ContainSubstring("| `unusedFor` | " + short(unusedFor) + " |"))
		Expect(c.SecretName()).To(Equal("webapp-oauth"))
		Expect(c.RetainsSecret()).To(BeFalse())
		for _, s := range (&v1alpha1.AuthorizationServer{}).Catalogue() {
			yes := map[bool]string{true: "yes", false: "no"}[s.Default]
			Expect(servers).To(ContainSubstring("| `" + s.Name + "` | " + yes + " | " + s.Description + " |"))
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

// promised returns what people want to know of a field beyond its meaning: its
// default, its values, and how much there may be. Where the values are few words
// of the API's own they are listed; how long a reference to another object is, is a
// matter of Kubernetes.
func promised(schema map[string]any) (values []string) {
	switch d := schema["default"].(type) {
	case nil, map[string]any:
	case []any:
		for _, value := range d {
			values = append(values, fmt.Sprint(value))
		}
	default:
		values = append(values, fmt.Sprint(d))
	}
	items, _ := schema["items"].(map[string]any)
	for _, s := range []map[string]any{schema, items} {
		if listed, _ := s["enum"].([]any); len(listed) > 0 && len(listed) < 7 {
			for _, value := range listed {
				values = append(values, fmt.Sprint(value))
			}
		}
		for _, bound := range []string{"maxItems", "maxProperties", "maxLength"} {
			// 32 characters are of durations, 253 and 63 of names; eight of something
			// is more than there are values of.
			if n, ok := s[bound].(int64); ok && n != 8 && n != 7 && n != 253 && n != 63 && (bound != "maxLength" || n > 32) {
				values = append(values, fmt.Sprint(n))
			}
		}
	}
	return values
}

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

// eachSchema calls f for the schema of a kind and for all that are our own within it.
// Those of the elements of a list have the path of the list.
func eachSchema(kind, plural string, f func(path string, schema map[string]any)) {
	GinkgoHelper()
	crd := manifests("crd", "bases", v1alpha1.GroupName+"_"+plural+".yaml")[0]
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	Expect(err).NotTo(HaveOccurred())
	root, _, err := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema")
	Expect(err).NotTo(HaveOccurred())
	var visit func(path string, schema map[string]any)
	visit = func(path string, schema map[string]any) {
		f(path, schema)
		if items, ok := schema["items"].(map[string]any); ok {
			visit(path, items)
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, below := range properties {
			if name != "conditions" && name != "namespaceSelector" {
				visit(path+"."+name, below.(map[string]any))
			}
		}
	}
	visit(kind, root)
}
