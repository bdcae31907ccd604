package devicecode

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("A user code", func() {
	It("RFC 8628 §6.1: has eight letters of the base-20 set, each as likely as any other", func() {
		counts := map[rune]int{}
		const codes = 5000
		for range codes {
			code := NewUserCode()
			Expect(string(code)).To(MatchRegexp(`^[BCDFGHJKLMNPQRSTVWXZ]{8}$`))
			Expect(code.String()).To(MatchRegexp(`^[A-Z]{4}-[A-Z]{4}$`))
			for _, r := range code {
				counts[r]++
			}
		}
		Expect(counts).To(HaveLen(20))
		for r, n := range counts { // 2000 expected, with a standard deviation of 44
			Expect(n).To(BeNumerically("~", codes*8/20, 270), "%c", r)
		}
	})

	It("is never the same twice in a row", func() {
		seen := map[UserCode]bool{}
		for range 1000 {
			code := NewUserCode()
			Expect(seen).NotTo(HaveKey(code))
			seen[code] = true
		}
	})

	DescribeTable("RFC 8628 §6.1: is read whatever its case, and with whatever punctuation",
		func(typed string) {
			code, ok := ParseUserCode(typed)
			Expect(ok).To(BeTrue())
			Expect(code).To(Equal(UserCode("WDJBMJHT")))
		},
		Entry("as shown", "WDJB-MJHT"),
		Entry("in lower case", "wdjb-mjht"),
		Entry("in both", "wDjBmJhT"),
		Entry("without a dash", "WDJBMJHT"),
		Entry("with spaces", "  WD JB  MJ\tHT \n"),
		Entry("with other dashes", "WDJB–MJ—HT"),
		Entry("with dots and commas", "W.D,J;B:M/J_H!T"),
		Entry("with protected spaces", "WDJB\u00a0MJHT"),
	)

	DescribeTable("is nothing else",
		func(typed string) {
			code, ok := ParseUserCode(typed)
			Expect(ok).To(BeFalse())
			Expect(code).To(BeEmpty())
		},
		Entry("nothing", ""),
		Entry("too short", "WDJB-MJH"),
		Entry("too long", "WDJB-MJHTT"),
		Entry("with a vowel", "WDJB-MJHA"),
		Entry("with Y", "WDJB-MJHY"),
		Entry("with a digit", "WDJB-MJH7"),
		Entry("with a digit beside", "WDJB-MJHT-7"),
		Entry("with a letter that looks alike", "WDJВ-MJHT"),
		Entry("with a letter whose upper case is one", "WDJB-MJHſ"),
		Entry("with markup", "<b>WDJBMJHT"),
		Entry("with what cannot be seen", "WDJB\u200bMJHT"),
		Entry("with a NUL", "WDJB\x00MJHT"),
		Entry("not in UTF-8", "WDJB\xffMJHT"),
		Entry("without end", "WDJB-MJHT"+strings.Repeat(" ", 64)),
	)
})

func FuzzParseUserCode(f *testing.F) {
	for _, seed := range []string{"WDJB-MJHT", "wdjb mjht", "", "WDJB-MJH7", "W\u2014DJBMJHT", "\xff", "ſſſſſſſſ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ParseUserCode(typed)
		if !ok {
			if code != "" {
				t.Fatal("a code that is none")
			}
			return
		}
		if len(code) != userCodeLength || strings.Trim(string(code), userCodeLetters) != "" {
			t.Fatalf("%q is read as %q", typed, string(code))
		}
		for _, same := range []string{string(code), code.String(), strings.ToLower(code.String())} {
			if again, ok := ParseUserCode(same); !ok || again != code {
				t.Fatalf("%q is not read as it was written", same)
			}
		}
	})
}
