package installation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// startTimeout is how long a process may take until it is ready.
const startTimeout = 2 * time.Minute

// stopTimeout is how long a process may take to end after it was asked to.
const stopTimeout = 30 * time.Second

// process is a program that runs in the background.
type process struct {
	command *exec.Cmd
	done    chan struct{}
	err     error // what it ended with, once done is closed
}

// start runs a program until it ends, ctx ends or stop is called. It is asked to
// end by an interrupt, and gets the signal of the kernel's should this program
// die without a chance to ask (Linux).
func start(ctx context.Context, output io.Writer, program string, args ...string) (*process, error) {
	command := exec.CommandContext(ctx, program, args...) // #nosec G204 -- the binary that was just built
	command.Stdout, command.Stderr = output, output
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopTimeout
	command.SysProcAttr = dieWithParent()
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = command.Wait()
	}()
	return p, nil
}

// ready waits until the process says at the URL that it is.
func (p *process) ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for !healthy(ctx, url) {
		select {
		case <-p.done:
			return fmt.Errorf("it ended instead of getting ready: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: %w", ctx.Err())
		case <-time.After(probeInterval):
		}
	}
	return nil
}

// stop asks the process to end and waits until it has.
func (p *process) stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.command.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("%s did not end in time", p.command), p.command.Process.Kill())
	}
}
