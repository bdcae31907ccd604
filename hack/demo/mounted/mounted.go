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

// attempts bounds how often a version may go while it is read: the kubelet removes
// the files of the last version as soon as the link leads to the new ones.
const attempts = 100

// errChanged is what a read of a version ends with that is no longer the one to read.
var errChanged = errors.New("the mounted Secret changed while it was read")

// Secret is the content of each file, by its name.
type Secret map[string]string

// Read reads all files, of one version of the Secret.
func Read(folder string) (Secret, error) {
	var secret Secret
	err := errChanged
	for i := 0; i < attempts && errors.Is(err, errChanged); i++ {
		secret, err = read(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the mounted Secret: %w", err)
	}
	return secret, nil
}

// read reads the version that the link leads to. That the link has not moved by the
// end is what makes the files complete, and of one version: before that none of them
// is removed. A folder without the link is read as it is.
func read(folder string) (Secret, error) {
	link := filepath.Join(folder, data)
	version, err := os.Readlink(link)
	if errors.Is(err, fs.ErrNotExist) {
		return files(folder)
	}
	if err != nil {
		return nil, err
	}
	secret, err := files(filepath.Join(folder, version))
	if now, gone := os.Readlink(link); gone == nil && now != version {
		return nil, errChanged
	}
	return secret, err
}

func files(folder string) (Secret, error) {
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
