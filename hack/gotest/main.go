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

func run(ctx context.Context, report *report, wanted fuzzing, args, modules []string) error {
	if wanted.time > 0 {
		targets, err := fuzzTargets(ctx, "./...")
		if err != nil {
			return err
		}
		fuzz(ctx, report, targets, wanted.time)
		if err := keepCorpora(ctx, targets, wanted.keep); err != nil {
			return err
		}
	}
	if wanted.alone {
		return nil
	}
	var errs []error
	for _, dir := range append([]string{"."}, modules...) {
		errs = append(errs, test(ctx, report, dir, args))
	}
	return errors.Join(errs...)
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
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}
