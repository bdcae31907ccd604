package e2e_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/hack/person"
)

// The installation, as in the README.
const (
	release = "oauth-operator"
	chart   = "charts/oauth-operator"
)

// Who can log in: the sample OAuthUser.
const (
	username = "alice"
	password = "wonderland"
)

// promised is how long it takes from helm install to a working authorization server.
const promised = time.Minute

// present are the values of the present chart, and those of the kept one, whose schema
// refuses what it does not know. It finds the AuthorizationServer that was made before.
func present() []string {
	return append(image(), "--values", "hack/e2e/testdata/values.yaml")
}

func past() []string {
	return append(image(), "--set", "server.tls.secretName=server-tls")
}

func image() []string {
	repository, tag, _ := cutLast(images["oauth-operator"], ":")
	return []string{"--set", "image.repository=" + repository, "--set", "image.tag=" + tag}
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// asTheReadmeSays runs the command by which the README installs the chart, as it
// stands there, and lets Helm be told afterwards what this cluster needs: where the
// image is, and who the issuer is.
func asTheReadmeSays(ctx context.Context) {
	GinkgoHelper()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	Expect(err).NotTo(HaveOccurred())
	command := regexp.MustCompile("(?s)```sh\n(helm install .*?)```").FindSubmatch(readme)
	Expect(command).To(HaveLen(2), "the README installs with helm")
	program, err := helmProgram()
	Expect(err).NotTo(HaveOccurred())
	bin := GinkgoT().TempDir()
	script := "#!/bin/sh\nexec '" + program + `' "$@" --wait --timeout 3m '` + strings.Join(append(present(), "--set", "authorizationServer.spec.issuer="+issuer), "' '") + "'\n"
	Expect(os.WriteFile(filepath.Join(bin, "helm"), []byte(script), 0o755)).To(Succeed())
	out, err := run(ctx, "env", "PATH="+bin+":"+os.Getenv("PATH"), "sh", "-ec", string(command[1]))
	Expect(err).NotTo(HaveOccurred(), out)
}

// helmDo installs or upgrades the release, and waits until its Pods are ready.
func helmDo(ctx context.Context, what, chart string, values []string) {
	GinkgoHelper()
	k8s.helm(ctx, append([]string{what, release, chart, "--namespace", operatorNamespace, "--wait", "--timeout", "3m"}, values...)...)
}

// discovered waits until the issuer answers, through its Service.
func discovered(ctx context.Context) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		response, err := get(ctx, issuer+"/.well-known/openid-configuration", "") //nolint:bodyclose // get has closed it
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(response.StatusCode).To(Equal(http.StatusOK))
	}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
}

// get asks through the edge, with an access token or without.
func get(ctx context.Context, address, token string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := outside.http().Do(request)
	if err != nil {
		return nil, err
	}
	return response, response.Body.Close()
}

func samples(path ...string) string {
	return filepath.Join(append([]string{root, "config", "samples"}, path...)...)
}

