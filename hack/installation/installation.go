// Package installation is the operator as its users run it, on one machine: a
// real control plane, the CRDs and roles of config/, and the controller and the
// authorization server as processes of the one binary, each under its own
// service account with RBAC enforced. The demo, the tests of the whole journey
// and the benchmarks stand on it.
package installation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
)

// Namespace is the operator's namespace, as in config/.
const Namespace = "oauth-operator-system"

// Field owner of what this package applies.
const fieldOwner = "oauth-operator-installation"

// Options of an installation.
type Options struct {
	// Root is the root of the repository.
	Root string

	// Binary is the oauth-operator binary to run.
	Binary string

	// ServerAddress is where the authorization server listens, for plain HTTP.
	// A port of 0 takes a free one.
	ServerAddress string

	// Roles are the manifests of the roles: a file, or a folder with all its
	// files. Where it is empty they are those of config/rbac.
	Roles string

	// Args are further flags of both the controller and the server, ControllerArgs
	// and ServerArgs of one alone.
	Args           []string
	ControllerArgs []string
	ServerArgs     []string

	// Progress takes what is being done, in sentences.
	Progress io.Writer

	// Logs takes what the controller and the server print.
	Logs io.Writer

	// ControlPlane are the options of the control plane.
	ControlPlane controlplane.Options
}

// Installation is a running installation.
type Installation struct {
	// Client acts as cluster-admin and reads from the API server directly.
	Client client.Client

	// ServerAddress is where the authorization server listens.
	ServerAddress string

	// ControlPlane is what everything runs on.
	ControlPlane *controlplane.ControlPlane

	options   Options
	dir       string
	processes []running
}

// running is a process of the binary, and how to start it again.
type running struct {
	*process
	subcommand string
	metrics    string
	start      func(context.Context) error
}

