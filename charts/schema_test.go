package charts_test

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/discovery"

	"oauth-operator.dev/hack/controlplane"
)

// kubeconform compares what is rendered with schemas: of the API server's own kinds as
// it publishes them, and of others' as their CRDs have them. Each is strict: a
// field that is not in it is an error.
var _ = Describe("What is rendered, says kubeconform,", Ordered, func() {
	var kubeconform, schemas string

	check := func(ctx context.Context, text string) (string, error) {
		file := filepath.Join(GinkgoT().TempDir(), "rendered.yaml")
		Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
		return run(ctx, kubeconform, "-strict", "-summary", "-output", "text", "-schema-location",
			filepath.Join(schemas, "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json"), file)
	}

	BeforeAll(func(ctx SpecContext) {
		out, err := run(ctx, "go", "tool", "-modfile=hack/chartlint/go.mod", "-n", "kubeconform")
		Expect(err).NotTo(HaveOccurred())
		kubeconform = strings.TrimSpace(out)
		schemas = GinkgoT().TempDir()
		writeOwnSchemas(ctx, schemas)
		for _, folder := range []string{
			filepath.Join(certManager.folder(ctx), "deploy", "crds"),
			filepath.Join(prometheusOperator.folder(ctx), "example", "prometheus-operator-crd"),
			filepath.Join(gatewayAPI.folder(ctx), "config", "crd", "standard"),
		} {
			writeCRDSchemas(folder, schemas)
		}
	})

	for _, file := range valueFiles {
		It("is as the schemas have it, with the values "+file, func(ctx SpecContext) {
			text, err := tryRender(ctx, file)
			Expect(err).NotTo(HaveOccurred())
			said, err := check(ctx, text)
			Expect(err).NotTo(HaveOccurred())
			Expect(said).To(And(ContainSubstring("Invalid: 0, Errors: 0, Skipped: 0"), Not(ContainSubstring("Valid: 0"))))
		})
	}

	It("has each kind of the others", func(ctx SpecContext) {
		Expect(kinds(render(ctx, everything...))).To(ContainElements("Certificate", "HTTPRoute", "BackendTLSPolicy", "ServiceMonitor", "PrometheusRule"))
	})

	DescribeTable("would be refused", func(ctx SpecContext, from, to string) {
		text, err := tryRender(ctx, everything...)
		Expect(err).NotTo(HaveOccurred())
		Expect(text).To(ContainSubstring(from))
		_, err = check(ctx, strings.Replace(text, from, to, 1))
		Expect(err).To(MatchError(ContainSubstring("Invalid: 1")))
	},
		Entry("a field that a Deployment has not", "enableServiceLinks:", "enabledServiceLinks:"),
		Entry("a field that a Certificate has not", "renewBefore:", "renewedBefore:"),
		Entry("a number that is a text", "minReplicas: 2", `minReplicas: "two"`),
		Entry("a field that a ServiceMonitor has not", "targetLabels:", "targetLabel:"),
	)
})

// module is a Go module that is wanted for its files alone. None of its code is built,
// so it is in no go.mod.
type module struct{ path, version, sum string }

// The modules that have the CRDs of others.
var (
	certManager = module{
		"github.com/cert-manager/cert-manager", "v1.21.2", "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
	}
	prometheusOperator = module{
		"github.com/prometheus-operator/prometheus-operator", "v0.85.0", "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
	}
	gatewayAPI = module{"sigs.k8s.io/gateway-api", "v1.6.3", "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc="}
)

// folder returns where the Go command keeps the module.
func (m module) folder(ctx context.Context) string {
	GinkgoHelper()
	out, err := run(ctx, "go", "mod", "download", "-json", m.path+"@"+m.version)
	Expect(err).NotTo(HaveOccurred())
	var downloaded struct{ Dir, Sum string }
	Expect(json.Unmarshal([]byte(out), &downloaded)).To(Succeed())
	Expect(downloaded.Sum).To(Equal(m.sum), m.path)
	return downloaded.Dir
}

