package manifests

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sigsyaml "sigs.k8s.io/yaml"
)

// document is one of the documents of a file.
type document struct {
	file string
	line int // at which it begins, from 1
	text []byte
}

// documents splits a file at the lines that begin with ---.
func documents(file string, raw []byte) []document {
	var found []document
	current := document{file: file, line: 1}
	n := 0
	for line := range bytes.Lines(raw) {
		n++
		if separator.Match(line) {
			found = append(found, current)
			current = document{file: file, line: n + 1}
			continue
		}
		current.text = append(current.text, line...)
	}
	return append(found, current)
}

var separator = regexp.MustCompile(`^---(\s|$)`)

// addTo puts what the document says into the set, or returns what is wrong.
func (d document) addTo(set *Set) []error {
	asJSON, err := sigsyaml.YAMLToJSONStrict(d.text)
	if err != nil {
		return []error{d.syntax(err)}
	}
	if string(asJSON) == "null" {
		return nil // comments alone
	}
	var root yaml.Node
	if err := yaml.Unmarshal(d.text, &root); err != nil {
		return []error{d.syntax(err)}
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(asJSON); err != nil {
		return []error{fmt.Errorf("%s:%d: this is no Kubernetes object: it needs apiVersion and kind", d.file, d.first(&root))}
	}
	if !o.IsList() {
		return d.add(set, o, &root, nil)
	}
	items, _, _ := unstructured.NestedSlice(o.Object, "items")
	var errs []error
	for i, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			errs = append(errs, d.wrong(&root, nil, path{"items", i}, "is no object"))
			continue
		}
		errs = append(errs, d.add(set, &unstructured.Unstructured{Object: fields}, &root, path{"items", i})...)
	}
	return errs
}

// add judges one object, which is at a path of the document, and completes it.
func (d document) add(set *Set, o *unstructured.Unstructured, root *yaml.Node, at path) []error {
	position := fmt.Sprintf("%s:%d", d.file, d.lineOf(root, at))
	k := kinds[o.GroupVersionKind()]
	if k == nil {
		set.Skipped = append(set.Skipped, fmt.Sprintf("%s: left out %s %s", position, o.GetKind(), o.GetName()))
		return nil
	}
	var errs []error
	for _, p := range k.problems(o) {
		errs = append(errs, d.wrong(root, at, p.path, p.message))
	}
	if len(errs) > 0 {
		return errs
	}
	k.complete(o)
	set.Objects = append(set.Objects, Object{o, position})
	return nil
}

// wrong says what is wrong with a field.
func (d document) wrong(root *yaml.Node, at, field path, message string) error {
	return fmt.Errorf("%s:%d: %s %s", d.file, d.lineOf(root, append(append(path{}, at...), field...)), field, message)
}

// first is the line of the first field.
func (d document) first(root *yaml.Node) int { return d.lineOf(root, nil) }

// lineOf returns the line of the file that a field is in; of one that is missing,
// that of what it is missing in.
func (d document) lineOf(root *yaml.Node, at path) int {
	node := root
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	line := node.Line
	for _, step := range at {
		child, from := childOf(node, step)
		if child == nil {
			break
		}
		node, line = child, from
	}
	return d.line + line - 1
}

// childOf returns a field or an element of a node, and the line that it is in.
func childOf(node *yaml.Node, step any) (*yaml.Node, int) {
	switch step := step.(type) {
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1], node.Content[i].Line
			}
		}
	case int:
		if node.Kind == yaml.SequenceNode && step < len(node.Content) {
			return node.Content[step], node.Content[step].Line
		}
	}
	return nil, 0
}

var lineInError = regexp.MustCompile(`line (\d+)`)

// syntax is an error of the parser, which counts lines from the beginning of the
// document. Its words end at the first colon after the line: what follows may
// quote what stands there.
func (d document) syntax(err error) error {
	message := strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")), " ")
	line := d.line
	if found := lineInError.FindStringSubmatchIndex(message); found != nil {
		var n int
		if _, err := fmt.Sscan(message[found[2]:found[3]], &n); err == nil {
			// The parser may mean the line behind the last one, and it counts other
			// characters as line breaks than editors do.
			last := bytes.Count(bytes.TrimSuffix(d.text, []byte("\n")), []byte("\n"))
			line += max(0, min(n-1, last))
		}
		message = strings.TrimLeft(message[found[1]:], ": ")
	}
	return fmt.Errorf("%s:%d: %w", d.file, line, errors.New(message))
}

// decode moves what is in stringData of a Secret to its data, as the API server
// does.
func decode(o *unstructured.Unstructured) {
	texts, _, _ := unstructured.NestedStringMap(o.Object, "stringData")
	unstructured.RemoveNestedField(o.Object, "stringData")
	for key, text := range texts {
		// The fields were checked before: it is a map.
		_ = unstructured.SetNestedField(o.Object, base64.StdEncoding.EncodeToString([]byte(text)), "data", key)
	}
}
