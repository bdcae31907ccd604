// Command demo shows the whole of the operator on one machine: a real control
// plane, the controller and the authorization server as users run them, the
// sample manifests, and a client that knows nothing but its mounted Secret.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/hack/demo/webapp"
	"oauth-operator.dev/hack/demo/whoami"
	"oauth-operator.dev/hack/installation"
)

// Addresses of the demo. The first two stand in the sample manifests.
const (
	serverAddress = "127.0.0.1:8080"
	webappAddress = "127.0.0.1:8085"
	apiAddress    = "127.0.0.1:0"
)

// Person of the sample manifests.
const (
	username = "alice"
	password = "wonderland" // #nosec G101 -- of the sample OAuthUser
)

func main() {
	var (
		once   = flag.Bool("once", false, "end after the flow instead of staying up")
		root   = flag.String("root", ".", "root of the repository")
		binary = flag.String("binary", "bin/oauth-operator", "the oauth-operator binary")
	)
	flag.Parse()
	err := untilInterrupted(func(ctx context.Context) error { return run(ctx, *root, *binary, *once) })
	if errors.Is(err, errInterrupted) && !*once {
		err = nil // the person has seen enough
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
		os.Exit(1)
	}
}

// errInterrupted is all that is said of what an interrupt makes fail. Who waits for
// the end of the flow has to know that it was not reached.
var errInterrupted = errors.New("it was interrupted before its end")

// untilInterrupted runs f with a context that ends when the person says so, and
// returns errInterrupted for what goes wrong by that.
func untilInterrupted(f func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := f(ctx)
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// run brings everything up, walks the flow and, unless it is to end then, stays
// up until ctx ends. Whatever happens it leaves nothing running.
func run(ctx context.Context, root, binary string, once bool) (err error) {
	if err := portsFree(serverAddress, webappAddress); err != nil {
		return err
	}
	logs, err := os.CreateTemp("", "oauth-operator-demo-*.log")
	if err != nil {
		return err
	}
	defer func() { _ = logs.Close() }()

	title("A control plane, the controller and the authorization server")
	say("What the controller and the server print goes to %s.", logs.Name())
	in, err := installation.Start(ctx, installation.Options{
		Root:          root,
		Binary:        binary,
		ServerAddress: serverAddress,
		Progress:      os.Stdout,
		Logs:          logs,
		ControlPlane:  controlplane.Options{Log: os.Stdout},
	})
	if err != nil {
		return withLogs(err, logs)
	}
	defer func() {
		say("\nTaking everything down.")
		err = errors.Join(err, in.Stop())
	}()

	mounted, err := os.MkdirTemp("", "oauth-operator-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(mounted)) }()

	if err := samples(ctx, in, filepath.Join(root, "config", "samples"), mounted); err != nil {
		return withLogs(err, logs)
	}
	f := &figure{out: os.Stdout}
	if err := workload(ctx, mounted, f); err != nil {
		return withLogs(err, logs)
	}
	if err := f.walk(ctx); err != nil {
		return withLogs(err, logs)
	}
	if once {
		return nil
	}
	kubeconfig := filepath.Join(mounted, "..", filepath.Base(mounted)+".kubeconfig")
	if err := os.WriteFile(kubeconfig, in.ControlPlane.AdminKubeconfig(), 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(kubeconfig)) }()
	title("Now you")
	say("Open    http://%s and sign in as %s with the password %s.", webappAddress, username, password)
	say("Look    kubectl --kubeconfig %s get oauthclients,oauthgrants -A", kubeconfig)
	say("Ctrl-C takes everything down.")
	<-ctx.Done()
	return nil
}

// workload starts the API and the web application.
func workload(ctx context.Context, mounted string, f *figure) error {
	title("The workload starts, with the Secret mounted as files")
	issuer, err := os.ReadFile(filepath.Join(mounted, "issuer-uri")) // #nosec G304 -- the demo's own folder
	if err != nil {
		return err
	}
	api, err := whoami.New(ctx, string(issuer), string(issuer), http.DefaultClient)
	if err != nil {
		return err
	}
	f.apiURL, err = serve(ctx, apiAddress, api)
	if err != nil {
		return err
	}
	say("An API that verifies access tokens by the issuer's keys: %s", f.apiURL)
	app, err := webapp.New(ctx, webapp.Options{Mounted: mounted, APIURL: f.apiURL, HTTP: &http.Client{Transport: f}})
	if err != nil {
		return err
	}
	f.appURL, err = serve(ctx, webappAddress, app.Handler())
	say("A web application that logs people in:                   %s", f.appURL)
	return err
}

// serve serves the handler until ctx ends, and returns its URL.
func serve(ctx context.Context, address string, handler http.Handler) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

// portsFree says which port is taken before anything is started for nothing.
func portsFree(addresses ...string) error {
	for _, address := range addresses {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("the sample manifests use %s, which is not free: %w", address, err)
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	return nil
}

// withLogs adds the end of what the processes printed to an error.
func withLogs(err error, logs *os.File) error {
	const tail = 4 << 10
	info, statErr := logs.Stat()
	if statErr != nil {
		return err
	}
	end := make([]byte, min(info.Size(), tail))
	if _, readErr := logs.ReadAt(end, info.Size()-int64(len(end))); readErr != nil && !errors.Is(readErr, io.EOF) {
		return err
	}
	return fmt.Errorf("%w\n\nThe last that the controller and the server printed (all of it: %s):\n%s", err, logs.Name(), end)
}

func title(text string) { fmt.Printf("\n\033[1m%s\033[0m\n", text) }

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
