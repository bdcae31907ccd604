package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	classifier "github.com/google/licenseclassifier/v2"
	"github.com/google/licenseclassifier/v2/assets"
)

// licenses tells which licence a text is. Its zero value is ready.
type licenses struct {
	once       sync.Once
	classifier *classifier.Classifier
	err        error
}

// noAssertion is SPDX's word for what could not be told.
const noAssertion = "NOASSERTION"

// of returns the SPDX expression of the licences whose texts are in the module's
// folder, or noAssertion.
func (l *licenses) of(m module) (string, error) {
	l.once.Do(func() { l.classifier, l.err = assets.DefaultClassifier() })
	if l.err != nil {
		return "", fmt.Errorf("the licence classifier: %w", l.err)
	}
	_, texts, err := m.legalFiles()
	if err != nil {
		return "", err
	}
	var found []string
	for _, text := range texts {
		for _, match := range l.classifier.Match(text).Matches {
			if match.MatchType == "License" {
				found = append(found, match.Name)
			}
		}
	}
	if len(found) == 0 {
		return noAssertion, nil
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " AND "), nil
}

// notices returns the texts of all modules that something in the image is made
// of, each text once: their licences ask that they go with the binary.
func notices(main string, modules []module) ([]byte, error) {
	type notice struct {
		of   []string
		text []byte
	}
	var all []*notice
	for _, m := range modules {
		if m.path == main {
			continue // has /LICENSE
		}
		names, texts, err := m.legalFiles()
		if err != nil {
			return nil, err
		}
		if len(texts) == 0 {
			return nil, fmt.Errorf("%s has no licence", m.path)
		}
		for i, text := range texts {
			of := m.path + "@" + m.version + " " + names[i]
			same := slices.IndexFunc(all, func(n *notice) bool { return bytes.Equal(n.text, text) })
			if same >= 0 {
				all[same].of = append(all[same].of, of)
			} else {
				all = append(all, &notice{of: []string{of}, text: text})
			}
		}
	}
	var out bytes.Buffer
	for _, n := range all {
		line := strings.Repeat("=", 80)
		fmt.Fprintf(&out, "%s\n%s\n%s\n\n%s\n\n", line, strings.Join(n.of, "\n"), line, bytes.TrimSpace(n.text))
	}
	return out.Bytes(), nil
}
