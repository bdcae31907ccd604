package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// file is a file of the image. All belong to root, and nobody may write to any.
type file struct {
	path string // without a / at its beginning
	mode fs.FileMode
	data []byte
}

// uid is whom the image runs as, by number: a Pod's runAsNonRoot is checked
// without a user database.
const uid = 65532

const passwd = `root:x:0:0:root:/root:/sbin/nologin
nonroot:x:65532:65532:nonroot:/nonexistent:/sbin/nologin
`

const group = `root:x:0:
nonroot:x:65532:
`

// certificatesPath is where Go, and with it most others, looks first.
const certificatesPath = "etc/ssl/certs/ca-certificates.crt"

// files are the files of the image, in the order of their paths. There is no
// shell, no package manager, and no folder that the program could write to.
func (r *recipe) files(p *program) ([]file, error) {
	license, err := os.ReadFile(filepath.Join(r.dir, "LICENSE"))
	if err != nil {
		return nil, err
	}
	notices, err := notices(p.info.Main.Path, p.modules)
	if err != nil {
		return nil, err
	}
	files := []file{
		{"LICENSE", 0o444, license},
		{"THIRD_PARTY_NOTICES", 0o444, notices},
		{"etc/group", 0o444, []byte(group)},
		{"etc/passwd", 0o444, []byte(passwd)},
		{certificatesPath, 0o444, certificates()},
		{strings.TrimPrefix(path.Clean(r.entrypoint), "/"), 0o555, p.binary},
	}
	for _, extra := range r.extra {
		more, err := readFiles(filepath.Join(r.dir, extra.from), extra.to)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	for i, f := range files[1:] {
		if f.path == files[i].path {
			return nil, fmt.Errorf("two files want to be /%s", f.path)
		}
	}
	return files, nil
}

// certificates are Mozilla's root certificates, as Go's security team curates
// them. A root that Mozilla trusts with a reservation is left out: PEM cannot
// express one.
func certificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			// Writing to a buffer does not fail.
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return out.Bytes()
}

// readFiles reads a file, or what is below a folder. What they may and whose they
// are on this machine is left behind.
func readFiles(from, to string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file", name)
		}
		below, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files = append(files, file{strings.TrimPrefix(path.Join(to, filepath.ToSlash(below)), "/"), 0o444, data})
		return nil
	})
	return files, err
}

// writeFiles writes the files below a folder, which must not exist yet.
func writeFiles(dir string, files []file) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.data, f.mode); err != nil {
			return err
		}
		// Whatever the umask says.
		if err := os.Chmod(name, f.mode); err != nil {
			return err
		}
	}
	return nil
}
