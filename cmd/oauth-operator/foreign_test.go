package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/foreign"
)

// What every program has to say that it did.
var everyStep = []string{"discovery", "code", "userinfo", "refresh", "introspection", "revocation", "logout"}

var _ = Describe("A client that others wrote", Ordered, func() {
	const bye = "https://webapp.example.com/bye"
	var basic, signer foreign.Told

	BeforeAll(func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		register := func(name string, edit func(*v1alpha1.OAuthClientSpec)) foreign.Told {
			c := object(&v1alpha1.OAuthClient{}, namespace, name)
			c.Spec.RedirectURIs, c.Spec.PostLogoutRedirectURIs = []string{callback}, []string{bye}
			c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken}
			c.Spec.Scopes = []string{"openid", "email"}
			edit(&c.Spec)
			Expect(k8s.Create(ctx, c)).To(Succeed())
			eventuallyReady(ctx, c)
			w := &workload{object: c}
			w.mount(ctx)
			return foreign.Told{
				Issuer: issuer, RedirectURI: callback, PostLogoutRedirectURI: bye, Scope: "openid email", Email: "alice@example.com",
				Client: foreign.Client{ID: w.secret[v1alpha1.SecretKeyClientID], Secret: w.secret[v1alpha1.SecretKeyClientSecret]},
			}
		}
		basic = register("basic", func(*v1alpha1.OAuthClientSpec) {})
		key, public := newSigner()
		signer = register("signer", func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod = v1alpha1.AuthMethodPrivateKeyJWT
			s.JWKS = &v1alpha1.JSONWebKeySet{Keys: []v1alpha1.JSONWebKey{public}}
		})
		signer.Client.PrivateKey, signer.Client.KeyID = key, public.KeyID
	})

	It("may be made of zitadel/oidc, with a secret or a key", func(ctx SpecContext) {
		program := filepath.Join(GinkgoT().TempDir(), "zitadel")
		build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
		build.Dir = filepath.Join(root, "hack", "foreign", "zitadel")
		said, err := build.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(said))
		Expect(play(ctx, basic, program)).To(Equal(everyStep))
		Expect(play(ctx, signer, program)).To(Equal([]string{"discovery", "code", "userinfo", "refresh", "logout"}))
	}, SpecTimeout(5*time.Minute))

	It("may be made of openid-client, with a secret or a key", func(ctx SpecContext) {
		main := openIDClient(ctx)
		Expect(play(ctx, basic, "node", main)).To(Equal(everyStep))
		Expect(play(ctx, signer, "node", main)).To(Equal(everyStep))
	}, SpecTimeout(5*time.Minute))
})

// oldestNode is the oldest major version of Node that openid-client supports.
const oldestNode = 20

// openIDClient installs what hack/foreign/openid-client pins, and returns its program.
func openIDClient(ctx context.Context) string {
	GinkgoHelper()
	for _, needed := range []string{"node", "npm"} {
		if _, err := exec.LookPath(needed); err != nil {
			Skip("NOT TESTED: openid-client needs Node, and there is no " + needed + " on this machine")
		}
	}
	version, err := exec.CommandContext(ctx, "node", "--print", "process.versions.node.split('.')[0]").Output()
	Expect(err).NotTo(HaveOccurred())
	major, err := strconv.Atoi(strings.TrimSpace(string(version)))
	Expect(err).NotTo(HaveOccurred())
	if major < oldestNode {
		Skip(fmt.Sprintf("NOT TESTED: openid-client needs Node %d, and this machine has %d", oldestNode, major))
	}
	dir := GinkgoT().TempDir()
	Expect(os.CopyFS(dir, os.DirFS(filepath.Join(root, "hack", "foreign", "openid-client")))).To(Succeed())
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	said, err := install.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(said))
	return filepath.Join(dir, "main.mjs")
}

// play runs a program of hack/foreign with a person of its own, and returns what it
// says that it did.
func play(ctx context.Context, told foreign.Told, program string, args ...string) []string {
	GinkgoHelper()
	environment, err := json.Marshal(told)
	Expect(err).NotTo(HaveOccurred())
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), "FOREIGN_CLIENT="+string(environment))
	complaints := gbytes.NewBuffer()
	command.Stderr = complaints
	answers, err := command.StdinPipe()
	Expect(err).NotTo(HaveOccurred())
	lines, err := command.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(command.Start()).To(Succeed())

	var did []string
	alice := newPerson()
	ended := func(u *url.URL) bool { return u.Host == "webapp.example.com" }
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		switch verb, what, _ := strings.Cut(scanner.Text(), " "); verb {
		case "did":
			did = append(did, what)
		case "connect":
			page, err := alice.Visit(ctx, what, nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(page.Text("done")).To(Equal("Your device is connected"), page.Body)
			_, err = fmt.Fprintln(answers)
			Expect(err).NotTo(HaveOccurred())
		case "visit":
			page, err := alice.Visit(ctx, what, ended)
			Expect(err).NotTo(HaveOccurred())
			Expect(page.Location).NotTo(BeNil(), page.Body)
			_, err = fmt.Fprintln(answers, page.Location)
			Expect(err).NotTo(HaveOccurred())
		}
	}
	Expect(command.Wait()).To(Succeed(), "after %v: %s", did, complaints.Contents())
	return did
}
