package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestGotest(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "gotest")
}

var _ = Describe("a report", func() {
	// of feeds events of one package, given as "action~test~output".
	of := func(lines ...string) (*report, string) {
		GinkgoHelper()
		var in, out strings.Builder
		for _, line := range lines {
			part := strings.SplitN(line+"~~", "~", 4)
			_, err := fmt.Fprintf(&in, `{"Action":%q,"Package":"p","Test":%q,"Output":"%s"}`+"\n", part[0], part[1], part[2])
			Expect(err).NotTo(HaveOccurred())
		}
		r := newReport(&out)
		Expect(r.read(strings.NewReader(in.String()))).To(Succeed())
		r.close()
		return r, out.String()
	}

	It("counts tests, and of tests with parts the parts", func() {
		r, out := of("run~A", "pass~A", "run~B", "run~B/one", "pass~B/one", "run~B/two", "skip~B/two", "pass~B",
			`output~~ok  \tp\t0.1s\n`, "pass")
		Expect(r.total).To(Equal(count{passed: 2, skipped: 1}))
		Expect(out).To(Equal("ok  \tp\t0.1s\n2 passed, 0 failed, 1 skipped\n"))
	})

	It("prints at once what is meant for whoever watches", func() {
		var out strings.Builder
		r := newReport(&out)
		r.live = "e2e: "
		Expect(r.read(strings.NewReader(
			`{"Action":"output","Package":"p","Test":"A","Output":"e2e: installed\n"}` + "\n" +
				`{"Action":"output","Package":"p","Test":"A","Output":"\u001b[38;5;10m•\u001b[0mS•e2e: behind the marks of two specs\n"}` + "\n" +
				`{"Action":"output","Package":"p","Test":"A","Output":"something else\n"}` + "\n"))).To(Succeed())
		Expect(out.String()).To(Equal("e2e: installed\ne2e: behind the marks of two specs\n"))
	})

	It("leaves its count in a file, a line for each run", func() {
		path := filepath.Join(GinkgoT().TempDir(), "tally")
		Expect(tally(path, count{passed: 1, failed: 2, skipped: 3})).To(Succeed())
		Expect(tally(path, count{passed: 4})).To(Succeed())
		Expect(os.ReadFile(path)).To(BeEquivalentTo("1 2 3\n4 0 0\n"))
		Expect(tally("", count{})).To(Succeed())
	})

	It("counts the specs of a suite", func() {
		r, _ := of("run~TestSuite", `output~TestSuite~\u001b[1mSUCCESS!\u001b[0m -- \u001b[32m13 Passed\u001b[0m | `+
			`\u001b[31m0 Failed\u001b[0m | 1 Pending | 2 Skipped\n`, "pass~TestSuite", "pass")
		Expect(r.total).To(Equal(count{passed: 13, skipped: 3}))
	})

	It("counts a suite that failed outside of its specs", func() {
		r, _ := of("run~TestSuite", `output~TestSuite~FAIL! -- 0 Passed | 0 Failed | 0 Pending | 9 Skipped\n`, "fail~TestSuite", "fail")
		Expect(r.total).To(Equal(count{failed: 1, skipped: 9}))
	})

	It("quotes the tests that failed and no others", func() {
		r, out := of("run~A", `output~A~=== RUN A\n`, `output~A~all is well\n`, "pass~A",
			"run~B", `output~B~=== RUN B\n`, `output~B~it broke\n`, "fail~B", `output~~FAIL\tp\t0.1s\n`, "fail")
		Expect(r.total).To(Equal(count{passed: 1, failed: 1}))
		Expect(out).To(Equal("it broke\nFAIL\tp\t0.1s\nfailed: p B\n1 passed, 1 failed, 0 skipped\n"))
	})

	It("counts a test that never ended", func() {
		r, _ := of("run~A", `output~A~panic: oh\n`, "fail")
		Expect(r.total).To(Equal(count{failed: 1}))
	})

	It("counts a package that does not compile, and says why", func() {
		var out strings.Builder
		r := newReport(&out)
		Expect(r.read(strings.NewReader(`{"ImportPath":"p [p.test]","Action":"build-output","Output":"x.go:1: no\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
`))).To(Succeed())
		Expect(r.total).To(Equal(count{failed: 1}))
		Expect(out.String()).To(Equal("x.go:1: no\nFAIL\tp [build failed]\n"))
	})
})
