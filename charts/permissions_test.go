package charts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"oauth-operator.dev/hack/permissions"
)

// confined are values for an installation that looks after two namespaces.
const confined = `namespaces=["team-a","team-b"]`

// Names of roles for features that are off by default, after the component.
const (
	ofRestarts = "-rollout-restart"
	ofDefault  = "-default-authorization-server"
)

// withDefault are values for an installation that has an AuthorizationServer.
const withDefault = `authorizationServer={"create":true,"spec":{"issuer":"https://auth.example.com"}}`

var _ = Describe("What may be done", func() {
	// generated are the grants that the markers in the code ask for, as they are
	// bound with the roles for namespaces in these places.
	generated := func(component string, features []string, places ...string) []permissions.Grant {
		GinkgoHelper()
		var grants []permissions.Grant
		for _, role := range read(filepath.Join(root, "config", "rbac", component)) {
			in := []string{role.GetNamespace()}
			feature := strings.TrimPrefix(role.GetName(), "oauth-operator-"+component)
			if role.GetKind() == "ClusterRole" && feature != "" && feature != ofDefault {
				in = places
			}
			if (feature == ofRestarts || feature == ofDefault) && !slices.Contains(features, feature) {
				continue
			}
			for _, place := range in {
				grants = append(grants, granted(bind(role, place), component)...)
			}
		}
		Expect(len(grants)).To(BeNumerically(">", 10))
		return grants
	}

	DescribeTable("is what the code asks for, in the namespaces that are named, by the chart",
		func(ctx SpecContext, features, places []string, values ...string) {
			rendered := render(ctx, values...)
			for _, component := range []string{"controller", "server"} {
				Expect(granted(rendered, component)).To(ConsistOf(generated(component, features, places...)))
			}
		},
		Entry("the whole cluster", nil, []string{""}),
		Entry("the whole cluster, with restarts", []string{ofRestarts}, []string{""}, "controller.rolloutRestart=true"),
		Entry("two namespaces", nil, []string{"team-a", "team-b"}, confined),
		Entry("two namespaces, with restarts", []string{ofRestarts}, []string{"team-a", "team-b"}, confined, "controller.rolloutRestart=true"),
		Entry("the whole cluster, with an AuthorizationServer", []string{ofDefault}, []string{""}, withDefault),
		Entry("two namespaces, with an AuthorizationServer", []string{ofDefault}, []string{"team-a", "team-b"}, confined, withDefault),
	)

	It("is to make and change the AuthorizationServer of the values, by its name alone", func(ctx SpecContext) {
		for _, g := range granted(render(ctx, withDefault, `authorizationServer.name="other"`), "controller") {
			if g.Resource == "authorizationservers" && (g.Verb == "create" || g.Verb == "patch") {
				Expect(g.Name).To(Equal("other"))
			}
		}
	})

	DescribeTable("is what the code asks for, in the namespaces that are named, by kustomize",
		func(ctx SpecContext, features, places []string, overlay string) {
			built := build(ctx, kustomization(overlay))
			for _, component := range []string{"controller", "server"} {
				Expect(granted(built, component)).To(ConsistOf(generated(component, features, places...)))
			}
			Expect(slices.Contains(deployment(built, "controller").Spec.Template.Spec.Containers[0].Args, "--rollout-restart")).To(Equal(slices.Contains(features, ofRestarts)))
		},
		Entry("the whole cluster", nil, []string{""}, `{resources: [config/default]}`),
		Entry("the whole cluster, with restarts", []string{ofRestarts}, []string{""},
			`{resources: [config/default], components: [config/components/rollout-restart]}`),
		Entry("the whole cluster, with an AuthorizationServer", []string{ofDefault}, []string{""},
			`{resources: [config/default], components: [config/components/default-authorization-server]}`),
		Entry("the example of a namespace", nil, []string{"team-a"}, `{resources: [config/confined]}`),
	)

	It("is restarts in one namespace alone, where only that one has the role for it", func(ctx SpecContext) {
		team := build(ctx, kustomization(`{namespace: team-a, resources: [config/namespace/rollout-restart]}`))
		Expect(granted(team, "controller")).To(And(Not(BeEmpty()), HaveEach(And(
			HaveField("Namespace", "team-a"), HaveField("Group", "apps"),
		))))
		Expect(granted(team, "server")).To(BeEmpty())
	})

	// The promise to users: whoever takes over the server finds no Secret of theirs.
	It("is no Secret outside of the operator's namespace for the server, however it is installed", func(ctx SpecContext) {
		for _, values := range everyShape() {
			By("the chart with " + strings.Join(values, " "))
			expectNoSecrets(granted(render(ctx, values...), "server"))
		}
		for _, folder := range kustomizations() {
			if strings.HasPrefix(folder, "config/components") {
				continue
			}
			By(folder)
			expectNoSecrets(granted(build(ctx, folder), "server"))
		}
		for _, component := range []string{"confined", "default-authorization-server", "network-policies", "rollout-restart", "tls"} {
			By(component)
			expectNoSecrets(granted(build(ctx, kustomization(
				fmt.Sprintf(`{resources: [config/default], components: [config/components/%s]}`, component))), "server"))
		}
	})

	It("is no Secret of any other namespace for the controller either, where namespaces are named", func(ctx SpecContext) {
		for _, g := range granted(render(ctx, confined, "controller.rolloutRestart=true"), "controller") {
			if g.Resource == "secrets" || g.Group == "apps" {
				Expect([]string{namespace, "team-a", "team-b"}).To(ContainElement(g.Namespace), g.String())
			}
		}
	})
})

