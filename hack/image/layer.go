package main

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// layerOf packs files, which are in the order of their paths, as a layer. The
// compressor is not the standard library's: that one may write other bytes with
// the next Go, and this one is pinned in go.mod.
func layerOf(files []file, when time.Time) (v1.Layer, error) {
	var buffer bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buffer, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if err := writeTar(zip, files, when); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(buffer.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

// writeTar writes files and the folders that they are in.
func writeTar(out io.Writer, files []file, when time.Time) error {
	archive := tar.NewWriter(out)
	folders := map[string]bool{}
	for _, f := range files {
		for _, folder := range above(f.path) {
			if folders[folder] {
				continue
			}
			folders[folder] = true
			if err := archive.WriteHeader(&tar.Header{
				Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: when, Format: tar.FormatUSTAR,
			}); err != nil {
				return err
			}
		}
		if err := archive.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: f.path, Mode: int64(f.mode.Perm()), Size: int64(len(f.data)), ModTime: when, Format: tar.FormatUSTAR,
		}); err != nil {
			return err
		}
		if _, err := archive.Write(f.data); err != nil {
			return err
		}
	}
	return archive.Close()
}

// above returns the folders that a path is in, the outermost first.
func above(name string) []string {
	var folders []string
	parts := strings.Split(path.Dir(name), "/")
	for i := range parts {
		if folder := path.Join(parts[:i+1]...); folder != "." {
			folders = append(folders, folder)
		}
	}
	return folders
}
