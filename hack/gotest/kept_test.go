package main

import (
	"context"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The fuzz targets of this repository", func() {
	It("have each a corpus that is kept", func(ctx context.Context) {
		targets, err := fuzzTargets(ctx, "oauth-operator.dev/...")
		Expect(err).NotTo(HaveOccurred())
		Expect(len(targets)).To(BeNumerically(">=", 41))
		for _, target := range targets {
			kept, _ := os.ReadDir(filepath.Join(target.dir, "testdata", "fuzz", target.name))
			Expect(kept).NotTo(BeEmpty(), "%s in %s: run make corpus", target.name, target.dir)
		}
	})
})
