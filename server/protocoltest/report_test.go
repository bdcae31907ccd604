package protocoltest_test

import (
	"encoding/xml"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/protocoltest"
)

var _ = Describe("A report", func() {
	results := func(ctx SpecContext, before func(http.Handler) http.Handler) ([]protocoltest.Result, protocoltest.Config) {
		w := newWorld()
		w.stand(before)
		return protocoltest.Run(ctx, w.config, protocoltest.Cases()), w.config
	}

	It("says what failed, was passed over and passed, in JUnit as in text", func(ctx SpecContext) {
		all, _ := results(ctx, location(iss))
		count := map[protocoltest.Outcome]int{}
		for _, r := range all {
			count[r.Outcome]++
		}
		Expect(protocoltest.Failed(all)).To(BeTrue())
		var junit strings.Builder
		Expect(protocoltest.WriteJUnit(&junit, all)).To(Succeed())
		var suite struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Skipped  int `xml:"skipped,attr"`
		}
		Expect(xml.Unmarshal([]byte(junit.String()), &suite)).To(Succeed())
		Expect(suite.Tests).To(Equal(len(all)))
		Expect(suite.Failures).To(And(Equal(count[protocoltest.Fail]), BeNumerically(">=", 2)))
		Expect(suite.Skipped).To(And(Equal(count[protocoltest.NotSupported]), BeNumerically(">", 0)))
		var text strings.Builder
		Expect(protocoltest.WriteText(&text, all)).To(Succeed())
		Expect(text.String()).To(And(ContainSubstring("RFC 9207 §2\n"), MatchRegexp(`fail +RFC 9207 §2-success`)))
	})

	It("has no secret, password, code or token, whatever goes wrong", func(ctx SpecContext) {
		// Every answer of the token endpoint, every redirect and every page is not what it should be.
		all, config := results(ctx, func(h http.Handler) http.Handler {
			return location(iss)(header("/token", "Content-Type", "text/plain")(status("/userinfo", 401, 200)(h)))
		})
		var text strings.Builder
		Expect(protocoltest.WriteText(&text, all)).To(Succeed())
		Expect(text.String()).To(MatchRegexp("[1-9][0-9]* failed"))
		for _, secret := range []string{config.Confidential.Secret, config.Login.Password, "eyJ", "code="} {
			Expect(text.String()).NotTo(ContainSubstring(secret))
		}
	})
})
