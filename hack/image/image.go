package main

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// built is an image for some platforms.
type built struct {
	tag       name.Tag
	index     v1.ImageIndex
	platforms []platformImage
}

// platformImage is the image for one platform and what it is made of.
type platformImage struct {
	platform v1.Platform
	image    v1.Image
	sbom     []byte   // SPDX 2.3, JSON
	referrer v1.Image // of the image: has the SBOM
}

func (r *recipe) build(ctx context.Context) (*built, error) {
	tag, err := name.NewTag(r.name)
	if err != nil {
		return nil, err
	}
	b := &built{tag: tag, index: mutate.IndexMediaType(empty.Index, types.OCIImageIndex)}
	for _, platform := range r.platforms {
		p, err := r.buildPlatform(ctx, platform)
		if err != nil {
			return nil, err
		}
		b.platforms = append(b.platforms, p)
		b.index = mutate.AppendManifests(b.index, mutate.IndexAddendum{
			Add: p.image, Descriptor: v1.Descriptor{Platform: &platform},
		})
	}
	b.index = mutate.Annotations(b.index, r.annotations()).(v1.ImageIndex)
	return b, nil
}

func (r *recipe) buildPlatform(ctx context.Context, platform v1.Platform) (platformImage, error) {
	p := platformImage{platform: platform}
	compiled, err := r.compile(ctx, platform)
	if err != nil {
		return p, err
	}
	files, err := r.files(compiled)
	if err != nil {
		return p, err
	}
	if p.image, err = r.imageOf(files, platform); err != nil {
		return p, err
	}
	if p.sbom, err = r.sbom(compiled, platform); err != nil {
		return p, err
	}
	p.referrer, err = r.referrer(p.image, p.sbom)
	return p, err
}

// imageOf makes an image of nothing but the files: one layer for what seldom
// changes, and one for the program.
func (r *recipe) imageOf(files []file, platform v1.Platform) (v1.Image, error) {
	var rest, programs []file
	for _, f := range files {
		if "/"+f.path == path.Clean(r.entrypoint) {
			programs = append(programs, f)
		} else {
			rest = append(rest, f)
		}
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	user := strconv.Itoa(uid)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{
		OS: platform.OS, Architecture: platform.Architecture,
		Created: v1.Time{Time: r.source.created},
		RootFS:  v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       user + ":" + user,
			WorkingDir: "/",
			Entrypoint: []string{path.Clean(r.entrypoint)},
			Labels:     r.annotations(),
		},
	})
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		files []file
		what  string
	}{
		{rest, "root certificates, users, licences"},
		{programs, "go build " + r.pkg},
	} {
		layer, err := layerOf(part.files, r.source.created)
		if err != nil {
			return nil, err
		}
		if image, err = mutate.Append(image, mutate.Addendum{
			Layer:   layer,
			History: v1.History{Created: v1.Time{Time: r.source.created}, CreatedBy: part.what},
		}); err != nil {
			return nil, err
		}
	}
	return mutate.Annotations(image, r.annotations()).(v1.Image), nil
}

// home is where the project is; the key org.opencontainers.image.source asks for
// an address.
const home = "https://oauth-operator.dev"

// annotations are the image-spec's pre-defined ones, which also are the labels of
// the Dockerfile.
func (r *recipe) annotations() map[string]string {
	tag, err := name.NewTag(r.name)
	title := path.Base(r.pkg)
	if err == nil {
		title = path.Base(tag.RepositoryStr())
	}
	annotations := map[string]string{
		"org.opencontainers.image.title":    title,
		"org.opencontainers.image.version":  r.source.version,
		"org.opencontainers.image.revision": r.source.revision,
		"org.opencontainers.image.created":  r.source.created.Format(time.RFC3339),
		"org.opencontainers.image.url":      home,
		"org.opencontainers.image.source":   home,
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
	if r.description != "" {
		annotations["org.opencontainers.image.description"] = r.description
	}
	return annotations
}

func (p platformImage) String() string {
	return fmt.Sprintf("%s-%s", p.platform.OS, p.platform.Architecture)
}
