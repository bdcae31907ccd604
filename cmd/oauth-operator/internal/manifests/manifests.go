package manifests

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Object is an object and where it was read.
type Object struct {
	*unstructured.Unstructured

	// Position is FILE:LINE of the document's first line.
	Position string
}

// Set is what some files say.
type Set struct {
	// Objects are those of kinds that mean something here, each once.
	Objects []Object

	// Skipped says of each document of another kind that it was left out.
	Skipped []string
}

// extensions are those of files that are read from a folder, as by kubectl.
var extensions = []string{".yaml", ".yml", ".json"}

// Files returns the files that the paths name: files as they are, and of folders
// the manifests directly in them.
func Files(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if !entry.IsDir() && slices.Contains(extensions, filepath.Ext(entry.Name())) {
				files = append(files, filepath.Join(path, entry.Name()))
			}
		}
	}
	return files, nil
}

// Read reads the files that the paths name. Its error names all that is wrong,
// each with file, line and field, and quotes no value of a Secret.
func Read(paths []string) (*Set, error) {
	files, err := Files(paths)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no manifest in %s", strings.Join(paths, " "))
	}
	set := &Set{}
	var errs []error
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, d := range documents(file, raw) {
			errs = append(errs, d.addTo(set)...)
		}
	}
	errs = append(errs, duplicates(set.Objects)...)
	return set, errors.Join(errs...)
}

// duplicates finds objects that were read twice: kubectl would let the one that
// comes last win, and nobody would notice.
func duplicates(objects []Object) (errs []error) {
	type id struct {
		kind string
		key  types.NamespacedName
	}
	first := map[id]string{}
	for _, o := range objects {
		this := id{o.GroupVersionKind().GroupKind().String(), types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}}
		if at, ok := first[this]; ok {
			errs = append(errs, fmt.Errorf("%s: %s %s is in %s already", o.Position, o.GetKind(), this.key, at))
			continue
		}
		first[this] = o.Position
	}
	return errs
}
