package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// toolchain is the Go version that images are built with, whichever is installed:
// another one gives another binary. The Dockerfile has the same.
const toolchain = "go1.26.8"

// program is a compiled program.
type program struct {
	binary  []byte
	info    *buildinfo.BuildInfo
	modules []module
}

// compile builds the program for a platform. Nothing of the machine, of its user
// or of the folder gets into the binary.
func (r *recipe) compile(ctx context.Context, platform v1.Platform) (*program, error) {
	tmp, err := os.MkdirTemp("", "image-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	path := filepath.Join(tmp, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version="+r.source.version, "-o", path, r.pkg)
	cmd.Dir = r.dir
	cmd.Env = append(goEnvironment(), "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build %s for %s: %w", r.pkg, platform, err)
	}
	p := &program{}
	if p.binary, err = os.ReadFile(path); err != nil {
		return nil, err
	}
	if p.info, err = buildinfo.Read(bytes.NewReader(p.binary)); err != nil {
		return nil, err
	}
	if p.info.GoVersion != toolchain {
		return nil, fmt.Errorf("the program was built with %s instead of %s", p.info.GoVersion, toolchain)
	}
	if p.modules, err = modulesOf(ctx, r.dir, p.info); err != nil {
		return nil, err
	}
	if len(p.modules) == 0 {
		return nil, errors.New("the program says nothing of the modules that it is made of")
	}
	return p, nil
}

// goEnvironment pins what in a developer's environment would change the binary.
func goEnvironment() []string {
	return append(os.Environ(),
		"GOTOOLCHAIN="+toolchain, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly",
		"GOEXPERIMENT=", "GOFIPS140=off", "GOAMD64=v1", "GOARM64=v8.0")
}
