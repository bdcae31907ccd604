// Command generate writes what the chart says twice: the table of values in its
// README, from the comments in values.yaml, and the schema of
// authorizationServer.spec, from the CRD. It runs in the folder of the chart.
package main

import (
	"fmt"
	"os"
	"regexp"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate() error {
	values, err := os.ReadFile("values.yaml")
	if err != nil {
		return err
	}
	table, err := valuesTable(values)
	if err != nil {
		return err
	}
	if err := replace("README.md", tableOfValues, table); err != nil {
		return err
	}
	crd, err := os.ReadFile("files/crds/oauth-operator.dev_authorizationservers.yaml")
	if err != nil {
		return err
	}
	schema, err := specSchema(crd)
	if err != nil {
		return err
	}
	return replace("values.schema.json", specDefinition, schema)
}

// What is generated in each file, with what stands before and after it.
var (
	tableOfValues  = regexp.MustCompile(`(?s)(<!-- values -->\n).*(<!-- end of values -->)`)
	specDefinition = regexp.MustCompile(`(    "authorizationServerSpec": ).*(,\n)`)
)

// replace writes text into the place in the file.
func replace(path string, place *regexp.Regexp, text string) error {
	content, err := os.ReadFile(path) // #nosec G304 -- a file of the chart
	if err != nil {
		return err
	}
	at := place.FindSubmatchIndex(content)
	if at == nil {
		return fmt.Errorf("%s has no place for it: %s", path, place)
	}
	out := string(content[:at[3]]) + text + string(content[at[4]:])
	return os.WriteFile(path, []byte(out), 0o644) // #nosec G306 G703 -- part of the repository
}
