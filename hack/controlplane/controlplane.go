package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Options say how a control plane differs from what most callers want.
type Options struct {
	// Log is told how the programs are obtained; by default, nobody is.
	Log io.Writer
	// WithoutCRDs leaves out the project's own resources, which are otherwise
	// installed from config/crd/bases.
	WithoutCRDs bool
	// Durable lets etcd wait for the disk, as it does in a real cluster. Tests
	// are faster without.
	Durable bool
	// APIServerFlags are set on kube-apiserver, without their dashes.
	APIServerFlags map[string]string
	// EtcdFlags are set on etcd, without their dashes.
	EtcdFlags map[string]string
}

// ControlPlane is a running etcd and kube-apiserver, with RBAC enforced and
// listening on free ports of the loopback interface.
type ControlPlane struct {
	env     *envtest.Environment
	guard   *guard
	dir     string
	logs    []*os.File
	started bool
	stop    func() error
}

const (
	// A machine that compiles beside its tests is slow to start an API server.
	startLimit = 2 * time.Minute
	stopLimit  = 20 * time.Second
)

// Start runs a control plane until Stop is called, ctx is done or the calling
// process ends, whichever comes first.
func Start(ctx context.Context, options Options) (*ControlPlane, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	assets, err := Assets(ctx, options.Log)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "oauth-operator-controlplane-")
	if err != nil {
		return nil, fmt.Errorf("make the control plane's directory: %w", err)
	}
	guard, err := startGuard(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := &ControlPlane{env: &envtest.Environment{}, guard: guard, dir: dir}
	c.stop = sync.OnceValue(c.stopAll)
	if err := c.configure(assets, options); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	if _, err := c.env.Start(); err != nil {
		err = fmt.Errorf("start the control plane: %w\n%s", err, c.lastWords())
		return nil, errors.Join(err, c.Stop())
	}
	c.started = true
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), c.Stop())
	}
	context.AfterFunc(ctx, func() { _ = c.Stop() })
	return c, nil
}

// configure prepares the environment without running anything.
func (c *ControlPlane) configure(assets string, options Options) error {
	env := c.env
	// Whatever the caller's shell says, this is a control plane of our own.
	env.UseExistingCluster = new(bool)
	env.ControlPlaneStartTimeout, env.ControlPlaneStopTimeout = startLimit, stopLimit

	server := env.ControlPlane.GetAPIServer()
	etcd := &envtest.Etcd{}
	env.ControlPlane.Etcd = etcd
	server.CertDir, etcd.DataDir = filepath.Join(c.dir, "certificates"), filepath.Join(c.dir, "data")
	for _, dir := range []string{server.CertDir, etcd.DataDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}

	var err error
	if server.Path, err = c.guard.wrap(filepath.Join(assets, "kube-apiserver")); err != nil {
		return err
	}
	if etcd.Path, err = c.guard.wrap(filepath.Join(assets, "etcd")); err != nil {
		return err
	}
	if server.Err, err = c.logFile("kube-apiserver"); err != nil {
		return err
	}
	if etcd.Err, err = c.logFile("etcd"); err != nil {
		return err
	}

	if options.Durable {
		// envtest's own default is the other way round.
		etcd.Configure().Set("unsafe-no-fsync", "false")
	}
	for name, value := range options.APIServerFlags {
		server.Configure().Set(name, value)
	}
	for name, value := range options.EtcdFlags {
		etcd.Configure().Set(name, value)
	}

	if !options.WithoutCRDs {
		root, err := moduleRoot()
		if err != nil {
			return err
		}
		env.CRDDirectoryPaths = []string{filepath.Join(root, crdDir)}
		env.ErrorIfCRDPathMissing = true
	}
	return nil
}

// Config is an administrator's way to the API server, without the client's own
// limit on its rate. The caller may change it.
func (c *ControlPlane) Config() *rest.Config {
	return unlimited(c.env.Config)
}

// Stop ends both programs and removes all that they have written. It may be
// called more than once and does its work once.
func (c *ControlPlane) Stop() error {
	return c.stop()
}

func (c *ControlPlane) stopAll() error {
	if c.started {
		c.guard.kill()
	}
	err := c.env.Stop()
	if errors.Is(err, os.ErrProcessDone) {
		// A program was gone before envtest had seen it go.
		err = nil
	}
	c.guard.release()
	for _, file := range c.logs {
		_ = file.Close()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

func (c *ControlPlane) logFile(program string) (*os.File, error) {
	file, err := os.Create(filepath.Join(c.dir, program+".log"))
	if err != nil {
		return nil, err
	}
	c.logs = append(c.logs, file)
	return file, nil
}

// lastWords are the ends of the programs' logs: why a control plane did not
// start stands there and nowhere else.
func (c *ControlPlane) lastWords() string {
	const enough = 2048
	var words []byte
	for _, file := range c.logs {
		text, err := os.ReadFile(file.Name())
		if err != nil || len(text) == 0 {
			continue
		}
		words = fmt.Appendf(words, "--- %s\n%s\n", filepath.Base(file.Name()), text[max(0, len(text)-enough):])
	}
	return string(words)
}
