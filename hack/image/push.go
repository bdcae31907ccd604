package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// runPush pushes what runBuild has written, not something built anew: what was
// looked at and tested is what others get.
func runPush(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("push", flag.ContinueOnError)
	dir := flags.String("layout", "", "OCI image layout that build has written")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || flags.NArg() != 1 {
		return fmt.Errorf("push needs -layout and the name to push to")
	}
	tag, err := name.NewTag(flags.Arg(0))
	if err != nil {
		return err
	}
	digest, err := push(ctx, *dir, tag)
	if err != nil {
		return fmt.Errorf("push %s to %s: %w", *dir, tag, err)
	}
	_, err = fmt.Fprintln(out, digest)
	return err
}

// push pushes the index of a layout under the tag, and the SBOMs beside it by
// their digests. Credentials are those of docker login. It returns the digest
// under which the index is known from then on.
func push(ctx context.Context, dir string, tag name.Tag) (name.Digest, error) {
	from, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return name.Digest{}, err
	}
	manifest, err := from.IndexManifest()
	if err != nil {
		return name.Digest{}, err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	var pushed name.Digest
	for _, entry := range manifest.Manifests {
		if !entry.MediaType.IsIndex() {
			continue
		}
		index, err := from.ImageIndex(entry.Digest)
		if err != nil {
			return pushed, err
		}
		if err := remote.WriteIndex(tag, index, options...); err != nil {
			return pushed, err
		}
		pushed = tag.Digest(entry.Digest.String())
	}
	if pushed == (name.Digest{}) {
		return pushed, fmt.Errorf("the layout has no image index")
	}
	for _, entry := range manifest.Manifests {
		if !entry.MediaType.IsImage() {
			continue
		}
		referrer, err := from.Image(entry.Digest)
		if err != nil {
			return pushed, err
		}
		if err := remote.Write(tag.Digest(entry.Digest.String()), referrer, options...); err != nil {
			return pushed, err
		}
	}
	return pushed, nil
}
