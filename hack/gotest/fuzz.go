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
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// fuzzTarget is a function that go test -fuzz can run.
type fuzzTarget struct {
	pkg, dir, name string
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
				targets = append(targets, fuzzTarget{pkg: p.ImportPath, dir: p.Dir, name: name})
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

// fuzz runs the targets for fuzztime each, some of them side by side: many wait
// for their workers to start for a good part of the time.
func fuzz(ctx context.Context, report *report, targets []fuzzTarget, fuzztime time.Duration) {
	outcomes := make(chan fuzzOutcome)
	next := make(chan fuzzTarget)
	for range fuzzAtOnce {
		go func() {
			for target := range next {
				outcomes <- target.run(ctx, fuzztime)
			}
		}()
	}
	go func() {
		defer close(next)
		for _, target := range targets {
			next <- target
		}
	}()
	for range targets {
		report.fuzzed(<-outcomes)
	}
}

// fuzzAtOnce is how many targets run at a time, each with one worker. They are more
// than there are processors, because each is compiled before its time begins.
var fuzzAtOnce = 3 * runtime.GOMAXPROCS(0)

// fuzzOutcome is what has come of one target.
type fuzzOutcome struct {
	fuzzTarget
	out     []byte
	failed  bool
	elapsed time.Duration
}

func (t fuzzTarget) run(ctx context.Context, fuzztime time.Duration) fuzzOutcome {
	start := time.Now()
	out, err := goCommand(ctx, "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+fuzztime.String(), "-parallel=1", t.pkg).CombinedOutput()
	return fuzzOutcome{
		fuzzTarget: t,
		out:        out,
		failed:     err != nil && (ctx.Err() != nil || !timeWasUp(out)),
		elapsed:    time.Since(start).Round(100 * time.Millisecond),
	}
}

// timeWasUp reports whether all that go test -fuzz complains of is that the time
// it was given is over: before Go 1.27 it now and then takes that for a failure
// (https://go.dev/issue/75804). A failure that it found names the input.
func timeWasUp(out []byte) bool {
	return deadlineAlone.Match(out) && !bytes.Contains(out, []byte("Failing input"))
}

var deadlineAlone = regexp.MustCompile(`(?m)^--- FAIL: \w+ \([0-9.]+s\)\n    context deadline exceeded\nFAIL$`)

// inputs is how many inputs a target was given, by the last that go test says of it.
func inputs(out []byte) int {
	said := execs.FindAllSubmatch(out, -1)
	if len(said) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(string(said[len(said)-1][1]))
	return n
}

var execs = regexp.MustCompile(`(?m)^fuzz: elapsed: .* execs: ([0-9]+) `)
