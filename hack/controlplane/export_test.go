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

// Download is the source that fetches what the index at that address lists.
func Download(index string, log io.Writer) (Source, error) {
	root, err := moduleRoot()
	if err != nil {
		return Source{}, err
	}
	want, err := readPins(root)
	return NewSource("prebuilt download", download{pins: want, index: index, log: log}.fill), err
}