func theInstallation() {
	It("is a working authorization server within a minute of helm install", func(ctx SpecContext) {
		_, err := helmProgram() // to build it is not part of it
		Expect(err).NotTo(HaveOccurred())
		began := time.Now()
		asTheReadmeSays(ctx)
		installed := time.Since(began)
		k8s.apply(ctx, samples("oauthuser.yaml"))
		discovered(ctx)
		took := time.Since(began)
		say("helm install --wait took %s, and the issuer answered after %s", installed.Round(100*time.Millisecond), took.Round(100*time.Millisecond))
		Expect(took).To(BeNumerically("<", promised))
	}, NodeTimeout(6*time.Minute))

	It("has a workload start when its Secret is there, and not before", func(ctx SpecContext) {
		k8s.apply(ctx, samples("webapp", "deployment.yaml"), withImages, onSurvivor)
		k8s.apply(ctx, samples("api", "deployment.yaml"), withImages, onSurvivor)
		webapp := client.MatchingLabels{"app.kubernetes.io/name": "webapp"}
		var pod corev1.Pod
		Eventually(func(g Gomega) {
			pods := k8s.podsWith(ctx, demoNamespace, webapp)
			g.Expect(pods).To(HaveLen(1))
			pod = pods[0]
			g.Expect(eventsOf(ctx, &pod)).To(ContainElement(ContainSubstring(`secret "webapp-oauth" not found`)))
		}).WithContext(ctx).WithTimeout(later).WithPolling(poll).Should(Succeed())
		Consistently(func(g Gomega) {
			g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(&pod), &pod)).To(Succeed())
			g.Expect(pod.Status.ContainerStatuses).To(HaveEach(HaveField("State.Waiting.Reason", "ContainerCreating")))
			g.Expect(pod.Status.Phase).To(Equal(corev1.PodPending))
		}).WithContext(ctx).WithTimeout(3 * time.Second).WithPolling(poll).Should(Succeed())

		began := time.Now()
		for _, folder := range []string{"webapp", "api"} {
			for _, object := range k8s.apply(ctx, samples(folder, "oauthclient.yaml")) {
				k8s.ready(ctx, object)
			}
		}
		registered := time.Since(began)
		k8s.available(ctx, demoNamespace, "webapp")
		k8s.available(ctx, demoNamespace, "api")
		say("two clients were ready after %s, and their workloads ran after %s",
			registered.Round(100*time.Millisecond), time.Since(began).Round(100*time.Millisecond))
		Expect(k8s.Get(ctx, client.ObjectKeyFromObject(&pod), &pod)).To(Succeed(), "the very Pod that waited")
		Expect(pod.Status.ContainerStatuses[0].RestartCount).To(BeZero())
	}, NodeTimeout(6*time.Minute))

	It("lets a person log in with a browser, and the API know them", func(ctx SpecContext) {
		tab := newTab()
		open(tab, "https://"+webappHost+"/")
		shows(tab, "#login", Equal("Sign in"))
		signIn(tab, "#login")
		shows(tab, "#claims", ContainSubstring(`"name": "Alice Liddell"`))
		shows(tab, "#api", ContainSubstring(`"client_id": "demo.webapp"`))
		Expect(chromedp.Run(tab, chromedp.Evaluate[string]("document.body.dataset.is = 'old'"))).To(Equal("old"))
		press(tab, "#refresh button")
		shows(tab, "body:not([data-is]) #api", ContainSubstring(`"client_id": "demo.webapp"`))
	}, SpecTimeout(3*time.Minute))

	It("lets nobody in with another password", func(ctx SpecContext) {
		someone, err := person.New(username, "guessed", outside.transport())
		Expect(err).NotTo(HaveOccurred())
		page, err := someone.Visit(ctx, "https://"+webappHost+"/login", nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Request.URL.Host).To(Equal(issuerHost))
		Expect(page.Text("claims")).To(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("runs as Pod Security restricted, without a shell", func(ctx SpecContext) {
		for _, component := range []string{"server", "controller"} {
			pods := k8s.pods(ctx, component)
			Expect(pods).NotTo(BeEmpty())
			for _, pod := range pods {
				container := pod.Spec.Containers[0]
				Expect(pod.Spec.SecurityContext.RunAsNonRoot).To(HaveValue(BeTrue()))
				Expect(container.SecurityContext.ReadOnlyRootFilesystem).To(HaveValue(BeTrue()))
				Expect(container.SecurityContext.AllowPrivilegeEscalation).To(HaveValue(BeFalse()))
				for _, shell := range []string{"sh", "/bin/sh", "/bin/bash", "/busybox/sh"} {
					Expect(execute(ctx, &pod, shell, "-c", "true")).NotTo(Succeed(), "%s in %s", shell, pod.Name)
				}
				// And not because nothing could be run there at all.
				Expect(execute(ctx, &pod, "/oauth-operator", "--help")).To(Succeed())
			}
		}
		// The namespace enforces it.
		lesser := k8s.pods(ctx, "server")[0]
		lesser.ResourceVersion, lesser.Name = "", "lesser"
		lesser.Spec.TopologySpreadConstraints, lesser.Spec.Affinity = nil, nil // as they are in a Pod, none can be made
		lesser.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
		Expect(k8s.Create(ctx, &lesser, client.DryRunAll)).To(MatchError(ContainSubstring("violates PodSecurity")))
	}, SpecTimeout(time.Minute))
}

// eventsOf returns what the cluster says about an object.
func eventsOf(ctx context.Context, object client.Object) []string {
	GinkgoHelper()
	var events corev1.EventList
	Expect(k8s.List(ctx, &events, client.InNamespace(object.GetNamespace()))).To(Succeed())
	var said []string
	for _, event := range events.Items {
		if event.InvolvedObject.Name == object.GetName() {
			said = append(said, event.Reason+": "+event.Message)
		}
	}
	return said
}

// execute runs a program in the container of a Pod.
func execute(ctx context.Context, pod *corev1.Pod, command ...string) error {
	request := k8s.core.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).
		SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Container: pod.Spec.Containers[0].Name, Command: command, Stdout: true, Stderr: true,
	}, scheme.ParameterCodec)
	executor, err := remotecommand.NewSPDYExecutor(k8s.config, http.MethodPost, request.URL())
	if err != nil {
		return err
	}
	var out bytes.Buffer
	return executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &out})
}