// writeOwnSchemas writes the schemas of the kinds that the API server has itself.
func writeOwnSchemas(ctx context.Context, folder string) {
	GinkgoHelper()
	plane, err := controlplane.Start(context.WithoutCancel(ctx), controlplane.Options{Log: GinkgoWriter, WithoutCRDs: true})
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(plane.Stop()).To(Succeed()) }()
	api, err := discovery.NewDiscoveryClientForConfig(plane.Config())
	Expect(err).NotTo(HaveOccurred())
	paths, err := api.OpenAPIV3().Paths()
	Expect(err).NotTo(HaveOccurred())
	for path, group := range paths {
		if !strings.HasPrefix(path, "api") {
			continue
		}
		text, err := group.Schema("application/json")
		Expect(err).NotTo(HaveOccurred())
		// As JSON schema has it.
		text = []byte(strings.ReplaceAll(string(text), `"#/components/schemas/`, `"`+definitions))
		var document struct {
			Components struct {
				Schemas map[string]map[string]any `json:"schemas"`
			} `json:"components"`
		}
		Expect(json.Unmarshal(text, &document)).To(Succeed())
		for _, schema := range document.Components.Schemas {
			makeStrict(schema)
		}
		for name, schema := range document.Components.Schemas {
			for _, gvk := range asList(schema["x-kubernetes-group-version-kind"]) {
				needed := map[string]any{}
				gather(document.Components.Schemas, name, needed)
				writeSchema(folder, gvk.(map[string]any), map[string]any{"$ref": definitions + name, "definitions": needed})
			}
		}
	}
}

// definitions is where a schema has others that it refers to.
const definitions = "#/definitions/"

// gather puts a schema, and those that it refers to, into needed.
func gather(all map[string]map[string]any, name string, needed map[string]any) {
	if needed[name] != nil {
		return
	}
	needed[name] = all[name]
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, inner := range node {
				walk(inner)
			}
		case map[string]any:
			if ref, ok := node["$ref"].(string); ok {
				gather(all, strings.TrimPrefix(ref, definitions), needed)
			}
			for _, inner := range node {
				walk(inner)
			}
		}
	}
	walk(all[name])
}

// writeCRDSchemas writes the schemas of the CRDs in the files of a folder.
func writeCRDSchemas(crds, folder string) {
	GinkgoHelper()
	for _, crd := range read(crds) {
		if crd.GetKind() != "CustomResourceDefinition" {
			continue
		}
		spec := crd.Object["spec"].(map[string]any)
		for _, version := range asList(spec["versions"]) {
			version := version.(map[string]any)
			schema := version["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
			makeStrict(schema)
			schema["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
			writeSchema(folder, map[string]any{
				"group": spec["group"], "version": version["name"], "kind": spec["names"].(map[string]any)["kind"],
			}, schema)
		}
	}
}

func writeSchema(folder string, gvk, schema map[string]any) {
	GinkgoHelper()
	text, err := json.Marshal(schema)
	Expect(err).NotTo(HaveOccurred())
	// kubeconform takes the version for the group of what has none.
	group := cmp.Or(gvk["group"].(string), gvk["version"].(string))
	name := strings.ToLower(gvk["kind"].(string)) + "-" + group + "-" + gvk["version"].(string) + ".json"
	Expect(os.WriteFile(filepath.Join(folder, name), text, 0o600)).To(Succeed())
}

// makeStrict has a schema refuse the fields that it does not name, and leaves out
// what JSON schema does not know.
func makeStrict(node any) {
	switch node := node.(type) {
	case []any:
		for _, inner := range node {
			makeStrict(inner)
		}
	case map[string]any:
		if _, isSchema := node["type"].(string); isSchema { // and no property of that name
			delete(node, "format")
		}
		_, has := node["properties"].(map[string]any)
		if has && node["type"] == "object" && node["additionalProperties"] == nil && node["x-kubernetes-preserve-unknown-fields"] == nil {
			node["additionalProperties"] = false
		}
		for _, inner := range node {
			makeStrict(inner)
		}
	}
}

func asList(value any) []any {
	list, _ := value.([]any)
	return list
}
