package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/hack/installation"
	"oauth-operator.dev/hack/permissions"
)

// An installation as it is built from config/, in either shape, in which
// everything is done that there is to do. Nothing of it is forbidden, and nothing
// that is allowed was not needed.
var _ = Describe("Least privilege", func() {
	const confinedTo = "team-a,team-b"

	for _, shape := range []*shape{
		{
			name:    "for the whole cluster",
			folders: map[string]string{".": `{resources: [config/rbac, restarts.yaml, default.yaml]}`},
			// The components beside them bring changes of a Deployment, which runs nothing here.
			copies: map[string]string{
				"restarts.yaml": "components/rollout-restart/role_bindings.yaml",
				"default.yaml":  "components/default-authorization-server/role_bindings.yaml",
			},
			controller: []string{"--rollout-restart"},
			told:       true,
		},
		{
			name: "for named namespaces",
			folders: map[string]string{
				".":      `{resources: [config/rbac, team-a, team-b], components: [config/components/confined]}`,
				"team-a": `{namespace: team-a, resources: [config/namespace/clients, config/namespace/rollout-restart]}`,
				"team-b": `{namespace: team-b, resources: [config/namespace/clients]}`,
			},
			both:       []string{"--namespaces", confinedTo},
			controller: []string{"--rollout-restart"},
		},
	} {
		Describe(shape.name, Ordered, func() {
			var notes *auditLog

			BeforeAll(func(ctx SpecContext) { notes = startShape(ctx, shape) })

			doEverything("team-a", "team-b")

			It("forbids nothing that was asked, and allows nothing that was not needed", func() {
				// A watch is noted when it ends.
				Expect(in.End("server")).To(Succeed())
				Expect(in.End("controller")).To(Succeed())
				objects, err := installation.Read(shape.roles)
				Expect(err).NotTo(HaveOccurred())
				var idle []string
				for _, component := range []string{"controller", "server"} {
					account := "oauth-operator-" + component
					requests := notes.requests(account)
					Expect(len(requests)).To(BeNumerically(">", 20), account)
					grants, err := permissions.Granted(objects, installation.Namespace, account)
					Expect(err).NotTo(HaveOccurred())
					for _, g := range permissions.Unused(grants, requests) {
						idle = append(idle, g.String())
					}
				}
				Expect(idle).To(BeEmpty(), "what may be done and never was")
			})
		})
	}
})

// shape is a way to install the operator.
type shape struct {
	name string

	// folders are kustomizations, with paths of this repository, and copies files
	// of config/ beside the first.
	folders, copies map[string]string

	// both are flags of the controller and the server, controller of the former.
	both, controller []string

	// told is whether the controller is told the AuthorizationServer.
	told bool

	// roles is the file that they came to.
	roles string
}

// startShape starts an installation in the place of that of the suite, until the
// container ends, with two namespaces that may have clients.
func startShape(ctx context.Context, s *shape) *auditLog {
	GinkgoHelper()
	dir, err := filepath.EvalSymlinks(GinkgoT().TempDir())
	Expect(err).NotTo(HaveOccurred())
	s.roles = filepath.Join(dir, "roles.yaml")
	Expect(os.WriteFile(s.roles, s.build(ctx, dir), 0o600)).To(Succeed())

	// As with an API server that cannot stream a list: what is watched is listed
	// before, and both are needed.
	GinkgoT().Setenv("KUBE_FEATURE_WatchListClient", "false")
	notes := &auditLog{policy: filepath.Join(dir, "policy.yaml"), path: filepath.Join(dir, "audit.log")}
	Expect(os.WriteFile(notes.policy, []byte(completeAuditPolicy), 0o600)).To(Succeed())
	running, stop := context.WithCancel(context.Background())
	DeferCleanup(stop)
	file := filepath.Join(dir, "authorizationserver.yaml")
	tell := func(issuer string) {
		text, err := os.ReadFile(filepath.Join(root, "config", "components", "default-authorization-server", "authorizationserver.yaml"))
		Expect(err).NotTo(HaveOccurred())
		text = bytes.ReplaceAll(text, []byte("https://auth.example.com"), []byte(issuer))
		Expect(os.WriteFile(file, text, 0o600)).To(Succeed())
	}
	if s.told {
		tell("https://auth.example.com")
		s.controller = append(s.controller, "--default-authorization-server", file)
	}
	started, err := installation.Start(running, installation.Options{
		Root: root, Binary: binary, ServerAddress: "127.0.0.1:0", Roles: s.roles,
		Args: append([]string{"--v", "9"}, s.both...), ControllerArgs: s.controller,
		Progress: GinkgoWriter, Logs: output,
		ControlPlane: controlplane.Options{Log: GinkgoWriter, APIServerFlags: notes.flags()},
	})
	Expect(err).NotTo(HaveOccurred())
	suite, suiteClient, suiteAudit, suiteIssuer := in, k8s, audit, issuer
	in, k8s, audit, issuer = started, started.Client, notes, "http://"+started.ServerAddress
	DeferCleanup(func() {
		in, k8s, audit, issuer = suite, suiteClient, suiteAudit, suiteIssuer
		Expect(started.Stop()).To(Succeed())
	})
	if s.told {
		eventuallyThere(ctx, object(&v1alpha1.AuthorizationServer{}, "", "main"))
		tell(issuer)
	}
	applyIssuer(ctx)
	return notes
}

