// Package mounted reads a Secret that is mounted as files, as a workload does
// that lives for years: each time anew, because the files change when the Secret
// does.
package mounted

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// data is the link that the kubelet changes when it has written all files of a
// new version of the Secret, so that they change at once.
const data = "..data"

// attempts bounds how often the files may go while they are read: the kubelet
// removes those of the last version as soon as the link leads to the new ones.
const attempts = 5

// Secret is the content of each file, by its name.
type Secret map[string]string

// Read reads all files, of one version of the Secret.
func Read(folder string) (Secret, error) {
	var secret Secret
	err := fs.ErrNotExist
	for range attempts {
		secret, err = read(folder)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the mounted Secret: %w", err)
	}
	return secret, nil
}

func read(folder string) (Secret, error) {
	if version, err := filepath.EvalSymlinks(filepath.Join(folder, data)); err == nil {
		folder = version
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	secret := Secret{}
	for _, entry := range entries {
		if entry.IsDir() || strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name())) // #nosec G304 -- the mounted Secret
		if err != nil {
			return nil, err
		}
		secret[entry.Name()] = string(content)
	}
	return secret, nil
}

// Need says which of the keys have nothing under them.
func (s Secret) Need(keys ...string) error {
	for _, key := range keys {
		if s[key] == "" {
			return fmt.Errorf("the mounted Secret has nothing under the key %s", key)
		}
	}
	return nil
}
