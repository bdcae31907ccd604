// Command gotest runs the fuzz targets for a moment each and then go test, with
// the arguments that it is given, and closes with one line that counts:
//
//	gotest -fuzztime 5s -- -race ./...
//
// It runs nothing itself and judges nothing: what it prints and counts is what
// go test says with -json. Ginkgo's specs count one by one. Only failing tests
// are quoted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	fuzztime := flag.Duration("fuzztime", 0, "how long each fuzz target runs; 0 leaves them out")
	onlyFuzz := flag.Bool("fuzzonly", false, "run nothing but the fuzz targets")
	var modules []string
	flag.Func("also", "folder of a further module, all of whose packages are tested with the same flags; may be repeated", func(dir string) error {
		modules = append(modules, dir)
		return nil
	})
	live := flag.String("live", "", "print lines that begin with this as soon as a test prints them")
	keep := flag.Int("keep", 0, "keep up to so many inputs of each fuzz target in its testdata")
	flag.Parse()

	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	report := newReport(os.Stdout)
	report.live = *live
	err := run(ctx, report, fuzzing{time: *fuzztime, keep: *keep, alone: *onlyFuzz}, flag.Args(), modules)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
	}
	report.close()
	if tallyErr := tally(os.Getenv("GOTEST_TALLY"), report.total); tallyErr != nil {
		err = tallyErr
		fmt.Fprintln(os.Stderr, "gotest:", err)
	}
	if err != nil || report.total.failed > 0 {
		os.Exit(1)
	}
}

// fuzzing is what is wanted of the fuzz targets.
type fuzzing struct {
	time  time.Duration // for each; 0 leaves them out
	keep  int           // inputs of each, at most
	alone bool          // no other tests
}

func run(ctx context.Context, all *report, wanted fuzzing, args, modules []string) error {
	// By themselves, for as long as that takes: what is fuzzed beside tests gets too
	// little of the processors to find anything.
	if wanted.time > 0 {
		if err := fuzzAll(ctx, all, wanted); err != nil {
			return err
		}
	}
	if wanted.alone {
		return nil
	}
	// The tests wait for a good part of the time: for a controller, a browser, a
	// clock. The other modules fill that time, and give way.
	var beside []task
	for _, dir := range modules {
		beside = append(beside, func(r *report) error { return test(giveWay(ctx), r, dir, args) })
	}
	wait := start(all, beside)
	return errors.Join(test(ctx, all, ".", args), wait())
}

// task is something that says in a report what has come of it.
type task func(*report) error

// start begins the tasks. What they report is added to a report once it is waited for
// them, so that nobody has to share one before.
func start(all *report, tasks []task) (wait func() error) {
	errs := make([]error, len(tasks))
	reports := make([]*report, len(tasks))
	var running sync.WaitGroup
	for i, do := range tasks {
		reports[i] = newReport(all.out)
		running.Go(func() { errs[i] = do(reports[i]) })
	}
	return func() error {
		running.Wait()
		for _, r := range reports {
			all.include(r)
		}
		return errors.Join(errs...)
	}
}

func fuzzAll(ctx context.Context, report *report, wanted fuzzing) error {
	targets, err := fuzzTargets(ctx, "./...")
	if err != nil {
		return err
	}
	fuzz(ctx, report, targets, wanted.time)
	return keepCorpora(ctx, targets, wanted.keep)
}

// test runs go test in the folder of a module. That a test failed is no error of
// this function's; it stands in the report.
func test(ctx context.Context, report *report, dir string, args []string) error {
	cmd := goCommand(ctx, append([]string{"test", "-json"}, args...)...)
	cmd.Dir = dir
	before := report.total
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := report.read(out)
	if readErr != nil {
		_, _ = io.Copy(io.Discard, out)
	}
	if err := cmd.Wait(); err != nil && report.total.failed == before.failed {
		return fmt.Errorf("go test failed without saying which test did: %w", err)
	}
	if report.total == before {
		return fmt.Errorf("go test %v in %s ran no test", args, dir)
	}
	return readErr
}

// goCommand is the go command, which is asked to stop when ctx is done: it then
// takes its compilers and tests with it.
func goCommand(ctx context.Context, args ...string) *exec.Cmd {
	command := append([]string{"go"}, args...)
	if nice, err := exec.LookPath("nice"); err == nil && givesWay(ctx) {
		command = append([]string{nice, "-n", "10"}, command...)
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}

// asideKey is of contexts whose commands give way to others.
type asideKey struct{}

func giveWay(ctx context.Context) context.Context { return context.WithValue(ctx, asideKey{}, true) }

func givesWay(ctx context.Context) bool { return ctx.Value(asideKey{}) != nil }
