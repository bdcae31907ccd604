package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// build makes the control plane from source, through the Go module proxy.
type build struct {
	pins pins
	log  io.Writer
}

// etcdBinary is what go build calls etcd: its main package is .../etcd/server/v3.
const etcdBinary = "server"

func (b build) fill(ctx context.Context, dir string) error {
	_, _ = fmt.Fprintf(b.log, "control plane: building Kubernetes %s and etcd from source, about 12 CPU minutes, once\n", b.pins.version)

	// Listing the packages fetches the modules, and tells how much there is to do.
	var packages bytes.Buffer
	list := b.command(ctx, "list", "-deps", "-f", "{{.ImportPath}}", "tool")
	list.Stdout = &packages
	fetching := progress{log: b.log, say: func(p *progress) string {
		return fmt.Sprintf("%d modules fetched", p.modules)
	}}
	if err := fetching.run(list); err != nil {
		return fmt.Errorf("fetch the sources: %w", err)
	}

	total := bytes.Count(packages.Bytes(), []byte("\n"))
	compiling := progress{log: b.log, say: func(p *progress) string {
		return fmt.Sprintf("%d of at most %d packages compiled", p.packages, total)
	}}
	if err := compiling.run(b.command(ctx, "build", "-v", "-trimpath", "-buildvcs=false",
		"-ldflags", b.ldflags(), "-o", dir+string(filepath.Separator), "tool")); err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	return os.Rename(filepath.Join(dir, etcdBinary), filepath.Join(dir, "etcd"))
}

// ldflags give kube-apiserver the version that its own build would have given
// it: without one it calls itself v0.0.0, and clients cannot tell what they have.
func (b build) ldflags() string {
	major, minor := b.pins.minor()
	const pkg = "k8s.io/component-base/version"
	return fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s",
		pkg, b.pins.version, major, minor)
}

func (b build) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append([]string{args[0], "-C", filepath.Join(b.pins.root, programsDir)}, args[1:]...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = goEnvironment(os.Environ())
	// Interrupted, go stops its compilers and leaves nothing half done.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// goEnvironment is env without what would lead the go command astray: another
// workspace, another module file, another platform.
func goEnvironment(env []string) []string {
	set := []string{
		// Not empty: go would then read the user's `go env -w`.
		"GOFLAGS=-mod=readonly",
		"GOWORK=off",
		"GO111MODULE=on",
		"CGO_ENABLED=0",
		"GOOS=" + runtime.GOOS,
		"GOARCH=" + runtime.GOARCH,
	}
	// The last value of a variable counts.
	return append(append([]string{}, env...), set...)
}
