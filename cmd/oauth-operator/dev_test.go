package main_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/person"
)

// development is a running `oauth-operator dev`.
type development struct {
	out, errors *buffer
	issuer      string
	stop        func()
}

var servingAt = regexp.MustCompile(`the issuer is (http://localhost:[0-9]+)`)

// startDev starts it on a free port and waits until it serves an issuer.
func startDev(args ...string) *development {
	GinkgoHelper()
	d := &development{out: &buffer{}, errors: &buffer{}}
	running, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(running, binary, append([]string{"dev", "--listen-address", "127.0.0.1:0"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = append(os.Environ(), "KUBERNETES_SERVICE_HOST=")
	cmd.Stdout, cmd.Stderr = d.out, d.errors
	Expect(cmd.Start()).To(Succeed())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	stopped := false
	d.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		Eventually(done).Should(Receive(Or(BeNil(), MatchError(context.Canceled))), d.errors.String())
	}
	DeferCleanup(func() { d.stop() })
	Eventually(d.out.String).Should(MatchRegexp(`AuthorizationServer \S+ is ready`), d.errors.String())
	d.issuer = servingAt.FindStringSubmatch(d.out.String())[1]
	return d
}

// samples copies config/samples, to be changed.
func samples() string {
	GinkgoHelper()
	dir := filepath.Join(GinkgoT().TempDir(), "samples")
	Expect(os.CopyFS(dir, os.DirFS(filepath.Join(root, "config", "samples")))).To(Succeed())
	return dir
}

// editFile changes a file by one replacement.
func editFile(file, old, next string) {
	GinkgoHelper()
	raw, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(raw)).To(ContainSubstring(old))
	Expect(os.WriteFile(file, []byte(strings.Replace(string(raw), old, next, 1)), 0o600)).To(Succeed())
}

// mounted reads the files of a Secret, once they are there.
func mounted(dir string) map[string]string {
	GinkgoHelper()
	files := map[string]string{}
	clientID := filepath.Join(dir, "client-id")
	Eventually(clientID).Should(BeARegularFile())
	entries, err := os.ReadDir(dir)
	Expect(err).NotTo(HaveOccurred())
	for _, entry := range entries {
		info, err := entry.Info()
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)), entry.Name())
		raw, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		Expect(err).NotTo(HaveOccurred())
		files[entry.Name()] = string(raw)
	}
	return files
}

// devClient is the client as its developer has it: from the files alone.
func devClient(ctx context.Context, files map[string]string) (*oauth2.Config, *oidc.Provider) {
	GinkgoHelper()
	provider, err := oidc.NewProvider(ctx, files["issuer-uri"])
	Expect(err).NotTo(HaveOccurred())
	return &oauth2.Config{
		ClientID: files["client-id"], ClientSecret: files["client-secret"], Endpoint: provider.Endpoint(),
		RedirectURL: strings.Fields(files["redirect-uris"])[0], Scopes: strings.Fields(files["scopes"]),
	}, provider
}

// devLogin has a person log in, and returns where the browser is sent at last, and
// the pages that it saw.
func devLogin(ctx context.Context, app *oauth2.Config, username, password string) (url.Values, []*person.Page) {
	GinkgoHelper()
	var pages []*person.Page
	p, err := person.New(username, password, nil)
	Expect(err).NotTo(HaveOccurred())
	p.Watch = func(page *person.Page) { pages = append(pages, page) }
	verifier := sha256.Sum256([]byte("verifier"))
	page, err := p.Visit(ctx, app.AuthCodeURL("s", oauth2.S256ChallengeOption(base64.RawURLEncoding.EncodeToString(verifier[:]))),
		func(u *url.URL) bool { return strings.HasPrefix(u.String(), app.RedirectURL) })
	Expect(err).NotTo(HaveOccurred())
	Expect(page.Location).NotTo(BeNil(), "%d %s", page.Status, page.Body)
	return page.Location.Query(), pages
}

// redeem exchanges the code of devLogin for tokens.
func redeem(ctx context.Context, app *oauth2.Config, back url.Values) (*oauth2.Token, error) {
	verifier := sha256.Sum256([]byte("verifier"))
	return app.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(base64.RawURLEncoding.EncodeToString(verifier[:])))
}

