package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is one line of go test -json, as cmd/test2json documents it.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	FailedBuild string
}

// report prints what go test says and adds it up.
type report struct {
	out      io.Writer
	live     string // prefix of lines that are printed at once; "" for none
	total    count
	failures []string
	packages map[string]*packageRun
	builds   map[string]*strings.Builder
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*packageRun{}, builds: map[string]*strings.Builder{}}
}

// packageRun is what is known of a package that is being tested.
type packageRun struct {
	output strings.Builder // of no test in particular
	tests  map[string]*testRun
	order  []string
}

type testRun struct {
	output   strings.Builder
	action   string
	subtests bool
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if jsonErr := json.Unmarshal(line, &e); jsonErr != nil {
				// What is not an event is for people.
				_, _ = r.out.Write(line)
			} else {
				r.add(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) add(e event) {
	if e.ImportPath != "" {
		r.build(e)
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &packageRun{tests: map[string]*testRun{}}
		r.packages[e.Package] = p
	}
	if said := unmarked(e.Output); r.live != "" && e.Action == "output" && strings.HasPrefix(said, r.live) {
		_, _ = io.WriteString(r.out, said)
	}
	final := e.Action == "pass" || e.Action == "fail" || e.Action == "skip"
	switch {
	case e.Test == "" && final:
		r.finish(p, e)
		delete(r.packages, e.Package)
	case e.Test == "" && e.Action == "output":
		p.output.WriteString(e.Output)
	case e.Test != "":
		t := p.test(e.Test)
		if e.Action == "output" {
			t.output.WriteString(e.Output)
		} else if final {
			t.action = e.Action
		}
	}
}

// unmarked is a line without the marks of the specs that Ginkgo has put on it before.
func unmarked(line string) string {
	return strings.TrimLeft(colour.ReplaceAllString(line, ""), "•S")
}

// test finds a test by name, and marks those that it is part of.
func (p *packageRun) test(name string) *testRun {
	if t := p.tests[name]; t != nil {
		return t
	}
	t := &testRun{}
	p.tests[name] = t
	p.order = append(p.order, name)
	if i := strings.LastIndex(name, "/"); i > 0 {
		p.test(name[:i]).subtests = true
	}
	return t
}

func (r *report) build(e event) {
	b := r.builds[e.ImportPath]
	if b == nil {
		b = &strings.Builder{}
		r.builds[e.ImportPath] = b
	}
	b.WriteString(e.Output)
}

// finish adds up a package, and quotes its tests that did not pass.
func (r *report) finish(p *packageRun, e event) {
	var sum count
	for _, name := range p.order {
		t := p.tests[name]
		if t.subtests && t.action != "fail" {
			continue // its parts count
		}
		c, isSuite := suite(t.output.String(), t.action)
		if !isSuite {
			c = one(t.action) // with no action at all, the package ended under it
		}
		if t.subtests {
			c = count{} // its parts count, but it may have something to say
		}
		sum = sum.plus(c)
		if t.action != "pass" && t.action != "skip" {
			r.failures = append(r.failures, e.Package+" "+name)
			_, _ = io.WriteString(r.out, essential(t.output.String()))
		}
	}
	if e.Action == "fail" && sum.failed == 0 {
		sum.failed = 1
		r.failures = append(r.failures, e.Package)
	}
	if e.Action == "fail" {
		if b := r.builds[e.FailedBuild]; b != nil {
			_, _ = io.WriteString(r.out, b.String())
			b.Reset() // once is enough
		}
	}
	r.total = r.total.plus(sum)
	if e.Action != "skip" { // no test files
		_, _ = io.WriteString(r.out, last(p.output.String(), e))
	}
}

// last is the part of a package's own output that go test prints too: all of it
// where the package failed, and its closing line where it passed.
func last(output string, e event) string {
	if e.Action == "fail" {
		return essential(output)
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "ok ") {
			return line
		}
	}
	return ""
}

// essential is output without the lines that only -json asks for.
func essential(output string) string {
	var kept strings.Builder
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "=== ") && line != "PASS\n" {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// fuzzed adds the outcome of a fuzz target.
func (r *report) fuzzed(o fuzzOutcome) {
	if o.failed {
		r.total.failed++
		r.failures = append(r.failures, o.pkg+" "+o.name)
		_, _ = fmt.Fprintf(r.out, "%sFAIL\t%s\t%s\t%s\n", o.out, o.pkg, o.name, o.elapsed)
		return
	}
	r.total.passed++
	_, _ = fmt.Fprintf(r.out, "ok  \t%s\t%s\t%s\t%d inputs\n", o.pkg, o.name, o.elapsed, inputs(o.out))
}

// include adds what another report has added up.
func (r *report) include(other *report) {
	r.total = r.total.plus(other.total)
	r.failures = append(r.failures, other.failures...)
}

func (r *report) close() {
	for _, name := range r.failures {
		_, _ = fmt.Fprintln(r.out, "failed:", name)
	}
	_, _ = fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.total.passed, r.total.failed, r.total.skipped)
}
