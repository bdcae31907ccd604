package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// restartedWithin is how long whoever looks after the kubelet may take.
const restartedWithin = time.Minute

// runNode acts on the node, whose processes the Pod sees (hostPID) and may signal
// (privileged).
func runNode(ctx context.Context, args []string) error {
	switch {
	case len(args) >= 2 && args[0] == "kill-shim":
		return killShims(ctx, args[1:])
	case len(args) == 1 && args[0] == "restart-kubelet":
		return restartKubelet(ctx)
	}
	return errors.New("say what to do: kill-shim POD..., or restart-kubelet")
}

// killShims kills those of several Pods, and waits for the moment that --at names:
// then it is at once on several nodes.
func killShims(ctx context.Context, args []string) error {
	if at, found := strings.CutPrefix(args[0], "--at="); found {
		moment, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			return err
		}
		if time.Until(moment) < 0 {
			return fmt.Errorf("it is later than %s", at)
		}
		wait(ctx, time.Until(moment))
		args = args[1:]
	}
	var errs []error
	for _, pod := range args {
		errs = append(errs, killShim(pod))
	}
	return errors.Join(errs...)
}

// killShim kills the process that the containers of a Pod are children of. They go
// with it, without a word to anybody.
func killShim(pod string) error {
	for _, pid := range processes() {
		environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err != nil || !slices.Contains(strings.Split(string(environ), "\x00"), "HOSTNAME="+pod) {
			continue // it may have ended meanwhile
		}
		parent, err := parentOf(pid)
		if err != nil {
			return err
		}
		if name := nameOf(parent); !strings.HasPrefix(name, "containerd-shim") && name != "conmon" {
			continue // a child of the container's own
		}
		fmt.Printf("killing %s (%d) of %s\n", nameOf(parent), parent, pod)
		return syscall.Kill(parent, syscall.SIGKILL)
	}
	return fmt.Errorf("%w: no process of the Pod %s has a shim", errImpossible, pod)
}

// restartKubelet kills the kubelet and waits until whoever looks after it has
// started it again.
func restartKubelet(ctx context.Context) error {
	before := named("kubelet")
	if len(before) == 0 {
		return fmt.Errorf("%w: no process has the name kubelet", errImpossible)
	}
	for _, pid := range before {
		fmt.Printf("killing kubelet (%d)\n", pid)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, restartedWithin)
	defer cancel()
	for ctx.Err() == nil {
		for _, pid := range named("kubelet") {
			if !slices.Contains(before, pid) {
				fmt.Printf("it was started again (%d)\n", pid)
				return nil
			}
		}
		wait(ctx, 200*time.Millisecond)
	}
	return fmt.Errorf("nobody has started the kubelet again within %s", restartedWithin)
}

func processes() []int {
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func named(name string) []int {
	return slices.DeleteFunc(processes(), func(pid int) bool { return nameOf(pid) != name })
}

// nameOf returns the first fifteen characters of a process's name: that is all
// that the kernel keeps.
func nameOf(pid int) string {
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}

func parentOf(pid int) (int, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if parent, found := strings.CutPrefix(string(line), "PPid:"); found {
			return strconv.Atoi(strings.TrimSpace(parent))
		}
	}
	return 0, fmt.Errorf("the parent of %d is not known", pid)
}
