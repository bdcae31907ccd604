package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// download fetches a prebuilt control plane with setup-envtest.
type download struct {
	pins  pins
	index string
	log   io.Writer
}

// envtestIndex lists the prebuilt control planes. Asking for it first costs a
// second where there is no way out to it; building setup-envtest in vain costs a
// minute.
const envtestIndex = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"

const (
	indexLimit    = 5 * time.Second
	downloadLimit = 60 * time.Second
)

func (d download) fill(ctx context.Context, dir string) error {
	if err := d.reachable(ctx); err != nil {
		return err
	}
	tool := filepath.Join(dir, "setup-envtest")
	if out, err := d.command(ctx, "go", "build", "-modfile="+toolsMod, "-o", tool,
		"sigs.k8s.io/controller-runtime/tools/setup-envtest").CombinedOutput(); err != nil {
		return fmt.Errorf("build setup-envtest: %w: %s", err, lastLine(out))
	}

	major, minor := d.pins.minor()
	version := major + "." + minor + ".x"
	_, _ = fmt.Fprintf(d.log, "control plane: downloading Kubernetes %s\n", version)
	ctx, cancel := context.WithTimeoutCause(ctx, downloadLimit, fmt.Errorf("not finished in %s", downloadLimit))
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := d.command(ctx, tool, "use", version, "--index", d.index, "--bin-dir", filepath.Join(dir, "download"), "-p", "path")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("%w: %s", err, lastLine(stderr.Bytes()))
	}

	from := strings.TrimSpace(stdout.String())
	for _, name := range programs {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	// The archive has a kubectl too, which nothing here needs.
	_ = os.RemoveAll(filepath.Join(dir, "download"))
	return os.Remove(tool)
}

func (d download) reachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, indexLimit, fmt.Errorf("no answer in %s", indexLimit))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, d.index, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", d.index, res.Status)
	}
	return nil
}

func (d download) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = d.pins.root
	cmd.Env = goEnvironment(os.Environ())
	cmd.WaitDelay = time.Second
	return cmd
}

// lastLine is where the programs called here say what went wrong.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
