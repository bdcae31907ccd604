package main_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestImage(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "The image")
}

const (
	root     = "../.."
	version  = "1.2.3-test"
	revision = "0123456789abcdef0123456789abcdef01234567"
	epoch    = "1700000000"
	created  = "2023-11-14T22:13:20Z" // the same
)

var (
	builder  string // the program under test
	operator string // folder with the operator's image, for this machine's platform
	probe    string // folder with an image of testdata/probe, for all platforms
)

var _ = BeforeSuite(func(ctx SpecContext) {
	dir := GinkgoT().TempDir()
	builder = filepath.Join(dir, "image")
	goBuild := exec.CommandContext(ctx, "go", "build", "-o", builder, ".")
	goBuild.Stdout, goBuild.Stderr = GinkgoWriter, GinkgoWriter
	Expect(goBuild.Run()).To(Succeed())

	operator, probe = filepath.Join(dir, "operator"), filepath.Join(dir, "probe")
	build(ctx, nil, "-dir", root, "-name", "localhost/oauth-operator:test", "-platforms", here(), "-out", operator)
	build(ctx, nil, "-dir", "testdata/probe", "-name", "probe:1", "-package", ".", "-entrypoint", "/bin/probe",
		"-file", "notes=/usr/share/notes", "-out", probe)
})

func here() string { return "linux/" + runtime.GOARCH }

// build builds an image as `make image` does.
func build(ctx context.Context, env []string, args ...string) {
	GinkgoHelper()
	imageCommand(ctx, env, append([]string{"build", "-version", version, "-revision", revision}, args...)...)
}

// imageCommand runs the program and returns what it prints.
func imageCommand(ctx context.Context, env []string, args ...string) string {
	GinkgoHelper()
	out, err := tryImageCommand(ctx, env, args...)
	Expect(err).NotTo(HaveOccurred(), out)
	return out
}

func tryImageCommand(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, builder, args...)
	cmd.Env = append(append(os.Environ(), "SOURCE_DATE_EPOCH="+epoch), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// extract unpacks the root filesystem of an image and returns its folder.
func extract(image v1.Image) string {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	// A folder that others may enter: the program runs as somebody else.
	for up := dir; strings.HasPrefix(up, filepath.Clean(os.TempDir())+"/"); up = filepath.Dir(up) {
		Expect(os.Chmod(up, 0o755)).To(Succeed())
	}
	flat := mutate.Extract(image)
	defer func() { Expect(flat.Close()).To(Succeed()) }()
	for archive := tar.NewReader(flat); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		Expect(err).NotTo(HaveOccurred())
		target := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.Typeflag == tar.TypeDir {
			Expect(os.MkdirAll(target, header.FileInfo().Mode())).To(Succeed())
			continue
		}
		Expect(header.Typeflag).To(Equal(byte(tar.TypeReg)), header.Name)
		content, err := io.ReadAll(archive)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(target, content, header.FileInfo().Mode())).To(Succeed())
	}
}

// tree returns what is below a folder: of each file its mode and content.
func tree(dir string) map[string]string {
	GinkgoHelper()
	found := map[string]string{}
	Expect(filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(dir, name)
		found[path.Clean(filepath.ToSlash(below))] = info.Mode().String() + " " + digestOf(content)
		return err
	})).To(Succeed())
	return found
}

func digestOf(content []byte) string {
	GinkgoHelper()
	digest, _, err := v1.SHA256(bytes.NewReader(content))
	Expect(err).NotTo(HaveOccurred())
	return digest.String()
}
