// Command controlplane obtains or runs the control plane that the demo, the
// tests and the benchmarks use.
//
//	controlplane assets   prints the directory of kube-apiserver and etcd
//	controlplane run      runs them with the CRDs until Ctrl-C
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/hack/controlplane"
)

const usage = `usage: controlplane COMMAND

  assets   print the directory that holds kube-apiserver and etcd, obtaining them first
  run      run them with the project's CRDs until Ctrl-C, and print where the kubeconfig is`

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// What controller-runtime would log here is in the errors already.
	log.SetLogger(logr.Discard())
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) != 1 {
		return errors.New(usage)
	}
	switch args[0] {
	case "assets":
		dir, err := controlplane.Assets(ctx, stderr)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, dir)
		return err
	case "run":
		return run(ctx, stdout, stderr)
	default:
		return fmt.Errorf("no command %q\n%s", args[0], usage)
	}
}

func run(ctx context.Context, stdout, stderr io.Writer) error {
	plane, err := controlplane.Start(ctx, controlplane.Options{Log: stderr})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "oauth-operator-kubeconfig-")
	if err != nil {
		return errors.Join(err, plane.Stop())
	}
	file := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(file, plane.AdminKubeconfig(), 0o600); err != nil {
		return errors.Join(err, plane.Stop(), os.RemoveAll(dir))
	}
	_, _ = fmt.Fprintf(stdout, "export KUBECONFIG=%s\n", file)
	<-ctx.Done()
	return errors.Join(plane.Stop(), os.RemoveAll(dir))
}
