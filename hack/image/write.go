package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Keys of descriptors, by which the tools that load an image learn its name.
const (
	refNameKey   = "org.opencontainers.image.ref.name" // the tag (OCI image-spec, annotations)
	containerKey = "io.containerd.image.name"          // the whole name, for ctr images import
)

// write writes the image below dir, and returns what was written where, for
// people: an OCI layout of all platforms with the SBOMs as referrers, and for
// each platform a tar to load and the SBOM as a file.
func (b *built) write(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	base := filepath.Join(dir, path.Base(b.tag.RepositoryStr()))
	digest, err := b.writeLayout(base + ".oci")
	if err != nil {
		return nil, err
	}
	written := []string{fmt.Sprintf("%s.oci  %s@%s", base, b.tag.Context(), digest)}
	for _, p := range b.platforms {
		if err := os.WriteFile(base+"-"+p.String()+".spdx.json", p.sbom, 0o644); err != nil {
			return nil, err
		}
		target := base + "-" + p.String() + ".tar"
		if err := writeArchive(target, b.tag, p); err != nil {
			return nil, err
		}
		digest, err := p.image.Digest()
		if err != nil {
			return nil, err
		}
		written = append(written, fmt.Sprintf("%s  %s %s", target, b.tag, digest))
	}
	return written, nil
}

// writeLayout writes an OCI image layout in place of one that is there, and
// returns the digest of the index.
func (b *built) writeLayout(dir string) (v1.Hash, error) {
	if err := removeLayout(dir); err != nil {
		return v1.Hash{}, err
	}
	target, err := layout.Write(dir, empty.Index)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := target.AppendIndex(b.index, layout.WithAnnotations(nameAnnotations(b.tag))); err != nil {
		return v1.Hash{}, err
	}
	for _, p := range b.platforms {
		if err := target.AppendImage(p.referrer); err != nil {
			return v1.Hash{}, err
		}
	}
	return b.index.Digest()
}

// removeLayout removes an image layout and nothing else: a folder that is none
// is somebody's.
func removeLayout(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return fmt.Errorf("%s is there, and no image layout: %w", dir, err)
	}
	return os.RemoveAll(dir)
}

// writeArchive writes the image of one platform as a tar that is both what
// docker save writes and an OCI layout. docker load and kind read the first, or
// with containerd the second; ctr images import reads the second, and gets the
// very manifest that a registry would have.
func writeArchive(target string, tag name.Tag, p platformImage) error {
	blobs, err := blobsOf(p.image)
	if err != nil {
		return err
	}
	about, err := partial.Descriptor(p.image)
	if err != nil {
		return err
	}
	about.Platform, about.Annotations = &p.platform, nameAnnotations(tag)
	saved, err := dockerManifest(tag, p.image)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		path  string
		value any
	}{
		{"oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}},
		{"index.json", v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{*about}}},
		{"manifest.json", saved},
	} {
		data, err := json.Marshal(part.value)
		if err != nil {
			return err
		}
		blobs = append(blobs, file{part.path, 0o444, data})
	}
	slices.SortFunc(blobs, func(a, b file) int { return strings.Compare(a.path, b.path) })
	var out bytes.Buffer
	if err := writeTar(&out, blobs, time.Unix(0, 0)); err != nil {
		return err
	}
	return os.WriteFile(target, out.Bytes(), 0o644)
}

// blobsOf returns the blobs of an image as the files of an image layout.
func blobsOf(image v1.Image) ([]file, error) {
	manifest, err := image.RawManifest()
	if err != nil {
		return nil, err
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return nil, err
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	contents := [][]byte{manifest, config}
	for _, layer := range layers {
		reader, err := layer.Compressed()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(reader)
		if err := errors.Join(err, reader.Close()); err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	var blobs []file
	for _, content := range contents {
		digest, _, err := v1.SHA256(bytes.NewReader(content))
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, file{blobPath(digest), 0o444, content})
	}
	return blobs, nil
}

func blobPath(digest v1.Hash) string { return path.Join("blobs", digest.Algorithm, digest.Hex) }

// dockerSaved is an entry of the manifest.json that docker save writes.
type dockerSaved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func dockerManifest(tag name.Tag, image v1.Image) ([]dockerSaved, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return nil, err
	}
	saved := dockerSaved{Config: blobPath(manifest.Config.Digest), RepoTags: []string{fullName(tag)}}
	for _, layer := range manifest.Layers {
		saved.Layers = append(saved.Layers, blobPath(layer.Digest))
	}
	return []dockerSaved{saved}, nil
}

func nameAnnotations(tag name.Tag) map[string]string {
	return map[string]string{refNameKey: tag.TagStr(), containerKey: fullName(tag)}
}

// fullName is the name by which a kubelet knows the image: Docker Hub is
// docker.io there, whatever host its registry has.
func fullName(tag name.Tag) string {
	return strings.Replace(tag.Name(), name.DefaultRegistry+"/", "docker.io/", 1)
}
