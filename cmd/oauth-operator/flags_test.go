package main_test

import (
	"os/exec"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("A flag that cannot be followed is refused, with a sentence that helps",
	func(ctx SpecContext, flag, value, help string) {
		said, err := exec.CommandContext(ctx, binary, "server", "--namespace", "default", flag, value).CombinedOutput()
		Expect(err).To(MatchError("exit status 1"))
		Expect(string(said)).To(And(ContainSubstring(flag), ContainSubstring(value), ContainSubstring(help)))
	},
	Entry("a format of the log", "--log-format", "xml", "json or text", SpecTimeout(time.Minute)),
)
