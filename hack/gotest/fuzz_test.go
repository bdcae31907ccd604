package main

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("what go test -fuzz says when it fails",
	func(out string, over bool) {
		Expect(timeWasUp([]byte(out))).To(Equal(over))
	},
	Entry("is no failure where its time was over and nothing else", `fuzz: elapsed: 5s, execs: 14161 (2531/sec), new interesting: 8 (total: 29)
--- FAIL: FuzzBasicAuth (5.24s)
    context deadline exceeded
FAIL
exit status 1
FAIL	example.org/clientauth	5.301s
`, true),
	Entry("is one where it found an input", `--- FAIL: FuzzBasicAuth (5.24s)
    --- FAIL: FuzzBasicAuth (0.00s)
        basic_test.go:20: differs

    Failing input written to testdata/fuzz/FuzzBasicAuth/0123456789abcdef
FAIL
`, false),
	Entry("is one where the deadline is the target's own", `--- FAIL: FuzzBasicAuth (5.24s)
    context deadline exceeded
    Failing input written to testdata/fuzz/FuzzBasicAuth/0123456789abcdef
FAIL
`, false),
	Entry("is one where an input of the corpus fails", `--- FAIL: FuzzBasicAuth (0.02s)
    --- FAIL: FuzzBasicAuth/seed#0 (0.00s)
        basic_test.go:20: context deadline exceeded
FAIL
`, false),
	Entry("is one where it does not compile", "FAIL	example.org/clientauth [build failed]\n", false),
)

var _ = Describe("How much a target was fuzzed", func() {
	It("is what go test said last", func() {
		Expect(inputs([]byte("fuzz: elapsed: 3s, execs: 9 (3/sec), new interesting: 1 (total: 2)\n" +
			"fuzz: elapsed: 6s, execs: 14161 (2531/sec), new interesting: 8 (total: 29)\nPASS\n"))).To(Equal(14161))
	})

	It("is nothing where it did not begin", func() {
		Expect(inputs([]byte("fuzz: elapsed: 0s, gathering baseline coverage: 0/7 completed\nPASS\n"))).To(BeZero())
	})
})
