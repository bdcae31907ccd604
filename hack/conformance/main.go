// Command conformance asks an authorization server, this project's or another,
// what the RFCs ask of it, and reports by document and section.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"sigs.k8s.io/yaml"

	"oauth-operator.dev/server/protocoltest"
)

func main() {
	var (
		issuer = flag.String("issuer", "", "the issuer identifier; counts before that of the configuration")
		config = flag.String("config", "", "the configuration: clients and how to log in (see example.yaml)")
		junit  = flag.String("junit", "", "also write the report as JUnit XML to this file")
		list   = flag.Bool("list", false, "print the table of the cases, and ask nobody")
	)
	flag.Parse()
	if *list {
		fmt.Print(table())
		return
	}
	if err := run(*issuer, *config, *junit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// table is the list of the cases in Markdown.
func table() string {
	var b strings.Builder
	b.WriteString("| case | level | what is asked |\n|---|---|---|\n")
	for _, c := range protocoltest.Cases() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.ID(), c.Level, c.Says)
	}
	return b.String()
}

var (
	errFailed   = errors.New("the authorization server failed cases")
	errNoConfig = errors.New("which clients to use, and how a person logs in, is missing: copy hack/conformance/example.yaml, fill it in, and name it with CONFIG=file (or -config)")
)

func run(issuer, file, junit string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	config, err := read(file)
	if err != nil {
		return err
	}
	if issuer != "" {
		config.Issuer = issuer
	}
	if err := config.Validate(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	config.Transport = http.DefaultTransport
	results := protocoltest.Run(ctx, config, protocoltest.Cases())
	if err := protocoltest.WriteText(os.Stdout, results); err != nil {
		return err
	}
	if junit != "" {
		if err := writeJUnit(junit, results); err != nil {
			return err
		}
	}
	if protocoltest.Failed(results) {
		return errFailed
	}
	return nil
}

func read(file string) (protocoltest.Config, error) {
	var config protocoltest.Config
	if file == "" {
		return config, errNoConfig
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return config, fmt.Errorf("reading the configuration: %w", err)
	}
	if err := yaml.UnmarshalStrict(raw, &config); err != nil {
		return config, fmt.Errorf("%s: %w", file, err)
	}
	return config, nil
}

func writeJUnit(file string, results []protocoltest.Result) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(protocoltest.WriteJUnit(out, results), out.Close())
}