var _ = Describe("oauth-operator dev", func() {
	It("serves the samples as they are, loudly, to a client that mounts the files", func(ctx SpecContext) {
		secrets := filepath.Join(GinkgoT().TempDir(), "secrets")
		d := startDev("--secrets-dir", secrets, filepath.Join(root, "config", "samples"))
		Expect(d.errors.String()).To(ContainSubstring("DEVELOPMENT SERVER: NOT FOR PRODUCTION"))
		Expect(d.out.String()).To(ContainSubstring("the issuer is " + d.issuer + " HERE, in place of http://127.0.0.1:8080"))
		Eventually(d.out.String).Should(ContainSubstring("OAuthClient demo/webapp is ready"))

		files := mounted(filepath.Join(secrets, "demo", "webapp-oauth"))
		app, provider := devClient(ctx, files)
		Expect(app.ClientID).To(Equal("demo.webapp"))
		back, pages := devLogin(ctx, app, "alice", "wonderland")
		token, err := redeem(ctx, app, back)
		Expect(err).NotTo(HaveOccurred())
		id, err := provider.Verifier(&oidc.Config{ClientID: app.ClientID}).Verify(ctx, token.Extra("id_token").(string))
		Expect(err).NotTo(HaveOccurred())
		Expect(id.Issuer).To(Equal(d.issuer))
		Expect(token.RefreshToken).NotTo(BeEmpty())

		Expect(pages).NotTo(BeEmpty())
		shown := 0
		for _, page := range pages {
			Expect(page.Header.Get("Oauth-Operator-Notice")).To(ContainSubstring("not for production"))
			if page.Status == http.StatusOK {
				shown++
				Expect(page.Body).To(ContainSubstring(`id="notice" role="note">Development server: not for production.`))
			}
		}
		Expect(shown).To(BeNumerically(">=", 2), "the login page and the consent page")

		_, err = redeem(ctx, app, back)
		Expect(err).To(MatchError(ContainSubstring("invalid_grant")), "a code is good once, as in a cluster")
		for _, said := range []string{d.out.String(), d.errors.String()} {
			Expect(said).NotTo(Or(ContainSubstring(app.ClientSecret), ContainSubstring("$argon2id$"), ContainSubstring(back.Get("code"))))
		}
	})

	It("writes the files that the controller writes into the Secret in a cluster", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		const manifest = `
apiVersion: oauth-operator.dev/v1alpha1
kind: OAuthClient
metadata: {name: plain}
spec:
  redirectURIs: [https://plain.example.com/callback]
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, profile]
---
apiVersion: oauth-operator.dev/v1alpha1
kind: OAuthClient
metadata: {name: public}
spec:
  redirectURIs: [http://127.0.0.1/callback]
  tokenEndpointAuthMethod: none
---
apiVersion: oauth-operator.dev/v1alpha1
kind: OAuthClient
metadata: {name: templated}
spec:
  redirectURIs: [https://templated.example.com/callback]
  scopes: [openid]
  secret:
    name: settings
    template:
      data:
        client-id: "{{ .ClientID }}"
        config.ini: |
          [oauth]
          id = {{ .ClientID }}
          token_url = {{ .TokenEndpoint }}
          scopes = {{ join "," .Scopes }}
`
		for _, document := range strings.Split(manifest, "---") {
			object := &v1alpha1.OAuthClient{}
			Expect(yaml.UnmarshalStrict([]byte(document), object)).To(Succeed())
			object.Namespace = namespace
			Expect(k8s.Create(ctx, object)).To(Succeed())
			eventuallyReady(ctx, object)
		}

		dir, secrets := GinkgoT().TempDir(), filepath.Join(GinkgoT().TempDir(), "secrets")
		servers := &v1alpha1.AuthorizationServer{}
		Expect(k8s.Get(ctx, types.NamespacedName{Name: "main"}, servers)).To(Succeed())
		servers.APIVersion, servers.Kind, servers.Spec.Policy = v1alpha1.GroupVersion.String(), "AuthorizationServer", nil
		servers.Status = v1alpha1.AuthorizationServerStatus{}
		asYAML, err := yaml.Marshal(servers)
		Expect(err).NotTo(HaveOccurred())
		asYAML = regexp.MustCompile(`(?m)^status:[\s\S]*`).ReplaceAll(asYAML, nil)
		inNamespace := strings.ReplaceAll(manifest, "metadata: {", "metadata: {namespace: "+namespace+", ")
		Expect(os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(string(asYAML)+"---"+inNamespace), 0o600)).To(Succeed())
		d := startDev("--secrets-dir", secrets, dir)
		for _, name := range []string{"plain-oauth", "public-oauth", "settings"} {
			files := mounted(filepath.Join(secrets, namespace, name))
			var inCluster corev1.Secret
			Expect(k8s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &inCluster)).To(Succeed())
			expected := map[string]string{}
			for key, value := range inCluster.Data {
				expected[key] = strings.ReplaceAll(string(value), issuer, d.issuer)
			}
			if _, has := expected["client-secret"]; has {
				seen.add(expected["client-secret"])
				Expect(files["client-secret"]).To(And(HaveLen(len(expected["client-secret"])), Not(Equal(expected["client-secret"]))))
				expected["client-secret"] = files["client-secret"]
			}
			Expect(files).To(Equal(expected))
		}
	})

	It("keeps client secrets from run to run, and takes files away whose key is gone", func(ctx SpecContext) {
		dir, secrets := samples(), filepath.Join(GinkgoT().TempDir(), "secrets")
		d := startDev("--secrets-dir", secrets, dir)
		at := filepath.Join(secrets, "demo", "webapp-oauth")
		before := mounted(at)
		d.stop()
		Expect(mounted(at)).To(Equal(before), "they stay when the process ends")

		d = startDev("--secrets-dir", secrets, dir)
		Eventually(d.out.String).Should(ContainSubstring("OAuthClient demo/webapp is ready"))
		Eventually(func() map[string]string { return mounted(at) }).Should(HaveKeyWithValue("issuer-uri", d.issuer))
		after := mounted(at)
		Expect(after["client-secret"]).To(Equal(before["client-secret"]))
		app, _ := devClient(ctx, after)
		back, _ := devLogin(ctx, app, "alice", "wonderland")
		_, err := redeem(ctx, app, back)
		Expect(err).NotTo(HaveOccurred())

		editFile(filepath.Join(dir, "oauthclient.yaml"), "spec:\n", "spec:\n  tokenEndpointAuthMethod: none\n")
		secret := filepath.Join(at, "client-secret")
		Eventually(secret).ShouldNot(BeAnExistingFile())
	})

	It("reads a file that has changed, and serves on what was right when it is wrong", func(ctx SpecContext) {
		dir, secrets := samples(), filepath.Join(GinkgoT().TempDir(), "secrets")
		d := startDev("--secrets-dir", secrets, dir)
		at := filepath.Join(secrets, "demo", "webapp-oauth")
		app, _ := devClient(ctx, mounted(at))
		const moved = "http://127.0.0.1:8085/moved"
		works := func(redirect string) bool {
			app.RedirectURL = redirect
			response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).
				Get(app.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
			Expect(err).NotTo(HaveOccurred())
			Expect(response.Body.Close()).To(Succeed())
			return response.StatusCode < http.StatusBadRequest
		}
		Expect(works("http://127.0.0.1:8085/callback")).To(BeTrue())
		Expect(works(moved)).To(BeFalse())

		file := filepath.Join(dir, "oauthclient.yaml")
		editFile(file, "8085/callback", "8085/moved")
		Eventually(func() bool { return works(moved) }).Should(BeTrue())
		Expect(works("http://127.0.0.1:8085/callback")).To(BeFalse())
		Eventually(func() string { return mounted(at)["redirect-uris"] }).Should(Equal(moved))

		editFile(file, "  redirectURIs:", "  redirectUris:")
		Eventually(d.out.String).Should(And(ContainSubstring("What was right before is served on"),
			MatchRegexp(`oauthclient\.yaml:\d+: spec\.redirectUris is no field that there is`)))
		Consistently(func() bool { return works(moved) }, "1s").Should(BeTrue())
		back, _ := devLogin(ctx, app, "alice", "wonderland")
		Expect(back.Get("code")).NotTo(BeEmpty())

		editFile(file, "  redirectUris:", "  redirectURIs:")
		editFile(file, "  - groups", "  - unheard-of")
		Eventually(d.out.String).Should(MatchRegexp(`OAuthClient demo/webapp is NOT READY.*unheard-of`))
		editFile(file, "  - unheard-of", "  - groups")
		Eventually(func() bool { return works(moved) }).Should(BeTrue())

		Expect(os.Remove(file)).To(Succeed())
		Eventually(func() bool { return works(moved) }).Should(BeFalse())
		Eventually(d.out.String).Should(ContainSubstring("OAuthClient demo/webapp is gone"))
	})

	It("makes what the manifests leave out, and takes the issuers of production", func(ctx SpecContext) {
		dir, secrets := GinkgoT().TempDir(), filepath.Join(GinkgoT().TempDir(), "secrets")
		file := filepath.Join(dir, "app.yaml")
		Expect(os.WriteFile(file, []byte(`
apiVersion: oauth-operator.dev/v1alpha1
kind: OAuthClient
metadata: {name: app}
spec:
  redirectURIs: [https://app.example.com/callback]
  scopes: [openid]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
`), 0o600)).To(Succeed())
		d := startDev("--secrets-dir", secrets, "--redirect-uri", "default.app=http://127.0.0.1:3000/callback", file)
		Expect(d.out.String()).To(ContainSubstring("app.yaml:9: left out Deployment app"))
		password := regexp.MustCompile(`Log in as "dev" with the password (\S+)`).FindStringSubmatch(d.out.String())
		Expect(password).NotTo(BeNil())
		app, _ := devClient(ctx, mounted(filepath.Join(secrets, "default", "app-oauth")))
		app.RedirectURL = "http://127.0.0.1:3000/callback"
		back, _ := devLogin(ctx, app, "dev", password[1])
		_, err := redeem(ctx, app, back)
		Expect(err).NotTo(HaveOccurred())

		servers := filepath.Join(dir, "servers.yaml")
		Expect(os.WriteFile(servers, []byte(`
apiVersion: oauth-operator.dev/v1alpha1
kind: AuthorizationServer
metadata:
  name: main
  annotations: {oauth-operator.dev/is-default-authorization-server: "true"}
spec: {issuer: https://auth.example.com/people}
---
apiVersion: oauth-operator.dev/v1alpha1
kind: AuthorizationServer
metadata: {name: other}
spec: {issuer: https://other.example.com/people}
`), 0o600)).To(Succeed())
		d.stop()
		d = startDev("--secrets-dir", secrets, dir)
		Eventually(d.out.String).Should(And(
			MatchRegexp(`main: the issuer is http://localhost:\d+/people HERE, in place of https://auth.example.com/people`),
			MatchRegexp(`AuthorizationServer main is ready: the issuer is http://localhost:\d+/people\n`),
			MatchRegexp(`AuthorizationServer other is ready: the issuer is http://localhost:\d+/people/other\n`),
		))
		_, err = oidc.NewProvider(ctx, d.issuer+"/people")
		Expect(err).NotTo(HaveOccurred())
	})

	DescribeTable("refuses", func(ctx SpecContext, env, args []string, help string) {
		cmd := exec.CommandContext(ctx, binary, append([]string{"dev"}, args...)...)
		cmd.Env = append(append(os.Environ(), "KUBERNETES_SERVICE_HOST="), env...)
		said, err := cmd.CombinedOutput()
		Expect(err).To(MatchError("exit status 1"))
		Expect(string(said)).To(ContainSubstring(help))
	},
		Entry("every address", nil, []string{"--listen-address", ":8080", root + "/config/samples"}, "for development", SpecTimeout(time.Minute)),
		Entry("an address of a network", nil, []string{"--listen-address", "192.0.2.1:0", root + "/config/samples"}, "for development", SpecTimeout(time.Minute)),
		Entry("a name that may lead anywhere", nil, []string{"--listen-address", "example.com:0", root + "/config/samples"}, "for development", SpecTimeout(time.Minute)),
		Entry("a Pod", []string{"KUBERNETES_SERVICE_HOST=10.0.0.1"}, []string{root + "/config/samples"}, "--in-cluster", SpecTimeout(time.Minute)),
		Entry("manifests that are wrong", nil, []string{"--listen-address", "127.0.0.1:0", root + "/Makefile"}, "Makefile:", SpecTimeout(time.Minute)),
		Entry("a redirect URI of nobody", nil, []string{"--listen-address", "127.0.0.1:0", "--redirect-uri", "a.b=http://x", root + "/config/samples"},
			"no OAuthClient with the client_id a.b", SpecTimeout(time.Minute)),
		Entry("half a redirect URI", nil, []string{"--redirect-uri", "a.b", root + "/config/samples"}, "CLIENT_ID=URI", SpecTimeout(time.Minute)),
	)
})