// build returns the namespaces and roles of the shape.
func (s *shape) build(ctx context.Context, dir string) []byte {
	GinkgoHelper()
	here, err := filepath.Abs(root)
	Expect(err).NotTo(HaveOccurred())
	for folder, text := range s.folders {
		folder = filepath.Join(dir, folder)
		up, err := filepath.Rel(folder, here)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.MkdirAll(folder, 0o700)).To(Succeed())
		text = strings.ReplaceAll(text, "config/", up+"/config/")
		Expect(os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600)).To(Succeed())
	}
	for name, original := range s.copies {
		content, err := os.ReadFile(filepath.Join(here, "config", original))
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(filepath.Join(dir, name), content, 0o600)).To(Succeed())
	}
	kustomize := exec.CommandContext(ctx, "go", "tool", "-modfile=hack/tools/go.mod", "kustomize", "build", dir)
	// As the Makefile builds its tools, so that what it has compiled is not
	// compiled again.
	kustomize.Env = append(os.Environ(), "CGO_ENABLED=0")
	kustomize.Dir, kustomize.Stderr = root, GinkgoWriter
	built, err := kustomize.Output()
	Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{"team-a", "team-b"} {
		namespace := "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {team: \"true\"}}\n"
		built = append(built, namespace...)
	}
	return built
}

// completeAuditPolicy notes who did what to which object, leases too, once it is
// done.
const completeAuditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
`

// requests returns what the service account has asked for, none of which was
// forbidden. What concerns no resource, as the discovery of what there is, is open
// to everybody.
func (a *auditLog) requests(account string) []permissions.Request {
	GinkgoHelper()
	content, err := os.ReadFile(a.path)
	Expect(err).NotTo(HaveOccurred())
	var asked []permissions.Request
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			event
			ObjectRef *struct {
				APIGroup, Resource, Subresource, Namespace, Name string
			} `json:"objectRef"`
			Annotations map[string]string `json:"annotations"`
		}
		Expect(json.Unmarshal(lines.Bytes(), &e)).To(Succeed())
		if e.User.Username != "system:serviceaccount:"+installation.Namespace+":"+account {
			continue
		}
		Expect(e.Annotations).To(HaveKeyWithValue("authorization.k8s.io/decision", "allow"), lines.Text())
		Expect(e.ResponseStatus.Code).NotTo(Equal(403), lines.Text())
		if ref := e.ObjectRef; ref != nil {
			resource := strings.TrimSuffix(ref.Resource+"/"+ref.Subresource, "/")
			asked = append(asked, permissions.Request{
				Verb: e.Verb, Group: ref.APIGroup, Resource: resource, Namespace: ref.Namespace, Name: ref.Name,
			})
			if e.Verb == "patch" && e.ResponseStatus.Code == http.StatusCreated {
				// An apply that creates needs both.
				asked = append(asked, permissions.Request{
					Verb: "create", Group: ref.APIGroup, Resource: resource, Namespace: ref.Namespace, Name: ref.Name,
				})
			}
		}
	}
	Expect(lines.Err()).NotTo(HaveOccurred())
	return asked
}

// object is an object of that name, to be read or changed.
func object[T client.Object](o T, namespace, name string) T {
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

// edit changes an object as it is now.
func edit[T client.Object](ctx context.Context, o T, change func(T)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := k8s.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		change(o)
		return k8s.Update(ctx, o)
	}).WithContext(ctx).Should(Succeed())
}

// eventuallyThere waits until the API server has the object.
func eventuallyThere(ctx context.Context, o client.Object) {
	GinkgoHelper()
	Eventually(func() error { return k8s.Get(ctx, client.ObjectKeyFromObject(o), o) }).WithContext(ctx).Should(Succeed())
}

// eventuallySays waits until the condition of the object has the reason.
func eventuallySays(ctx context.Context, o client.Object, condition, reason string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(o), o)).To(Succeed())
		g.Expect(conditions(o)).To(ContainElement(And(
			HaveField("Type", condition), HaveField("Reason", reason), HaveField("ObservedGeneration", o.GetGeneration()),
		)))
	}).WithContext(ctx).Should(Succeed())
}

// eventuallyRepeats waits until the API server has an event about the object that
// says the same again: the recorder writes that by a patch.
func eventuallyRepeats(ctx context.Context, namespace, name, reason string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		var events corev1.EventList
		g.Expect(k8s.List(ctx, &events, client.InNamespace(namespace))).To(Succeed())
		g.Expect(events.Items).To(ContainElement(And(
			HaveField("InvolvedObject.Name", name), HaveField("Reason", reason), HaveField("Series", Not(BeNil())),
		)))
	}).WithContext(ctx).Should(Succeed())
}
