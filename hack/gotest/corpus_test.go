package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The inputs that are kept", func() {
	It("are as many as are wanted, none of them large, and stay the same", func() {
		from, to := GinkgoT().TempDir(), filepath.Join(GinkgoT().TempDir(), "testdata", "fuzz", "FuzzX")
		for i := range 5 {
			Expect(os.WriteFile(filepath.Join(from, fmt.Sprintf("%x", 10+i)), []byte("go test fuzz v1\n"), 0o600)).To(Succeed())
		}
		Expect(os.WriteFile(filepath.Join(from, "0"), []byte(strings.Repeat("x", maxKept+1)), 0o600)).To(Succeed())
		names := func() (all []string) {
			entries, err := os.ReadDir(to)
			Expect(err).NotTo(HaveOccurred())
			for _, e := range entries {
				all = append(all, e.Name())
			}
			return all
		}
		Expect(keepSome(from, to, 3)).To(Succeed())
		Expect(names()).To(Equal([]string{"a", "b", "c"}))
		Expect(keepSome(from, to, 3)).To(Succeed())
		Expect(names()).To(Equal([]string{"a", "b", "c"}))
		Expect(keepSome(from, to, 100)).To(Succeed())
		Expect(names()).To(Equal([]string{"a", "b", "c", "d", "e"}))
	})

	It("are none where nothing was found", func() {
		Expect(keepSome(filepath.Join(GinkgoT().TempDir(), "none"), GinkgoT().TempDir(), 3)).To(Succeed())
	})
})
