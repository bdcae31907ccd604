package controlplane

import (
	"context"
	"io"
)

// Source is opened to the specs, which bring sources of their own.
type Source = source

// NewSource is a source of that name.
func NewSource(name string, fill func(ctx context.Context, dir string) error) Source {
	return source{name: name, fill: fill}
}

// Obtain looks into a cache at dir, and asks sources, in their order.
func Obtain(ctx context.Context, dir string, log io.Writer, sources ...Source) (string, error) {
	return cache{dir: dir, log: log}.obtain(ctx, "some-version", sources)
}
