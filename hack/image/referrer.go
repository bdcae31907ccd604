package main

import (
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// spdxMediaType is that of SPDX documents in JSON.
const spdxMediaType = "application/spdx+json"

// referrer makes an artifact that has the SBOM and says which image it is about
// (OCI image-spec 1.1, "Guidelines for Artifact Usage"). Tools find it with the
// referrers API of a registry.
func (r *recipe) referrer(subject v1.Image, sbom []byte) (v1.Image, error) {
	about, err := partial.Descriptor(subject)
	if err != nil {
		return nil, err
	}
	a := artifact{config: []byte("{}"), content: static.NewLayer(sbom, spdxMediaType)}
	config, err := partial.Descriptor(static.NewLayer(a.config, types.OCIEmptyJSON))
	if err != nil {
		return nil, err
	}
	content, err := partial.Descriptor(a.content)
	if err != nil {
		return nil, err
	}
	a.manifest, err = json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		ArtifactType:  spdxMediaType,
		Config:        *config,
		Layers:        []v1.Descriptor{*content},
		Subject:       &v1.Descriptor{MediaType: about.MediaType, Size: about.Size, Digest: about.Digest},
		Annotations: map[string]string{
			"org.opencontainers.image.created": r.source.created.Format(time.RFC3339),
		},
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(a)
}

// artifact is a partial.CompressedImageCore.
type artifact struct {
	manifest []byte
	config   []byte
	content  v1.Layer
}

func (a artifact) RawManifest() ([]byte, error)      { return a.manifest, nil }
func (a artifact) RawConfigFile() ([]byte, error)    { return a.config, nil }
func (artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (artifact) ArtifactType() (string, error)       { return spdxMediaType, nil }

func (a artifact) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	for _, layer := range []v1.Layer{a.content, static.NewLayer(a.config, types.OCIEmptyJSON)} {
		if own, err := layer.Digest(); err != nil || own == digest {
			return layer, err
		}
	}
	return nil, fmt.Errorf("the artifact has no blob %s", digest)
}
