package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// key is a line of values.yaml that names a value.
var key = regexp.MustCompile(`^( *)([A-Za-z]\w*):( *)(.*)$`)

// valuesTable returns the rows of the table of values. A value that has a comment has
// a row, together with everything below it. One without a comment has to be below
// one that has none either, or to follow one that speaks of both.
func valuesTable(text []byte) (string, error) {
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		return "", err
	}
	var (
		table   strings.Builder
		path    []string // of the line
		comment []string // above the line
		skip    = -1     // the indentation of a row, whose inside has none
		above   string   // the parent of the last row
	)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if words, ok := strings.CutPrefix(strings.TrimSpace(line), "#"); ok {
			comment = append(comment, strings.TrimSpace(words))
			continue
		}
		found := key.FindStringSubmatch(line)
		if found == nil {
			comment = nil // a blank line, or an item of a list
			continue
		}
		depth := len(found[1]) / 2
		if skip >= 0 && depth > skip {
			continue
		}
		skip = -1
		path = append(path[:depth], found[2])
		parent := strings.Join(path[:depth], ".")
		said := strings.Join(comment, " ")
		comment = nil
		if said == "" && found[4] == "" {
			continue // a section
		}
		if said == "" && parent != above {
			return "", fmt.Errorf("values.yaml: %s has no comment", strings.Join(path, "."))
		}
		if said == "" {
			said = "see above"
		}
		fallback, err := json.Marshal(at(values, path))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", strings.Join(path, "."), fallback, strings.ReplaceAll(said, "|", `\|`))
		skip, above = depth, parent
	}
	return "| value | default | |\n|---|---|---|\n" + table.String(), nil
}

// at returns the value at a path.
func at(values any, path []string) any {
	for _, name := range path {
		inner, ok := values.(map[string]any)
		if !ok {
			return nil
		}
		values = inner[name]
	}
	return values
}
