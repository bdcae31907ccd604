package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is a Go module that something in the image is made of.
type module struct {
	path    string
	version string
	sum     string // as in go.sum; empty for the main module and Go's own
	dir     string // its sources
}

// standardLibrary is the name under which databases of vulnerabilities know what
// comes with Go itself.
const standardLibrary = "stdlib"

// modulesOf returns what the program is made of, in the order of the names: the
// main module, what it depends on, and the standard library.
func modulesOf(ctx context.Context, dir string, info *buildinfo.BuildInfo) ([]module, error) {
	modules := []module{{path: info.Main.Path}}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		modules = append(modules, module{path: dep.Path, version: dep.Version, sum: dep.Sum})
	}
	dirs, err := moduleFolders(ctx, dir)
	if err != nil {
		return nil, err
	}
	for i := range modules {
		if modules[i].dir = dirs[modules[i].path]; modules[i].dir == "" {
			return nil, fmt.Errorf("the sources of %s are not here", modules[i].path)
		}
	}
	root, err := goOutput(ctx, dir, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	modules = append(modules, module{
		path: standardLibrary, version: strings.TrimPrefix(info.GoVersion, "go"), dir: strings.TrimSpace(string(root)),
	})
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return modules, nil
}

// moduleFolders returns where the sources of the modules are that the packages
// of the main module in dir may use.
func moduleFolders(ctx context.Context, dir string) (map[string]string, error) {
	out, err := goOutput(ctx, dir, "list", "-m", "-json=Path,Dir,Replace", "all")
	if err != nil {
		return nil, err
	}
	dirs := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct {
			Path, Dir string
			Replace   *struct{ Path, Dir string }
		}
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			return dirs, nil
		} else if err != nil {
			return nil, fmt.Errorf("list the modules: %w", err)
		}
		if m.Replace != nil {
			m.Path, m.Dir = m.Replace.Path, m.Replace.Dir
		}
		dirs[m.Path] = m.Dir
	}
}

func goOutput(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, goEnvironment(), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

// legal matches the files of a module that have to go with its binary form.
var legal = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice|patents)([-._].*)?$`)

// legalFiles returns the texts that a module is licensed under, by file name.
func (m module) legalFiles() ([]string, [][]byte, error) {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	var texts [][]byte
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !legal.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.dir, entry.Name()))
		if err != nil {
			return nil, nil, err
		}
		names, texts = append(names, entry.Name()), append(texts, text)
	}
	return names, texts, nil
}
