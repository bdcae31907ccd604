package controlplane

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

const (
	modulePath  = "oauth-operator.dev"
	programsDir = "hack/controlplane/programs"
	toolsMod    = "hack/tools/go.mod"
	crdDir      = "config/crd/bases"
)

// moduleRoot is the root of the repository that the working directory is in.
// The modules of its own under hack/ are passed over on the way up.
func moduleRoot() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the root of module %s: %w", modulePath, err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("find the root of module %s: %w", modulePath, err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.TrimSpace(line) == "module "+modulePath {
				return dir, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside a checkout of %s: run this from within one", wd, modulePath)
		}
	}
}

// pins says which control plane is wanted.
type pins struct {
	root    string // of the module
	version string // of Kubernetes, such as v1.37.2
	digest  string // of everything that a build from source depends on
}

var kubernetesRequirement = regexp.MustCompile(`(?m)^\s*k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)\b`)

func readPins(root string) (pins, error) {
	hash := sha256.New()
	var version string
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, programsDir, name))
		if err != nil {
			return pins{}, fmt.Errorf("read the pinned versions of the control plane: %w", err)
		}
		_, _ = hash.Write(text)
		if m := kubernetesRequirement.FindSubmatch(text); m != nil && name == "go.mod" {
			version = string(m[1])
		}
	}
	if version == "" {
		return pins{}, fmt.Errorf("%s/go.mod requires no released k8s.io/kubernetes", programsDir)
	}
	return pins{root: root, version: version, digest: hex.EncodeToString(hash.Sum(nil))[:12]}, nil
}

// key names the directory of the cache that holds just this control plane.
func (p pins) key() string {
	return fmt.Sprintf("%s-%s-%s-%s", p.version, runtime.GOOS, runtime.GOARCH, p.digest)
}

// minor is the version's major and minor number, such as 1 and 37.
func (p pins) minor() (major, minor string) {
	parts := strings.Split(strings.TrimPrefix(p.version, "v"), ".")
	return parts[0], parts[1]
}
