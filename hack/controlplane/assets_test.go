package controlplane_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/hack/controlplane"
)

var _ = Describe("the programs of a control plane", func() {
	setenv := func(value string) {
		GinkgoHelper()
		GinkgoT().Setenv(controlplane.AssetsVariable, value)
	}

	Context("named by KUBEBUILDER_ASSETS", func() {
		It("go before every other source", func(ctx SpecContext) {
			dir := GinkgoT().TempDir()
			Expect(write(dir)).To(Succeed())
			setenv(dir)
			Expect(controlplane.Assets(ctx, io.Discard)).To(Equal(dir))
		})

		It("are missed by name", func(ctx SpecContext) {
			dir := GinkgoT().TempDir()
			Expect(write(dir)).To(Succeed())
			Expect(os.Remove(filepath.Join(dir, "etcd"))).To(Succeed())
			setenv(dir)
			_, err := controlplane.Assets(ctx, io.Discard)
			Expect(err).To(MatchError(And(
				ContainSubstring("KUBEBUILDER_ASSETS="+dir),
				ContainSubstring("etcd: no such file"),
				Not(ContainSubstring("kube-apiserver")),
			)))
		})

		It("must be programs", func(ctx SpecContext) {
			dir := GinkgoT().TempDir()
			Expect(write(dir)).To(Succeed())
			Expect(os.Chmod(filepath.Join(dir, "etcd"), 0o644)).To(Succeed())
			setenv(dir)
			_, err := controlplane.Assets(ctx, io.Discard)
			Expect(err).To(MatchError(ContainSubstring("etcd is not an executable file")))
		})
	})

	Context("from the cache", func() {
		var (
			dir string
			log bytes.Buffer
		)
		BeforeEach(func() {
			dir = GinkgoT().TempDir()
			log.Reset()
		})
		obtain := func(ctx context.Context, sources ...controlplane.Source) (string, error) {
			return controlplane.Obtain(ctx, dir, &log, sources...)
		}
		works := controlplane.NewSource("that works", func(_ context.Context, dir string) error { return write(dir) })
		fails := controlplane.NewSource("that fails", func(context.Context, string) error { return errors.New("out of order") })
		never := controlplane.NewSource("that is not needed", func(context.Context, string) error { panic("asked") })
		half := controlplane.NewSource("that does half the work", func(_ context.Context, dir string) error {
			return os.WriteFile(filepath.Join(dir, "etcd"), nil, 0o755)
		})

		It("are filled in by the first source that can", func(ctx SpecContext) {
			found, err := obtain(ctx, fails, half, works, never)
			Expect(err).NotTo(HaveOccurred())
			Expect(filepath.Join(found, "kube-apiserver")).To(BeAnExistingFile())
			Expect(log.String()).To(And(
				ContainSubstring("no that fails: out of order"),
				ContainSubstring("no that does half the work: incomplete"),
			))
			Expect(filepath.Glob(filepath.Join(dir, ".filling-*"))).To(BeEmpty())

			By("finding them there the second time")
			log.Reset()
			Expect(obtain(ctx, never)).To(Equal(found))
			Expect(log.String()).To(BeEmpty())
		})

		It("are filled in again when one was lost", func(ctx SpecContext) {
			found, err := obtain(ctx, works)
			Expect(err).NotTo(HaveOccurred())
			Expect(os.Remove(filepath.Join(found, "etcd"))).To(Succeed())
			Expect(obtain(ctx, works)).To(Equal(found))
			Expect(filepath.Join(found, "etcd")).To(BeAnExistingFile())
		})

		It("are not there when no source has them, and every reason is told", func(ctx SpecContext) {
			_, err := obtain(ctx, fails, half)
			Expect(err).To(MatchError(And(ContainSubstring("out of order"), ContainSubstring("incomplete"))))
		})

		It("are filled in once for many callers", func(ctx SpecContext) {
			var mu sync.Mutex
			asked := 0
			once := controlplane.NewSource("that counts", func(_ context.Context, dir string) error {
				mu.Lock()
				defer mu.Unlock()
				asked++
				return write(dir)
			})
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					defer GinkgoRecover()
					_, err := controlplane.Obtain(ctx, dir, io.Discard, once)
					Expect(err).NotTo(HaveOccurred())
				})
			}
			all.Wait()
			Expect(asked).To(Equal(1))
		})

		It("are not waited for by a caller that has given up", func(ctx SpecContext) {
			given, giveUp := context.WithCancel(ctx)
			_, err := obtain(given, controlplane.NewSource("that is interrupted", func(context.Context, string) error {
				giveUp()
				return errors.New("interrupted")
			}), never)
			Expect(err).To(MatchError(context.Canceled))
		})
	})
})

// write puts programs into dir that are good enough to be looked at.
func write(dir string) error {
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			return err
		}
	}
	return nil
}