// Start brings everything up. What it has started is stopped again if it fails.
func Start(ctx context.Context, options Options) (_ *Installation, err error) {
	dir, err := os.MkdirTemp("", "oauth-operator-")
	if err != nil {
		return nil, err
	}
	i := &Installation{options: options, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.Stop())
		}
	}()
	for _, step := range []func(context.Context) error{
		i.startControlPlane, i.applyRoles, i.startController, i.startServer,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// Stop takes down everything that Start brought up.
func (i *Installation) Stop() error {
	var errs []error
	for n := len(i.processes) - 1; n >= 0; n-- {
		errs = append(errs, i.processes[n].stop())
	}
	i.processes = nil
	if i.ControlPlane != nil {
		errs = append(errs, i.ControlPlane.Stop())
		i.ControlPlane = nil
	}
	return errors.Join(append(errs, os.RemoveAll(i.dir))...)
}

// PID returns the process id of the subcommand, or 0 if it does not run.
func (i *Installation) PID(subcommand string) int {
	for _, r := range i.processes {
		if r.subcommand == subcommand {
			return r.command.Process.Pid
		}
	}
	return 0
}

// MetricsURL returns where the subcommand tells its metrics, or "".
func (i *Installation) MetricsURL(subcommand string) string {
	for _, r := range i.processes {
		if r.subcommand == subcommand {
			return r.metrics
		}
	}
	return ""
}

// MetricsURLs returns where all replicas of the subcommand tell their metrics.
func (i *Installation) MetricsURLs(subcommand string) []string {
	var urls []string
	for _, r := range i.processes {
		if r.subcommand == subcommand {
			urls = append(urls, r.metrics)
		}
	}
	return urls
}

// Restart ends the process of that subcommand and starts it anew.
func (i *Installation) Restart(ctx context.Context, subcommand string) error {
	ended, err := i.end(subcommand)
	if err != nil {
		return err
	}
	return ended.start(ctx)
}

// EndAdded ends the replica that AddServer has started last.
func (i *Installation) EndAdded() error {
	for n := len(i.processes) - 1; n > 0; n-- {
		if i.processes[n].subcommand == "server" {
			ended := i.processes[n]
			i.processes = slices.Delete(i.processes, n, n+1)
			return ended.stop()
		}
	}
	return errors.New("there is no added server")
}

// End ends the process of that subcommand.
func (i *Installation) End(subcommand string) error {
	_, err := i.end(subcommand)
	return err
}

func (i *Installation) end(subcommand string) (running, error) {
	n := slices.IndexFunc(i.processes, func(r running) bool { return r.subcommand == subcommand })
	if n < 0 {
		return running{}, fmt.Errorf("there is no process %q", subcommand)
	}
	ended := i.processes[n]
	i.processes = slices.Delete(i.processes, n, n+1)
	return ended, ended.stop()
}

func (i *Installation) startControlPlane(ctx context.Context) error {
	i.say("Starting kube-apiserver and etcd.")
	controlPlane, err := controlplane.Start(ctx, i.options.ControlPlane)
	if err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	i.ControlPlane = controlPlane
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	i.Client, err = client.New(controlPlane.Config(), client.Options{Scheme: scheme})
	return err
}

func (i *Installation) applyRoles(ctx context.Context) error {
	i.say("Applying the roles.")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
	if err := i.Client.Create(ctx, namespace); err != nil {
		return fmt.Errorf("creating the operator's namespace: %w", err)
	}
	_, err := i.Apply(ctx, cmp.Or(i.options.Roles, filepath.Join(i.options.Root, "config", "rbac")))
	return err
}

// StartController starts the controller again that End has ended.
func (i *Installation) StartController(ctx context.Context) error { return i.startController(ctx) }

func (i *Installation) startController(ctx context.Context) error {
	return i.run(ctx, "controller", "oauth-operator-controller", i.options.ControllerArgs...)
}

func (i *Installation) startServer(ctx context.Context) error {
	address, err := free(i.options.ServerAddress)
	if err != nil {
		return err
	}
	i.ServerAddress = address
	return i.serve(ctx, address, i.options.ServerArgs...)
}

// AddServer starts another replica of the authorization server, with
// these flags in the place of ServerArgs, and returns where it listens.
func (i *Installation) AddServer(ctx context.Context, args ...string) (address string, err error) {
	address, err = free("127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return address, i.serve(ctx, address, args...)
}

func (i *Installation) serve(ctx context.Context, address string, args ...string) error {
	return i.run(ctx, "server", "oauth-operator-server", append([]string{"--listen-address", address}, args...)...)
}

// run starts a subcommand of the binary under its service account and waits
// until it says that it is ready.
func (i *Installation) run(ctx context.Context, subcommand, account string, args ...string) error {
	i.say("Starting `oauth-operator %s` as service account %s.", subcommand, account)
	kubeconfig, err := i.kubeconfig(account)
	if err != nil {
		return err
	}
	probe, err := free("127.0.0.1:0")
	if err != nil {
		return err
	}
	metrics, err := free("127.0.0.1:0")
	if err != nil {
		return err
	}
	process, err := start(ctx, i.options.Logs, i.options.Binary, append([]string{
		subcommand, "--kubeconfig", kubeconfig, "--namespace", Namespace,
		"--metrics-bind-address", metrics, "--health-probe-bind-address", probe,
	}, slices.Concat(i.options.Args, args)...)...)
	if err != nil {
		return fmt.Errorf("starting the %s: %w", subcommand, err)
	}
	i.processes = append(i.processes, running{process: process, subcommand: subcommand, metrics: "http://" + metrics + "/metrics", start: func(ctx context.Context) error {
		return i.run(ctx, subcommand, account, args...)
	}})
	if err := process.ready(ctx, "http://"+probe+"/readyz"); err != nil {
		return fmt.Errorf("waiting for the %s: %w", subcommand, err)
	}
	return nil
}

// kubeconfig writes the kubeconfig of a service account of the operator.
func (i *Installation) kubeconfig(account string) (string, error) {
	user, groups := controlplane.ServiceAccount(Namespace, account)
	content, err := i.ControlPlane.Kubeconfig(user, groups)
	if err != nil {
		return "", fmt.Errorf("making a kubeconfig for %s: %w", user, err)
	}
	path := filepath.Join(i.dir, account+".kubeconfig")
	return path, os.WriteFile(path, content, 0o600)
}

func (i *Installation) say(format string, args ...any) {
	if i.options.Progress != nil {
		_, _ = fmt.Fprintf(i.options.Progress, format+"\n", args...)
	}
}

// free returns the address with a port that is free where it says 0, and an
// error that helps where the port it names is taken.
func free(address string) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("the address %s is not free: %w", address, err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// probeInterval is how often a process that starts is asked whether it is ready.
const probeInterval = 50 * time.Millisecond

func healthy(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode == http.StatusOK
}
