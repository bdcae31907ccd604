package main

import (
	"context"
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("What runs beside the tests", func() {
	It("is waited for, and counts with its failures and errors", func() {
		var out strings.Builder
		all := newReport(&out)
		all.total, all.failures = count{passed: 1}, []string{"p A"}
		broken := errors.New("it broke")
		begun := make(chan struct{})
		wait := start(all, []task{
			func(r *report) error {
				close(begun)
				r.total = count{passed: 2, failed: 1}
				r.failures = []string{"q B"}
				return nil
			},
			func(r *report) error { <-begun; r.total = count{skipped: 4}; return broken },
		})
		Expect(wait()).To(MatchError(broken))
		all.close()
		Expect(out.String()).To(Equal("failed: p A\nfailed: q B\n3 passed, 1 failed, 4 skipped\n"))
	})

	It("gives way, and the tests do not", func(ctx SpecContext) {
		command := func(ctx context.Context) string {
			return strings.Join(goCommand(ctx, "env", "GOOS").Args, " ")
		}
		Expect(command(ctx)).To(Equal("go env GOOS"))
		Expect(command(giveWay(ctx))).To(HaveSuffix("nice -n 10 go env GOOS"))
		out, err := goCommand(giveWay(ctx), "env", "GOOS").Output()
		Expect(err).NotTo(HaveOccurred())
		Expect(out).NotTo(BeEmpty())
	})
})
