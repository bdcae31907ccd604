package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// AssetsVariable names the environment variable with a directory of control
// plane programs that goes before every other source. It is envtest's own.
const AssetsVariable = "KUBEBUILDER_ASSETS"

// programs are what a directory of assets must hold.
var programs = []string{"etcd", "kube-apiserver"}

// Assets obtains kube-apiserver and etcd and returns the directory that holds
// them. It says on log what it does: the last resort, a build from source, takes
// some minutes, once per user and pinned version.
//
// Any number of processes may call it at the same time; one does the work and
// the others wait for it.
func Assets(ctx context.Context, log io.Writer) (string, error) {
	if dir := os.Getenv(AssetsVariable); dir != "" {
		return namedAssets(dir)
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	want, err := readPins(root)
	if err != nil {
		return "", err
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for the control plane's programs: %w; set HOME, or %s to a directory with %s",
			err, AssetsVariable, strings.Join(programs, " and "))
	}
	store := cache{dir: filepath.Join(base, "oauth-operator", "controlplane"), log: log}
	return store.obtain(ctx, want.key(), []source{
		{name: "prebuilt download", fill: download{pins: want, index: envtestIndex, log: log}.fill},
		{name: "build from source", fill: build{pins: want, log: log}.fill},
	})
}

// namedAssets takes the user's word for the place and checks it: a program that
// is missing is told now, and not as a control plane that fails to start.
func namedAssets(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("%s=%s: %w", AssetsVariable, dir, err)
	}
	if err := checkPrograms(abs); err != nil {
		return "", fmt.Errorf("%s=%s does not hold a control plane: %w; correct or unset it", AssetsVariable, dir, err)
	}
	return abs, nil
}

// checkPrograms reports what keeps dir from being a directory of assets.
func checkPrograms(dir string) error {
	var problems []error
	for _, name := range programs {
		switch info, err := os.Stat(filepath.Join(dir, name)); {
		case err != nil:
			problems = append(problems, err)
		case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
			problems = append(problems, fmt.Errorf("%s is not an executable file", filepath.Join(dir, name)))
		}
	}
	return errors.Join(problems...)
}

// source is one way to come by the programs: fill puts them into a directory.
type source struct {
	name string
	fill func(ctx context.Context, dir string) error
}

// cache keeps a directory of programs for each key.
type cache struct {
	dir string
	log io.Writer
}

// scratch begins the names of directories that are still being filled.
const scratch = ".filling-"

// obtain returns the directory for key, filled by the first source that can.
// The directory appears complete or not at all.
func (c cache) obtain(ctx context.Context, key string, sources []source) (string, error) {
	dir := filepath.Join(c.dir, key)
	if checkPrograms(dir) == nil {
		return dir, nil
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return "", fmt.Errorf("make the control plane's cache: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(c.dir, ".lock"), func() {
		_, _ = fmt.Fprintln(c.log, "control plane: another process is obtaining it, waiting")
	})
	if err != nil {
		return "", fmt.Errorf("lock the control plane's cache: %w", err)
	}
	defer unlock()

	// Whoever held the lock until now may have filled the directory.
	if checkPrograms(dir) == nil {
		return dir, nil
	}
	c.sweep()
	var problems []error
	for _, s := range sources {
		err := c.fillFrom(ctx, s, dir)
		if err == nil {
			_, _ = fmt.Fprintf(c.log, "control plane: ready in %s\n", dir)
			return dir, nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("obtain the control plane: %w", context.Cause(ctx))
		}
		_, _ = fmt.Fprintf(c.log, "control plane: no %s: %v\n", s.name, err)
		problems = append(problems, fmt.Errorf("%s: %w", s.name, err))
	}
	return "", fmt.Errorf("no way to obtain the control plane: %w", errors.Join(problems...))
}

func (c cache) fillFrom(ctx context.Context, s source, dir string) error {
	filling, err := os.MkdirTemp(c.dir, scratch)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(filling) }()
	// MkdirTemp is for secrets; these are programs.
	if err := os.Chmod(filling, 0o755); err != nil {
		return err
	}
	if err := s.fill(ctx, filling); err != nil {
		return err
	}
	if err := checkPrograms(filling); err != nil {
		return fmt.Errorf("incomplete: %w", err)
	}
	// What is there is not complete, or obtain would have returned it.
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(filling, dir)
}

// sweep removes what processes that were killed while filling left behind. The
// lock is held, so nobody is filling now.
func (c cache) sweep() {
	entries, _ := os.ReadDir(c.dir)
	for _, e := range slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !strings.HasPrefix(e.Name(), scratch) }) {
		_ = os.RemoveAll(filepath.Join(c.dir, e.Name()))
	}
}
