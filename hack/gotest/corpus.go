package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxKept is the largest input that is kept, in bytes.
const maxKept = 4 << 10

// keepCorpora copies inputs that led go test -fuzz somewhere new from its cache,
// which one machine has, to the testdata of the packages, which all have: every
// go test then runs them. Of the many of a target it keeps up to that number, by
// the order of their names; those are hashes, so it is a fair sample.
func keepCorpora(ctx context.Context, targets []fuzzTarget, keep int) error {
	if keep == 0 {
		return nil
	}
	out, err := goCommand(ctx, "env", "GOCACHE").Output()
	if err != nil {
		return fmt.Errorf("ask for the cache: %w", err)
	}
	cache := filepath.Join(strings.TrimSpace(string(out)), "fuzz")
	for _, t := range targets {
		from := filepath.Join(cache, filepath.FromSlash(t.pkg), t.name)
		if err := keepSome(from, filepath.Join(t.dir, "testdata", "fuzz", t.name), keep); err != nil {
			return fmt.Errorf("keep inputs of %s: %w", t.name, err)
		}
	}
	return nil
}

// keepSome copies inputs until there are so many.
func keepSome(from, to string, keep int) error {
	inputs, err := os.ReadDir(from)
	if os.IsNotExist(err) {
		return nil // nothing has led anywhere new
	} else if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	kept, err := os.ReadDir(to)
	if err != nil {
		return err
	}
	for n := len(kept); n < keep && len(inputs) > 0; inputs = inputs[1:] {
		input, err := os.ReadFile(filepath.Join(from, inputs[0].Name()))
		if err != nil {
			return err
		}
		copied := filepath.Join(to, inputs[0].Name())
		if _, err := os.Stat(copied); err == nil || len(input) > maxKept {
			continue
		}
		if err := os.WriteFile(copied, input, 0o644); err != nil {
			return err
		}
		n++
	}
	return nil
}
