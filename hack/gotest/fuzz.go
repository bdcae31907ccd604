package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// fuzzTarget is a function that go test -fuzz can run.
type fuzzTarget struct {
	pkg, name string
}

// fuzzTargets finds the fuzz targets of the packages that pattern matches, in
// their sources: asking go test would compile every package for it.
func fuzzTargets(ctx context.Context, pattern string) ([]fuzzTarget, error) {
	list := goCommand(ctx, "list", "-json=Dir,ImportPath,TestGoFiles,XTestGoFiles", pattern)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages: %w", err)
	}
	var targets []fuzzTarget
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir, ImportPath           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return targets, nil
		} else if err != nil {
			return nil, fmt.Errorf("list the packages: %w", err)
		}
		for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
			names, err := fuzzFunctions(filepath.Join(p.Dir, file))
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				targets = append(targets, fuzzTarget{pkg: p.ImportPath, name: name})
			}
		}
	}
}

// fuzzFunctions names the functions of a file that are FuzzXxx(*testing.F).
func fuzzFunctions(path string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") || f.Type.Params.NumFields() != 1 {
			continue
		}
		pointer, ok := f.Type.Params.List[0].Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		if kind, ok := pointer.X.(*ast.SelectorExpr); ok && kind.Sel.Name == "F" {
			names = append(names, f.Name.Name)
		}
	}
	return names, nil
}

// run fuzzes for a while and puts the outcome into the report.
func (t fuzzTarget) run(ctx context.Context, report *report, fuzztime time.Duration) {
	start := time.Now()
	out, err := goCommand(ctx, "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+fuzztime.String(), t.pkg).CombinedOutput()
	elapsed := time.Since(start).Round(100 * time.Millisecond)
	if err != nil {
		report.total.failed++
		report.failures = append(report.failures, t.pkg+" "+t.name)
		_, _ = fmt.Fprintf(report.out, "%sFAIL\t%s\t%s\t%s\n", out, t.pkg, t.name, elapsed)
		return
	}
	report.total.passed++
	_, _ = fmt.Fprintf(report.out, "ok  \t%s\t%s\t%s\n", t.pkg, t.name, elapsed)
}
