package main

import (
	"context"
	"os"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
)

func TestInterruptedBeforeTheEnd(t *testing.T) {
	g := NewWithT(t)
	interrupt := func(ctx context.Context) {
		g.Expect(syscall.Kill(os.Getpid(), syscall.SIGTERM)).To(Succeed())
		<-ctx.Done()
	}
	g.Expect(untilInterrupted(func(ctx context.Context) error {
		interrupt(ctx)
		return ctx.Err()
	})).To(MatchError(errInterrupted), "the flow was not walked to its end")
	g.Expect(untilInterrupted(func(ctx context.Context) error {
		interrupt(ctx)
		return nil
	})).To(Succeed(), "all was done that was asked for")
}
