// Command inside is what the end-to-end tests run in Pods of the cluster, so that
// they need nothing of it but an API server that forwards a port:
//
//	inside edge   a proxy by which a browser outside reaches Services by name
//	inside load   people who log in, sessions, workers and thieves of codes, all the time
//	inside node   does to a node what people with a shell there could do
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// impossible is the exit status for what this node does not let one do.
const impossible = 3

// errImpossible says that there is nothing here to do it to.
var errImpossible = errors.New("not possible here")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errImpossible) {
		os.Exit(impossible)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to do: edge, load or node")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "edge":
		return runEdge(ctx, flags, args[1:])
	case "load":
		return runLoad(ctx, flags, args[1:])
	case "node":
		return runNode(ctx, args[1:])
	}
	return fmt.Errorf("%q is none of edge, load and node", args[0])
}
