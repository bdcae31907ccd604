package oauth_test

import (
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

var _ = Describe("Scope", func() {
	DescribeTable("RFC 6749 §3.3: is a list of tokens with spaces between",
		func(parameter string, scope oauth.Scope) {
			Expect(oauth.ParseScope(parameter)).To(Equal(scope))
		},
		Entry(nil, "", oauth.Scope(nil)),
		Entry(nil, "   ", oauth.Scope(nil)),
		Entry(nil, "a", oauth.Scope{"a"}),
		Entry(nil, "b a", oauth.Scope{"b", "a"}),
		Entry(nil, " a  b ", oauth.Scope{"a", "b"}),
		Entry(nil, "a b a", oauth.Scope{"a", "b"}),
		Entry(nil, "a A", oauth.Scope{"a", "A"}),
		Entry(nil, "https://example.com/a?b=c#d ~!#[]^_`{|}", oauth.Scope{"https://example.com/a?b=c#d", "~!#[]^_`{|}"}),
	)

	It("RFC 6749 Appendix A.4: has no other characters than those of NQCHAR", func() {
		for c := range 256 {
			scope, err := oauth.ParseScope("a" + string([]byte{byte(c)}))
			switch {
			case c == 0x20:
				Expect(scope).To(Equal(oauth.Scope{"a"}))
			case c == 0x21, 0x23 <= c && c <= 0x5B, 0x5D <= c && c <= 0x7E:
				Expect(err).NotTo(HaveOccurred(), "%#x", c)
			default:
				Expect(codeOf(err)).To(Equal(oauth.CodeInvalidScope), "%#x", c)
			}
		}
	})

	It("is a set: order does not matter, case does", func() {
		scope := oauth.Scope{"a", "b", "c"}
		Expect(oauth.Scope{"c", "a"}.In(scope)).To(BeTrue())
		Expect(oauth.Scope{}.In(scope)).To(BeTrue())
		Expect(oauth.Scope{"a", "d"}.In(scope)).To(BeFalse())
		Expect(oauth.Scope{"A"}.In(scope)).To(BeFalse())
		Expect(scope.Has("B")).To(BeFalse())
		Expect(oauth.Scope{"d", "c", "a"}.Intersect(scope)).To(Equal(oauth.Scope{"c", "a"}))
		Expect(scope.String()).To(Equal("a b c"))
	})

	It("has no more tokens than anybody can be registered for, so that nobody pays for thousands", func() {
		tokens := func(n int) string {
			var b strings.Builder
			for i := range n {
				b.WriteString(" " + strconv.Itoa(i))
			}
			return b.String()
		}
		Expect(oauth.ParseScope(tokens(128))).To(HaveLen(128))
		Expect(oauth.ParseScope(tokens(128) + tokens(128))).To(HaveLen(128))
		_, err := oauth.ParseScope(tokens(129))
		Expect(codeOf(err)).To(Equal(oauth.CodeInvalidScope))
	})
})