// everyShape are combinations of all values that have to do with permissions.
func everyShape() [][]string {
	shapes := [][]string{nil}
	for _, choice := range [][]string{
		{"", confined, `namespaces=["` + namespace + `","default"]`},
		{"", "controller.rolloutRestart=true"},
		{"", "rbac.aggregate=false"},
		{"", withDefault},
		{"", `fullnameOverride="other"`},
	} {
		var next [][]string
		for _, shape := range shapes {
			for _, value := range choice {
				next = append(next, append(slices.Clone(shape), value))
			}
		}
		shapes = next
	}
	for i := range shapes {
		shapes[i] = slices.DeleteFunc(shapes[i], func(value string) bool { return value == "" })
	}
	return append(shapes,
		[]string{`server.serviceAccount.name="given"`, "server.serviceAccount.create=false"},
		[]string{confined, `server.serviceAccount.name="given"`},
		[]string{"rbac.create=false"},
		[]string{"rbac.serviceBinding=false", `server.grantStore="memory"`, "server.replicas=1"},
	)
}

// expectNoSecrets expects that nothing leads to a Secret of another namespace:
// not by reading it, and not by becoming somebody who may.
func expectNoSecrets(grants []permissions.Grant) {
	GinkgoHelper()
	for _, g := range grants {
		Expect(g.Resource).NotTo(Equal("*"), g.String())
		Expect(g.Group).NotTo(Equal("*"), g.String())
		Expect(g.Verb).NotTo(BeElementOf("*", "impersonate", "bind", "escalate"), g.String())
		Expect(g.Group).NotTo(BeElementOf("apps", "batch", "rbac.authorization.k8s.io"), g.String())
		Expect(g.Resource).NotTo(Or(HavePrefix("pods"), HavePrefix("serviceaccounts"), HavePrefix("nodes")), g.String())
		if strings.HasPrefix(g.Resource, "secrets") {
			Expect(g.Namespace).To(Equal(namespace), g.String())
			Expect(g.Verb).To(BeElementOf("get", "list", "watch"), g.String())
		}
	}
}

// granted returns what the objects let the controller or the server do. Its
// account is the one that its Pods have, where there are any.
func granted(objects []*unstructured.Unstructured, component string) []permissions.Grant {
	GinkgoHelper()
	account := "oauth-operator-" + component
	for _, o := range objects {
		if o.GetKind() == "Deployment" && strings.HasSuffix(o.GetName(), "-"+component) {
			account, _, _ = unstructured.NestedString(o.Object, "spec", "template", "spec", "serviceAccountName")
			Expect(account).NotTo(BeEmpty())
		}
	}
	grants, err := permissions.Granted(objects, namespace, account)
	Expect(err).NotTo(HaveOccurred())
	return grants
}

// bind returns the role as it counts in that place, with a binding to the account
// of its component.
func bind(role *unstructured.Unstructured, place string) []*unstructured.Unstructured {
	kind := "Cluster"
	role = role.DeepCopy()
	if place != "" {
		kind = ""
		role.SetNamespace(place)
	}
	role.SetKind(kind + "Role")
	component := strings.Split(role.GetName(), "-")[2]
	binding := &unstructured.Unstructured{Object: map[string]any{
		"roleRef":  map[string]any{"kind": role.GetKind(), "name": role.GetName()},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": namespace, "name": "oauth-operator-" + component}},
	}}
	binding.SetKind(kind + "RoleBinding")
	binding.SetNamespace(place)
	return []*unstructured.Unstructured{role, binding}
}

// kustomization makes one that has paths of this repository, and returns its folder.
func kustomization(text string) string {
	GinkgoHelper()
	folder, err := filepath.EvalSymlinks(GinkgoT().TempDir())
	Expect(err).NotTo(HaveOccurred())
	here, err := filepath.Abs(root)
	Expect(err).NotTo(HaveOccurred())
	up, err := filepath.Rel(folder, here)
	Expect(err).NotTo(HaveOccurred())
	text = strings.ReplaceAll(text, "config/", up+"/config/")
	Expect(os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600)).To(Succeed())
	return folder
}

// kustomizations are the folders of config/ that can be built.
func kustomizations() []string {
	GinkgoHelper()
	var folders []string
	files, err := filepath.Glob(filepath.Join(root, "config", "*", "kustomization.yaml"))
	Expect(err).NotTo(HaveOccurred())
	deeper, err := filepath.Glob(filepath.Join(root, "config", "*", "*", "kustomization.yaml"))
	Expect(err).NotTo(HaveOccurred())
	for _, file := range append(files, deeper...) {
		folder, err := filepath.Rel(root, filepath.Dir(file))
		Expect(err).NotTo(HaveOccurred())
		folders = append(folders, folder)
	}
	Expect(len(folders)).To(BeNumerically(">", 8))
	return folders
}
